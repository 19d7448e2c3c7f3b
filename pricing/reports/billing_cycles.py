"""The billing cycle that an instant of an account's life is in, whatever is asked about.

A charge belongs to one cycle for ever: that of the subscription that ran when it was charged, or,
where none did, the calendar month in the account's zone (C8).
"""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct
from sqlalchemy import Connection, select

from pricing.periods import Anchor, Period, period, period_number
from pricing.subscriptions.subscriptions import period_under
from pricing.subscriptions.terms import Terms, all_terms
from pricing.tables import SUBSCRIPTIONS

_A_FIRST_DAY = date(2021, 1, 1)
"""Of any month: calendar months are counted from one."""


class Stretch(Struct, frozen=True):
    """A stretch of time on one plan, and the subscription that it belongs to."""

    terms: Terms
    anchor: Anchor
    subscribed_at: datetime


class BillingCycles(Struct, frozen=True):
    """What an account was on, from which its cycles follow.

    Attributes:
        timezone: Of its days.
        stretches: Oldest first.
    """

    timezone: str
    stretches: tuple[Stretch, ...] = ()

    def at(self, instant: datetime) -> Period:
        """The cycle that holds an instant."""
        for each in reversed(self.stretches):
            if each.terms.started_at <= instant:
                ended_at = each.terms.ended_at
                cycle = None
                if ended_at is None or instant < ended_at:
                    cycle = period_under(each.terms.plan, each.anchor, each.subscribed_at, instant)
                return cycle or self._month(instant)
        return self._month(instant)

    def _month(self, instant: datetime) -> Period:
        calendar = Anchor(_A_FIRST_DAY, self.timezone)
        return period(calendar, period_number(calendar, instant))


def billing_cycles(conn: Connection, account_id: str, timezone: str) -> BillingCycles:
    """The cycles of an account, whose days are in ``timezone``."""
    rows = conn.execute(select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.account_id == account_id))
    subscriptions = {row.id: (Anchor(row.anchor_day, row.timezone), row.started_at) for row in rows}
    return BillingCycles(
        timezone,
        tuple(
            Stretch(terms, *subscriptions[terms.subscription_id])
            for terms in all_terms(conn, account_id)
        ),
    )
