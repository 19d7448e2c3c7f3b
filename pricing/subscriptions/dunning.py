"""Dunning: who does not pay is reminded, asked again, suspended and ended, by the plan's schedule.

A step is taken where time is made to pass, between the boundaries of periods and as they are
crossed: it counts at its own instant, whenever somebody looks. Each is written once, with what the
account is told by it: what it owes, what comes next and when. Whether an account is suspended
follows from that and from what is still owed, so that a payment ends it at once (C69 to C71).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, bindparam, select

from pricing.payments.gateway import PaymentGateway
from pricing.payments.on_record import whole
from pricing.periods import period, period_number
from pricing.plans.dunning import DueStep, Step, StepKind, day_after, ends_at, next_step
from pricing.subscriptions.owed import (
    OwedInvoice,
    ask_for_all,
    owed_invoices,
    unpaid_since,
)
from pricing.subscriptions.subscriptions import Subscription, latest
from pricing.tables import DUNNING_STEPS, insert_once

STEPS_MAX = 100
"""Steps that are taken between two boundaries at most; the next command goes on."""

BOUNDARIES_MAX = 60
"""Billing dates among which one is looked for that ends a subscription."""

_OF_ACCOUNT = (
    select(DUNNING_STEPS)
    .where(DUNNING_STEPS.c.account_id == bindparam("of"))
    .order_by(DUNNING_STEPS.c.at, DUNNING_STEPS.c.id)
)
_LAST_MOMENT = timedelta.resolution


class ComingStep(Struct, frozen=True):
    """What will be done if nothing is paid, and when."""

    kind: StepKind
    at: datetime


class TakenStep(Struct, frozen=True):
    """A step that was taken, and what was told by it.

    Attributes:
        number: Its place among all of the account's, from 1.
        kind: What was done.
        day: So many days after the due date, by the schedule.
        at: When it counts.
        due_before: The first instant after the day on which the oldest invoice was due.
        usd_micros: All that was owed.
        unpaid: Invoice by invoice.
        next: What was said to come next; None: nothing but waiting for the payment.
    """

    number: int
    kind: StepKind
    day: int
    at: datetime
    due_before: datetime
    usd_micros: int
    unpaid: tuple[OwedInvoice, ...]
    next: ComingStep | None


class Standing(Struct, frozen=True):
    """How far it has come with an account that owes.

    Attributes:
        since: When the oldest of what is owed was due.
        unpaid: The invoices.
        taken: The steps about it.
        next: What comes next; None: nothing but waiting for the payment.
    """

    since: datetime
    unpaid: tuple[OwedInvoice, ...]
    taken: tuple[TakenStep, ...]
    next: ComingStep | None

    @property
    def suspended_at(self) -> datetime | None:
        """Since when no run starts; None: they do."""
        found = (each.at for each in self.taken if each.kind is StepKind.SUSPENDED)
        return min(found, default=None)

    @property
    def usd_micros(self) -> int:
        """All that is owed."""
        return sum(each.usd_micros for each in self.unpaid)


def steps_of(conn: Connection, account_id: str) -> tuple[TakenStep, ...]:
    """Every step that was ever taken with an account, oldest first."""
    rows = conn.execute(_OF_ACCOUNT, {"of": account_id}).all()
    return tuple(_taken(number, row) for number, row in enumerate(rows, 1))


def standing_of(conn: Connection, subscription: Subscription, now: datetime) -> Standing | None:
    """How far it has come with an account; None: it owes nothing that has an invoice.

    Args:
        conn: An open connection.
        subscription: The account's latest.
        now: The instant that its books were brought up to.
    """
    unpaid = owed_invoices(conn, subscription)
    if not unpaid:
        return None
    return _standing(conn, subscription, unpaid, steps_of(conn, subscription.account_id), now)


def suspended_since(conn: Connection, subscription: Subscription, now: datetime) -> datetime | None:
    """Since when no run of an account starts for what it owes; None: they do."""
    standing = standing_of(conn, subscription, now)
    return None if standing is None else standing.suspended_at


def next_step_at(conn: Connection, account_id: str, now: datetime) -> datetime | None:
    """When the next step is to be taken that is not a boundary's; None: none is."""
    subscription = latest(conn, account_id)
    unpaid = owed_invoices(conn, subscription)
    if not unpaid:
        return None
    coming = _next_of(subscription, unpaid, steps_of(conn, account_id), now)
    return None if coming is None else coming.at


def take_due_steps(
    conn: Connection,
    account_id: str,
    *,
    after: datetime,
    crossed: datetime | None = None,
    before: datetime,
    now: datetime,
    gateway: PaymentGateway,
) -> None:
    """Take the steps that are due, each once, in their order.

    What is due is told by what is owed then: a step that was due before what is owed became what it
    is, by a boundary or a payment, is left out as if nothing had been owed.

    Args:
        conn: An open write transaction; the books are locked, and all that is due before a step is
            done.
        account_id: Whose.
        after: Up to when the account's books had been brought before.
        crossed: The last boundary since then, if one was crossed; steps of its instant come after.
        before: Steps from then on are left.
        now: The command's instant.
        gateway: Asked again.
    """
    changed = after
    if crossed is not None and crossed > after:
        after, changed = crossed - _LAST_MOMENT, crossed
    for _ in range(STEPS_MAX):
        subscription = latest(conn, account_id)
        unpaid = owed_invoices(conn, subscription)
        taken = steps_of(conn, account_id)
        due = _next_of(subscription, unpaid, taken, after, changed) if unpaid else None
        if due is None or due.at >= before:
            return
        since = unpaid[0].due_at
        with whole(conn, gateway=gateway):
            if due.step.kind is StepKind.ASKED:
                for _ in ask_for_all(conn, subscription, gateway=gateway, at=due.at, now=now):
                    # A smaller amount may be paid where a larger one is not.
                    pass
            _tell(conn, subscription, due, since=since, now=now)
        # What was done at this instant is on record; an older one is over.
        after, changed = max(after, due.at - _LAST_MOMENT), max(changed, due.at)


