"""Who does not pay is reminded, asked again, suspended and ended, each step once and told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, select

from engine.database import transaction
from pricing.accounts.due import overlooked
from pricing.accounts.heal import heal
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.overdue import pay, set_card
from pricing.accounts.pending import PaymentPendingError
from pricing.accounts.plan_changes import upgrade
from pricing.accounts.sweep import advance_all
from pricing.accounts.view import account_view
from pricing.ledger.issuing import issue_for_run
from pricing.payments.collecting import PaymentFailedError
from pricing.payments.gateway import (
    DECLINES,
    DELAYS,
    LOST,
    REHEARSED_GATEWAY,
    Answer,
    PaymentRequest,
    RefundRequest,
)
from pricing.payments.movements import Movement
from pricing.plans.dunning import Dunning
from pricing.plans.model import Plan
from pricing.reports.invoice_status import with_status
from pricing.run_charges.funding import AccountSuspendedError
from pricing.subscriptions.dunning import TakenStep, steps_of
from pricing.tables import ACCOUNTS, DUNNING_STEPS
from tests.pricing.subscriptions.conftest import MICROS, OpenSubscriber, Subscriber

OPENED = "2027-01-25 09:00"
FOUR = ["reminded", "asked", "asked", "asked"]


def told(subscriber: Subscriber) -> list[TakenStep]:
    with subscriber.books() as conn:
        return list(steps_of(conn, subscriber.id))


def told_in_words(subscriber: Subscriber) -> list[tuple[str, str, int, str]]:
    """What was done on which day, what was owed, and what was said to come next."""
    zone = subscriber.zone
    return [
        (
            f"{each.at.astimezone(zone):%m-%d %H:%M}",
            each.kind.value,
            each.usd_micros // MICROS,
            ""
            if each.next is None
            else f"{each.next.kind.value} {each.next.at.astimezone(zone):%m-%d}",
        )
        for each in told(subscriber)
    ]


def owing(
    open_subscriber: OpenSubscriber, card: str = DECLINES, plan: str = "starter"
) -> Subscriber:
    """Somebody whose period of 25 February is not paid."""
    subscriber = open_subscriber(plan, OPENED)
    subscriber.do(set_card, "2027-02-01", card)
    return subscriber


def test_c69_each_step_is_told_with_what_is_owed_and_what_comes_next(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = owing(open_subscriber)
    subscriber.view("2027-06-01")
    assert told_in_words(subscriber) == [
        ("02-26 00:00", "reminded", 199, "asked 02-28"),
        ("02-28 00:00", "asked", 199, "asked 03-04"),
        ("03-04 00:00", "asked", 199, "asked 03-11"),
        ("03-11 00:00", "asked", 199, "suspended 03-18"),
        ("03-18 00:00", "suspended", 199, "ended 04-25"),
        ("04-25 00:00", "ended", 398, ""),
    ]


def test_c69_the_steps_are_the_same_whoever_looks_and_however_often(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = owing(open_subscriber)
    days = [f"2027-{month:02}-{day:02} 13:00" for month in (2, 3, 4) for day in range(2, 29)]
    counted = []
    for day in days:
        now = subscriber.at(day)
        for _ in range(2):
            # It looks at those alone for which something is due by an index.
            list(advance_all(lambda: transaction(subscriber.db), now, gateway=REHEARSED_GATEWAY))
            with subscriber.books() as conn:
                assert list(overlooked(conn)) == []
                due = conn.execute(select(ACCOUNTS.c.next_due_at)).scalar_one()
                written = conn.execute(select(DUNNING_STEPS.c.recorded_at)).scalars().all()
            assert due > now
        counted.append(len(written))
    for day, number in zip(days, counted, strict=True):
        now = subscriber.at(day)
        assert number == sum(each.at <= now for each in told(subscriber)), day
    assert [each[:2] for each in told_in_words(subscriber)] == [
        *(("02-26 00:00", "reminded"), ("02-28 00:00", "asked"), ("03-04 00:00", "asked")),
        *(("03-11 00:00", "asked"), ("03-18 00:00", "suspended"), ("04-25 00:00", "ended")),
    ]


def test_c69_who_is_asked_again_and_pays_is_charged_and_granted_as_of_that_day(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = owing(open_subscriber)
    subscriber.do(set_card, "2027-03-01", "tok_good")
    paid = subscriber.view("2027-03-20")
    assert (paid.balance_li_minutes, paid.account.status) == (3_600, "active")
    assert (paid.dunning, paid.unpaid_usd_micros) == (None, 0)
    assert subscriber.charges()[1:] == [("2027-03-04 00:00", 199)]
    assert [each.kind.value for each in told(subscriber)] == ["reminded", "asked"]


def test_c70_suspended_nothing_is_run_not_even_with_credits_until_it_is_paid(
    open_subscriber: OpenSubscriber, plans: dict[str, Plan]
) -> None:
    subscriber, starter = owing(open_subscriber), plans["starter"]
    subscriber.run("r1", "2027-03-17", starter, injectors=2, minutes=10)
    with pytest.raises(AccountSuspendedError, match=r"199\.00 USD have not been paid"):
        subscriber.run("r2", "2027-03-18", starter, injectors=2, minutes=10)
    suspended = subscriber.view("2027-03-18")
    assert (suspended.account.status, suspended.balance_li_minutes) == ("suspended", 1_780)
    subscriber.do(set_card, "2027-03-19", "tok_good")
    paid = subscriber.do(pay, "2027-03-19")
    assert (paid.account.status, paid.balance_li_minutes) == ("active", 3_580)
    subscriber.run("r2", "2027-03-19", starter, injectors=2, minutes=10)


def test_c71_the_end_takes_what_a_cancellation_takes_and_can_be_renewed(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = owing(open_subscriber)
    assert subscriber.view("2027-04-24").account.status == "suspended"
    ended = subscriber.view("2027-04-25")
    assert (ended.account.status, ended.balance_li_minutes) == ("cancelled", 0)
    assert (ended.unpaid_usd_micros, ended.next_charge) == (0, None)
    assert subscriber.invoiced() == [199, 199, 199, -199, -199]
    assert ended.renewable_until == subscriber.at("2027-05-25")
    assert subscriber.view("2027-05-25").renewable_until is None


def test_c71_on_demand_nothing_ends_and_runs_are_owed_still(
    open_subscriber: OpenSubscriber, plans: dict[str, Plan]
) -> None:
    subscriber = open_subscriber("on-demand", OPENED, card="tok_good")
    subscriber.do(set_card, "2027-02-01", DECLINES)
    subscriber.run("r1", "2027-02-01", plans["on-demand"], injectors=2, minutes=10)
    assert subscriber.view("2027-03-20").dunning is None, "it has no invoice yet"
    with subscriber.books() as conn:
        issue_for_run(conn, "r1", subscriber.at("2027-03-20 12:00"))
    later = subscriber.view("2028-01-01")
    assert [each.kind.value for each in told(subscriber)] == [*FOUR, "suspended"]
    assert told(subscriber)[-1].next is None
    assert (later.account.status, later.unpaid_usd_micros > 0) == ("suspended", True)


@pytest.mark.parametrize("looks_daily", [False, True])
def test_c69_what_is_owed_still_after_an_end_is_told_of_from_then_on_whoever_looked(
    open_subscriber: OpenSubscriber, plans: dict[str, Plan], *, looks_daily: bool
) -> None:
    subscriber = owing(open_subscriber)
    subscriber.do(to_on_demand, "2027-03-01", plans["on-demand"])
    subscriber.run("r1", "2027-03-01", plans["on-demand"], injectors=20, minutes=60)
    run = subscriber.view("2027-03-01 10:00").unpaid_usd_micros // MICROS
    with subscriber.books() as conn:
        issue_for_run(conn, "r1", subscriber.at("2027-03-01 10:00"))
    subscriber.do(undo, "2027-03-01 11:00")
    before = []
    for day in range(2, 25) if looks_daily else ():
        subscriber.view(f"2027-04-{day:02} 12:00")
        before = told_in_words(subscriber)
    subscriber.view("2027-04-25 12:00")
    found = told_in_words(subscriber)
    assert found[: len(before)] == before
    # The run was never owed alone before the end, so that no letter from before it says so.
    assert [each for each in found if each[2] == run] == [("04-25 00:00", "suspended", run, "")]
    assert found[-2] == ("04-25 00:00", "ended", 398 + run, "")
    subscriber.view("2027-05-30")
    assert told_in_words(subscriber) == found


def test_c71_without_rollover_it_ends_after_as_many_days_of_cycles_that_were_not_paid(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = owing(open_subscriber, plan="team")
    after = subscriber.view("2027-03-25")
    assert (after.account.status, after.unpaid_usd_micros) == ("payment_failure", 356 * MICROS)
    assert subscriber.view("2027-04-25").account.status == "cancelled"
    kinds = [each.kind.value for each in told(subscriber)]
    assert kinds == [*FOUR, "suspended", *FOUR, "suspended", "ended"]


def test_c69_a_payment_that_is_pending_was_refused_by_nobody(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = owing(open_subscriber, DELAYS)
    waiting = subscriber.view("2027-06-01")
    assert (told(subscriber), waiting.dunning) == ([], None)
    assert waiting.account.status == "payment_failure"
    with pytest.raises(PaymentPendingError, match="nothing failed"):
        subscriber.do(pay, "2027-06-01")


@dataclass
class Counting:
    """The rehearsed gateway, and which cards it was asked for."""

    collects: bool = False
    calls_out: bool = False
    cards: list[str | None] = field(default_factory=list)

    def collect(self, payment: PaymentRequest) -> Answer:
        self.cards.append(payment.card)
        return REHEARSED_GATEWAY.collect(payment)

    def withdraw(self, payment: PaymentRequest) -> Answer:
        return REHEARSED_GATEWAY.withdraw(payment)

    def refund(self, refund: RefundRequest) -> Answer:
        return REHEARSED_GATEWAY.refund(refund)

    def movements(self, start: datetime, end: datetime) -> Iterable[Movement]:
        return REHEARSED_GATEWAY.movements(start, end)


def test_c72_a_lost_card_is_asked_once_until_another_is_on_record(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber, gateway = owing(open_subscriber, LOST), Counting()
    with subscriber.books() as conn:
        view = account_view(conn, subscriber.id, subscriber.at("2027-03-26"), gateway=gateway)
    assert gateway.cards == [LOST]
    assert view.card_lost == "the card was reported lost"
    assert [each.kind.value for each in told(subscriber)] == [*FOUR, "suspended"]
    with pytest.raises(PaymentFailedError, match="put another card on record"):
        subscriber.do(pay, "2027-03-27")
    subscriber.do(set_card, "2027-03-27", LOST)
    assert subscriber.view("2027-03-27").card_lost is not None
    changed = subscriber.do(set_card, "2027-03-28", "tok_good")
    assert changed.card_lost is None
    assert subscriber.do(pay, "2027-03-28").unpaid_usd_micros == 0


def test_c42_beneath_on_demand_a_period_is_not_owed_and_its_invoice_says_so(
    open_subscriber: OpenSubscriber, plans: dict[str, Plan]
) -> None:
    subscriber = owing(open_subscriber)
    subscriber.do(to_on_demand, "2027-02-27", plans["on-demand"])
    away = subscriber.view("2027-03-20")
    assert (away.unpaid_usd_micros, away.account.status) == (0, "active")
    assert statuses(subscriber, "2027-03-20") == ["paid", "void"]
    assert [each.kind.value for each in told(subscriber)] == ["reminded"]
    back = subscriber.do(undo, "2027-03-20")
    # Nobody is asked for the days in between, but who has owed for so long is suspended.
    assert (back.unpaid_usd_micros, back.account.status) == (199 * MICROS, "suspended")
    assert statuses(subscriber, "2027-03-20") == ["paid", "overdue"]
    assert told_in_words(subscriber)[1:] == [("03-20 00:00", "suspended", 199, "ended 04-25")]


def statuses(subscriber: Subscriber, at: str) -> list[str]:
    from pricing.ledger.invoices import list_invoices

    with subscriber.books() as conn:
        found = with_status(conn, list_invoices(conn, subscriber.id), subscriber.at(at))
    return [str(each.status) for each in found]


def test_what_was_told_under_a_clock_that_ran_ahead_is_told_again(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = owing(open_subscriber)
    assert subscriber.view("2028-01-01").account.status == "cancelled"
    with subscriber.books() as conn:
        now = subscriber.at("2027-03-05")
        heal(conn, subscriber.id, now=now, request_id="h", gateway=REHEARSED_GATEWAY)
    assert [each.kind.value for each in told(subscriber)] == FOUR[:3]
    assert subscriber.view("2027-03-18").account.status == "suspended"


def test_a_plan_has_a_schedule_of_its_own_as_it_was_sold(
    open_subscriber: OpenSubscriber, plans: dict[str, Plan]
) -> None:
    patient = replace(
        plans["professional"], dunning=Dunning((), (40,), suspended_day=None, ended_day=None)
    )
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(upgrade, "2027-01-26", patient)
    subscriber.do(set_card, "2027-02-01", DECLINES)
    assert subscriber.view("2027-06-01").account.status == "payment_failure"
    assert told_in_words(subscriber) == [("04-06 00:00", "asked", 2 * 699, "")]


def test_no_step_is_written_twice(open_subscriber: OpenSubscriber, sqlite_db: Engine) -> None:
    subscriber = owing(open_subscriber)
    subscriber.view("2027-03-26")
    with sqlite_db.connect() as conn:
        rows = conn.execute(select(DUNNING_STEPS.c.due_before, DUNNING_STEPS.c.day)).all()
    assert len(rows) == len(set(rows)) == 5
