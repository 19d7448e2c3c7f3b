"""The running subscriptions of many accounts at once, with the last period that each has opened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Text, cast, func, select

from pricing.plans.file import plan_from_json
from pricing.plans.model import Plan
from pricing.subscriptions.subscriptions import Subscription, subscription_of
from pricing.subscriptions.terms import terms_of
from pricing.tables import PERIODS, SUBSCRIPTIONS, TERMS, among

_RUNNING = select(SUBSCRIPTIONS).where(
    among(SUBSCRIPTIONS.c.account_id, "accounts"),
    SUBSCRIPTIONS.c.ended_at.is_(None),
)
_TERMS = (
    select(
        TERMS.c.id,
        TERMS.c.subscription_id,
        # As text, so that the same plan is read once.
        cast(TERMS.c.document, Text).label("document"),
        TERMS.c.started_at,
        TERMS.c.ended_at,
    )
    .where(among(TERMS.c.subscription_id, "subscriptions"))
    .order_by(TERMS.c.id)
)
_LAST_PERIODS = (
    select(PERIODS.c.subscription_id, func.max(PERIODS.c.n).label("n"))
    .where(among(PERIODS.c.subscription_id, "subscriptions"))
    .group_by(PERIODS.c.subscription_id)
)


class Running(Struct, frozen=True, gc=False):
    """A running subscription.

    Attributes:
        subscription: It.
        last_period: Number of the last period that was opened, paid or not; None: none was.
    """

    subscription: Subscription
    last_period: int | None

    @property
    def next_period(self) -> int:
        """Number of the period that will be opened next, if it has periods."""
        if self.last_period is None:
            return self.subscription.first_period
        return self.last_period + 1


def running_of(conn: Connection, account_ids: Sequence[str]) -> dict[str, Running]:
    """The running subscriptions of some accounts, by account; who has cancelled has none."""
    rows = conn.execute(_RUNNING, {"accounts": account_ids}).all()
    ids = {"subscriptions": [row.id for row in rows]}
    # The latest of each is the last one.
    terms = {row.subscription_id: row for row in conn.execute(_TERMS, ids).all()}
    last_periods = dict(conn.execute(_LAST_PERIODS, ids).all())
    return {
        row.account_id: Running(
            subscription_of(row, terms_of(terms[row.id], _plan_of(terms[row.id].document))),
            last_periods.get(row.id),
        )
        for row in rows
    }


@lru_cache(maxsize=1_024)
def _plan_of(document: str) -> Plan:
    """The plan that a stored document is; many accounts are on the same."""
    return plan_from_json(msgspec.json.decode(document))