def is_ended_by(conn: Connection, subscription: Subscription, start: datetime) -> bool:
    """Whether what is owed ends a subscription with the period that would begin then (C71)."""
    standing = standing_of(conn, subscription, start)
    if standing is None:
        return False
    at = _ends_from(conn, subscription, standing)
    return at is not None and start >= at


def tell_end(conn: Connection, subscription: Subscription, *, at: datetime, now: datetime) -> None:
    """Put on record that a subscription ends for what is owed, which is still to be given up."""
    day = subscription.plan.dunning.ended_day or 0
    since = owed_invoices(conn, subscription)[0].due_at
    _tell(conn, subscription, DueStep(at, Step(day, StepKind.ENDED)), since=since, now=now)


def _next_of(
    subscription: Subscription,
    unpaid: Sequence[OwedInvoice],
    taken: Sequence[TakenStep],
    after: datetime,
    earliest: datetime | None = None,
) -> DueStep | None:
    zone, since = subscription.anchor.zone, unpaid[0].due_at
    mine = _about(subscription, since, taken)
    done = [Step(each.day, each.kind) for each in mine]
    return next_step(
        subscription.plan.dunning, since, done, zone=zone, after=after, earliest=earliest
    )


def _about(
    subscription: Subscription, since: datetime, taken: Sequence[TakenStep]
) -> tuple[TakenStep, ...]:
    """The steps about what was due on a day."""
    due_before = day_after(since, 1, subscription.anchor.zone)
    return tuple(each for each in taken if each.due_before == due_before)


def _standing(
    conn: Connection,
    subscription: Subscription,
    unpaid: tuple[OwedInvoice, ...],
    taken: Sequence[TakenStep],
    now: datetime,
) -> Standing:
    since = unpaid[0].due_at
    mine = _about(subscription, since, taken)
    due = _next_of(subscription, unpaid, taken, now)
    coming = None if due is None else ComingStep(due.step.kind, due.at)
    standing = Standing(since, unpaid, mine, coming)
    if coming is not None:
        return standing
    return Standing(since, unpaid, mine, _coming_end(conn, subscription, standing, now))


def _ends_from(conn: Connection, subscription: Subscription, standing: Standing) -> datetime | None:
    return ends_at(
        subscription.plan.dunning,
        standing.since,
        standing.suspended_at,
        zone=subscription.anchor.zone,
        unpaid_since=None if subscription.plan.rollover else unpaid_since(conn, subscription),
    )


def _coming_end(
    conn: Connection, subscription: Subscription, standing: Standing, now: datetime
) -> ComingStep | None:
    """The billing date that would end the subscription; None: none will."""
    if not subscription.has_periods:
        return None
    at = _ends_from(conn, subscription, standing)
    if at is None:
        return None
    # The period that begins now is there already.
    first = period_number(subscription.anchor, now) + 1
    starts = (period(subscription.anchor, first + n).start for n in range(BOUNDARIES_MAX))
    start = next((each for each in starts if each >= at), None)
    return None if start is None else ComingStep(StepKind.ENDED, start)


def _tell(
    conn: Connection, subscription: Subscription, due: DueStep, *, since: datetime, now: datetime
) -> None:
    """Put a step on record, if it is still about something, with what is told by it."""
    unpaid = owed_invoices(conn, subscription)
    if not unpaid or unpaid[0].due_at > since:
        return
    account_id = subscription.account_id
    this = _row(subscription, unpaid, due, now)
    coming = None
    if due.step.kind is not StepKind.ENDED:
        told = TakenStep(
            0, due.step.kind, due.step.day, due.at, this["due_before"], 0, unpaid, None
        )
        taken = (*steps_of(conn, account_id), told)
        coming = _standing(conn, subscription, unpaid, taken, due.at).next
    if coming is not None:
        this |= {"next_kind": coming.kind, "next_at": coming.at}
    insert_once(conn, DUNNING_STEPS, ["account_id", "due_before", "day", "kind"], this)


def _row(
    subscription: Subscription, unpaid: Sequence[OwedInvoice], due: DueStep, now: datetime
) -> dict[str, Any]:
    return {
        "account_id": subscription.account_id,
        "due_before": day_after(unpaid[0].due_at, 1, subscription.anchor.zone),
        "day": due.step.day,
        "kind": due.step.kind,
        "at": due.at,
        "recorded_at": now,
        "usd_micros": sum(each.usd_micros for each in unpaid),
        "unpaid": msgspec.to_builtins(unpaid),
        "next_kind": None,
        "next_at": None,
    }


def _taken(number: int, row: Row[Any]) -> TakenStep:
    return TakenStep(
        number=number,
        kind=StepKind(row.kind),
        day=row.day,
        at=row.at,
        due_before=row.due_before,
        usd_micros=row.usd_micros,
        unpaid=msgspec.convert(row.unpaid, tuple[OwedInvoice, ...]),
        next=None if row.next_at is None else ComingStep(StepKind(row.next_kind), row.next_at),
    )
