"""Cancelling, renewing, deleting; payments that fail; trials, history, offers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, select

from engine.api import Engine as LoadEngine
from engine.commands.account_upkeep import AdvanceCount
from engine.database import transaction
from engine.runs.model.tables import RUNS
from kernel.clock import ManualClock
from pricing.accounts.account import AccountDeletedError, find_account
from pricing.accounts.administrators import NotAdministratorError
from pricing.accounts.billing_settings import billing_settings
from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import (
    CancellationRequestedError,
    NoCancellationError,
    NotRenewableError,
    cancel,
    confirm_cancel,
    renew,
)
from pricing.accounts.clock import keep_clock
from pricing.accounts.command import NotSubscribedError
from pricing.accounts.deletions import StillSubscribedError, delete
from pricing.accounts.on_demand import to_on_demand
from pricing.accounts.overdue import NothingDueError, pay, payment_answered, set_card
from pricing.accounts.owner import OWNER
from pricing.accounts.pending import PaymentPendingError
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.accounts.plan_history import PlanStatus, plan_history
from pricing.accounts.plan_offers import Action, offers_of
from pricing.accounts.sweep import advance_all
from pricing.departments.commands import add_department
from pricing.departments.extra_credits import limit_extra_credits
from pricing.ledger.invoices import period_cause
from pricing.ledger.ledger import entries
from pricing.payments.collecting import PaymentFailedError
from pricing.payments.gateway import DECLINES, DELAYS, REHEARSED_GATEWAY, PaymentState
from pricing.plans.model import Caps, Plan
from pricing.plans.on_sale import find_plan, load_plans
from pricing.plans.quotes import quote_run
from pricing.run_charges.caps import PlanCapError
from pricing.run_charges.charges import SubscriptionEndedError, reserve
from pricing.strict_toml import DataFileError
from pricing.subscriptions.activation import TrialUsedError
from pricing.subscriptions.debts import PaymentOverdueError
from pricing.tables import ACCOUNTS, ADMINISTRATORS, CHANGES
from pricing.tariffs import LoadSize

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"


def ended(open_subscriber: OpenSubscriber, **options: object) -> Any:  # noqa: ANN401 - the fixture's account
    """An account whose Starter ended on 25 February."""
    subscriber = open_subscriber("starter", OPENED, **options)
    subscriber.do(cancel, "2027-02-01", by="ann")
    subscriber.do(confirm_cancel, "2027-02-01")
    return subscriber


def test_r56_r57_only_an_administrator_cancels_and_others_are_told_whom_to_ask(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("starter", OPENED, administrators=["ann", "bea"])
    with pytest.raises(NotAdministratorError, match="ask ann, bea to") as refused:
        subscriber.do(cancel, "2027-02-01", by="carl")
    assert refused.value.facts["administrators"] == "ann, bea"
    assert subscriber.view("2027-02-01").account.status == "active"
    assert subscriber.do(cancel, "2027-02-01", by="bea").pending.requested_by == "bea"


def test_r58_a_request_that_nobody_verifies_changes_nothing(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(cancel, "2027-02-01", by="ann")
    later = subscriber.view("2027-05-01")
    assert later.balance_li_minutes == 4 * 1_800
    assert later.account.status == "cancellation_requested"
    with pytest.raises(CancellationRequestedError):
        subscriber.do(cancel, "2027-05-01", by="bea")


def test_a_confirmation_needs_a_request(open_subscriber: OpenSubscriber) -> None:
    subscriber = open_subscriber("starter", OPENED)
    with pytest.raises(NoCancellationError):
        subscriber.do(confirm_cancel, "2027-02-01")
    subscriber.do(cancel, "2027-02-01", by="ann")
    subscriber.do(confirm_cancel, "2027-02-01")
    with pytest.raises(NoCancellationError, match="confirmed already"):
        subscriber.do(confirm_cancel, "2027-02-01")


def test_r61_after_the_end_nothing_can_be_launched(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = ended(open_subscriber)
    subscriber.run("r1", "2027-02-24 23:00", plans["starter"], injectors=1, minutes=5)
    with pytest.raises(SubscriptionEndedError):
        subscriber.run("r2", "2027-02-25", plans["starter"], injectors=1, minutes=5)


def test_r62_r65_the_account_and_its_books_can_still_be_looked_at(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = ended(open_subscriber)
    assert subscriber.view("2029-01-01").account.status == "cancelled"
    assert subscriber.charges() == [(OPENED, 199)]


def test_c26_before_it_takes_effect_a_renewal_changes_nothing(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    before = subscriber.view("2027-02-01")
    subscriber.do(cancel, "2027-02-01", by="ann")
    assert subscriber.do(renew, "2027-02-01") == before
    subscriber.do(cancel, "2027-02-01", by="ann")
    subscriber.do(confirm_cancel, "2027-02-01")
    assert subscriber.do(renew, "2027-02-01") == before
    assert subscriber.view("2027-02-25").balance_li_minutes == 3_600


def test_c26_what_was_left_stays_void_after_a_renewal(open_subscriber: OpenSubscriber) -> None:
    subscriber = ended(open_subscriber)
    renewed = subscriber.do(renew, "2027-03-10")
    assert renewed.balance_li_minutes == 1_800
    assert [lot.cause for lot in renewed.lots] == ["subscription:2:period:0"]
    with pytest.raises(NotRenewableError):
        subscriber.do(renew, "2027-03-10")


def test_a_downgrade_gives_way_to_a_confirmed_cancellation(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    subscriber.do(cancel, "2027-02-02", by="ann")
    assert subscriber.do(confirm_cancel, "2027-02-03").pending.change == "cancellation"
    assert subscriber.view("2027-02-25").account.status == "cancelled"
    assert subscriber.charges() == [(OPENED, 699)]


def test_r66_r67_c28_c29_deletion_waits_for_the_end_and_takes_personal_data_only(
    open_subscriber: OpenSubscriber, sqlite_db: Engine
) -> None:
    subscriber = ended(open_subscriber, card="tok_1234", administrators=["ann"])
    with pytest.raises(StillSubscribedError) as refused:
        subscriber.do(delete, "2027-02-24")
    assert refused.value.facts["plan"] == "starter"
    assert subscriber.view("2027-03-01").account.status == "cancelled"
    assert card_of(sqlite_db) == "tok_1234"
    with sqlite_db.connect() as conn:
        journal = entries(conn, "acme")
    assert subscriber.do(delete, "2027-03-01").account.status == "deleted"
    assert subscriber.do(delete, "2027-03-02").account.status == "deleted"
    assert card_of(sqlite_db) is None
    with sqlite_db.connect() as conn:
        assert entries(conn, "acme") == journal
        assert conn.execute(select(ADMINISTRATORS.c.name)).scalars().all() == [OWNER]
        assert set(conn.execute(select(CHANGES.c.requested_by)).scalars()) == {None}
    assert subscriber.invoiced() == [199]
    for command, content in (
        (renew, []),
        (add_department, ["research"]),
        (limit_extra_credits, [0]),
    ):
        with pytest.raises(AccountDeletedError):
            subscriber.do(command, "2027-03-03", *content)


def card_of(db: Engine) -> str | None:
    with db.connect() as conn:
        card: str | None = conn.execute(select(ACCOUNTS.c.card)).scalar_one()
    return card


@pytest.mark.parametrize(("at", "left"), [("2027-03-24 23:59", 1), ("2027-03-25", 0)])
def test_r62_r64_run_history_is_kept_for_a_month_and_then_deleted(
    open_subscriber: OpenSubscriber, at: str, left: int
) -> None:
    subscriber = ended(open_subscriber)
    row = {
        "account_id": "acme",
        "request_hash": "",
        "order_document": {},
        "accepted_at": subscriber.at("2027-02-01"),
        "reason": "",
        "attempt": 1,
        "machines": [],
    }
    with subscriber.books() as conn:
        keep_clock(conn, "acme", is_test=True)
        conn.execute(
            RUNS.insert().values(id="r1", state="ended", ended_at=row["accepted_at"], **row)
        )
        conn.execute(RUNS.insert().values(id="r2", state="load", ended_at=None, **row))
    loads = LoadEngine(subscriber.db.url.render_as_string(), clock=ManualClock(subscriber.at(at)))
    assert loads.accounts.advance() == AdvanceCount(accounts=1, failed=0)
    loads.close()
    with subscriber.books() as conn:
        assert sorted(conn.execute(select(RUNS.c.id)).scalars()) == ["r1", "r2"][-1 - left :]
    assert subscriber.charges() == [(OPENED, 199)]


@pytest.mark.parametrize(
    ("cap", "injectors", "minutes"),
    [("users", 2, 5), ("injectors", 5, 5), ("seconds", 1, 20)],
)
def test_a_plan_caps_its_runs(
    open_subscriber: OpenSubscriber, plans: Plans, cap: str, injectors: int, minutes: int
) -> None:
    caps = {
        "users": Caps(users=100),
        "injectors": Caps(injectors=4),
        "seconds": Caps(duration_s=600),
    }[cap]
    plan = replace(plans["starter"], caps=caps)
    subscriber = open_subscriber(plan, OPENED)
    subscriber.run("r1", "2027-01-26", plan, injectors=1, minutes=5)
    with pytest.raises(PlanCapError) as refused:
        subscriber.run("r2", "2027-01-26", plan, injectors=injectors, minutes=minutes)
    assert refused.value.facts["cap"] == cap


def test_a_plan_caps_the_runs_at_once(open_subscriber: OpenSubscriber, plans: Plans) -> None:
    plan = replace(plans["starter"], caps=Caps(concurrent_runs=1))
    subscriber = open_subscriber(plan, OPENED)
    quote = quote_run(plan, LoadSize(injectors=1, users=100, duration_s=60))
    with subscriber.books() as conn:
        reserve(
            conn, "acme", "r1", quote, now=subscriber.at("2027-01-26"), gateway=REHEARSED_GATEWAY
        )
        with pytest.raises(PlanCapError):
            reserve(
                conn,
                "acme",
                "r2",
                quote,
                now=subscriber.at("2027-01-26"),
                gateway=REHEARSED_GATEWAY,
            )


def test_only_a_subscription_can_be_cancelled(open_subscriber: OpenSubscriber) -> None:
    with pytest.raises(NotSubscribedError):
        open_subscriber("on-demand", OPENED).do(cancel, "2027-02-01", by="ann")


@pytest.mark.parametrize("card", [DECLINES, DELAYS])
def test_c24_r110_a_failed_payment_grants_nothing_and_a_later_one_grants_once(
    open_subscriber: OpenSubscriber, card: str
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(set_card, "2027-02-01", card)
    failed = subscriber.view("2027-02-25")
    assert (failed.balance_li_minutes, failed.account.status) == (1_800, "payment_failure")
    assert (failed.unpaid_usd_micros, subscriber.invoiced()) == (199_000_000, [199, 199])
    with subscriber.books() as conn:
        assert plan_history(conn, "acme")[-1].status is PlanStatus.PAYMENT_FAILURE
    for command in (pay, boost):
        with pytest.raises((PaymentFailedError, PaymentPendingError, PaymentOverdueError)):
            subscriber.do(command, "2027-02-26")
    subscriber.do(set_card, "2027-02-27", "tok_good")
    paid = subscriber.do(pay, "2027-02-27")
    assert (paid.balance_li_minutes, paid.account.status) == (3_600, "active")
    assert subscriber.charges()[1:] == [("2027-02-27 00:00", 199)]
    with pytest.raises(NothingDueError):
        subscriber.do(pay, "2027-02-27")
    assert subscriber.view("2027-03-25").balance_li_minutes == 5_400


def test_c24_a_late_answer_that_comes_twice_grants_once(open_subscriber: OpenSubscriber) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(set_card, "2027-02-01", DELAYS)
    subscriber.view("2027-03-25")
    answers = [(2, "accepted"), (1, "declined"), (1, "accepted"), (1, "accepted"), (2, "accepted")]
    granted = []
    for n, state in answers:
        with subscriber.books() as conn:
            key, now = period_cause(1, n), subscriber.at("2027-03-26")
            granted.append(
                payment_answered(
                    conn, "acme", key, PaymentState(state), now=now, gateway=REHEARSED_GATEWAY
                )
            )
    assert granted == [True, False, True, False, False]
    assert subscriber.view("2027-03-26").balance_li_minutes == 3 * 1_800
    assert subscriber.invoiced() == [199, 199, 199]


def test_c24_a_late_answer_about_an_old_subscription_does_not_pay_for_the_new_one(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = open_subscriber("starter", OPENED)
    subscriber.do(set_card, "2027-02-01", DELAYS)
    subscriber.do(cancel, "2027-03-01", by="ann")
    subscriber.do(confirm_cancel, "2027-03-01")
    subscriber.do(set_card, "2027-03-26", "tok_good")
    subscriber.do(renew, "2027-03-26")
    subscriber.do(set_card, "2027-03-27", DELAYS)
    assert subscriber.view("2027-04-26").unpaid_usd_micros == 199_000_000
    granted = []
    for subscription_id in (1, 2):
        with subscriber.books() as conn:
            key, now = period_cause(subscription_id, 1), subscriber.at("2027-04-27")
            accepted = PaymentState.ACCEPTED
            granted.append(
                payment_answered(conn, "acme", key, accepted, now=now, gateway=REHEARSED_GATEWAY)
            )
    assert granted == [False, True]
    assert subscriber.view("2027-04-27").balance_li_minutes == 2 * 1_800


def test_what_would_have_been_void_is_never_collected(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("professional", OPENED)
    subscriber.do(set_card, "2027-02-01", DECLINES)
    subscriber.do(downgrade, "2027-02-26", plans["starter"])
    # After the last time that the schedule asks.
    subscriber.do(set_card, "2027-03-12", "tok_good")
    smaller = subscriber.view("2027-03-25")
    assert (smaller.balance_li_minutes, smaller.account.status) == (1_800, "active")
    assert [dollars for _, dollars in subscriber.charges()] == [699, 199]
    with pytest.raises(NothingDueError):
        subscriber.do(pay, "2027-03-25")


def test_an_account_that_cannot_pay_is_not_opened(
    open_subscriber: OpenSubscriber, sqlite_db: Engine
) -> None:
    with pytest.raises(PaymentFailedError):
        open_subscriber("starter", OPENED, card=DECLINES)
    with sqlite_db.connect() as conn:
        assert conn.execute(select(ACCOUNTS)).all() == []


def test_r104_an_account_has_one_trial_and_its_credits_burn_first(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("trial", OPENED)
    upgraded = subscriber.do(upgrade, "2027-02-01", plans["starter"])
    assert [lot.kind for lot in upgraded.lots] == ["trial", "plan"]
    assert upgraded.next_charge.at == subscriber.at("2027-03-01")
    assert subscriber.view("2027-02-08 10:15").balance_li_minutes == 1_800
    subscriber.do(to_on_demand, "2027-02-10", plans["on-demand"])
    subscriber.view("2027-03-01")
    with pytest.raises(TrialUsedError):
        subscriber.do(upgrade, "2027-03-02", plans["trial"])


def test_r104_a_trial_cannot_be_had_back_after_it_is_over(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("trial", OPENED)
    subscriber.view("2027-03-01")
    with pytest.raises(TrialUsedError):
        subscriber.do(upgrade, "2027-03-01", plans["trial"])
    assert subscriber.do(upgrade, "2027-03-01", plans["starter"]).balance_li_minutes == 1_800


def test_r102_r103_consumed_and_remaining_are_counted_on_the_lots(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("trial", OPENED)
    subscriber.run("r1", "2027-01-26", plans["trial"], injectors=1, minutes=5)
    (lot,) = subscriber.view("2027-01-26").lots
    assert (lot.amount, lot.remaining) == (30, 25)


def test_r110_r111_r112_r113_history_has_status_from_to_and_monthly_credits(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = ended(open_subscriber)
    subscriber.do(upgrade, "2027-03-01", plans["professional"])
    with subscriber.books() as conn:
        rows = plan_history(conn, "acme")
    assert [(row.plan, row.status, row.start, row.end, row.monthly_li_minutes) for row in rows] == [
        ("starter", "Terminated", subscriber.at(OPENED), subscriber.at("2027-02-25"), 1_800),
        (
            "professional",
            "Active",
            subscriber.at("2027-03-01"),
            None,
            plans["professional"].li_minutes,
        ),
    ]


def test_r114_r116_r117_offers_say_how_to_get_there(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    def actions(subscriber: Any) -> dict[str, Action]:  # noqa: ANN401 - the fixture's account
        with subscriber.books() as conn:
            return {
                each.plan.name: each.action
                for each in offers_of(conn, subscriber.id, plans.values(), at=subscriber.at(OPENED))
            }

    fresh = actions(open_subscriber("on-demand", OPENED))
    assert fresh["starter"] is fresh["team"] is fresh["trial"] is Action.SUBSCRIBE_NOW
    assert fresh["custom"] is fresh["enterprise"] is Action.CONTACT_US
    assert "aws-contract" not in fresh
    subscribed = actions(open_subscriber("team", OPENED, account_id="team"))
    assert (subscribed["team"], subscribed["basic"]) == (Action.CURRENT, Action.CONTACT_US)
    assert "trial" not in subscribed
    by_aws = actions(
        open_subscriber("starter", OPENED, account_id="aws", channel="aws-marketplace")
    )
    assert by_aws["aws-contract"] is Action.CONTACT_US
    assert "on-demand" not in by_aws


def test_r98_r99_r100_r101_billing_settings_and_their_portal(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = open_subscriber("on-demand", OPENED)

    def settings(account_id: str) -> Any:  # noqa: ANN401 - None or settings
        with subscriber.books() as conn:
            return billing_settings(conn, account_id)

    assert settings("acme") is None
    subscriber.do(upgrade, "2027-02-01", plans["starter"])
    assert settings("acme").portal == "stripe"
    open_subscriber("starter", OPENED, account_id="aws", channel="aws-marketplace")
    assert settings("aws").portal == "aws-marketplace"


def test_every_account_is_advanced_and_a_refused_one_stops_nobody(
    open_subscriber: OpenSubscriber, sqlite_db: Engine
) -> None:
    for number in range(7):
        subscriber = open_subscriber("starter", OPENED, account_id=f"a{number}")
    late = open_subscriber("starter", "2028-01-01", account_id="late")
    open_transaction: Callable[[], AbstractContextManager[Connection]] = partial(
        transaction, sqlite_db
    )
    now: datetime = subscriber.at("2027-04-01")
    done = list(advance_all(open_transaction, now, page=3, gateway=REHEARSED_GATEWAY))
    assert [each.account_id for each in done] == [*(f"a{n}" for n in range(7)), "late"]
    assert [each.account_id for each in done if each.failure] == ["late"]
    assert len(subscriber.charges()) == 3
    assert len(late.charges()) == 1
    with sqlite_db.connect() as conn:
        assert find_account(conn, "a0").status == "active"


def test_a_plan_is_sold_as_on_the_day_of_the_sale(tmp_path: Path) -> None:
    version = (
        '[[plans]]\nname = "club"\nversion = {day}\nmonthly_usd = "{usd}"\nli_minutes = 100\n'
        'rollover = true\ntariff = "on-demand"\ncancellation = "full_quote"\n'
    )
    path = tmp_path / "plans.toml"
    path.write_text(
        version.format(day="2026-01-01", usd="10.00")
        + version.format(day="2027-01-01", usd="12.00")
    )
    prices = [
        find_plan("club", path, at=at).monthly_usd_micros
        for at in (date(2025, 1, 1), date(2026, 12, 31), date(2027, 1, 1), None)
    ]
    assert prices == [10_000_000, 10_000_000, 12_000_000, 12_000_000]


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("trial_days = 14", 'monthly_usd must be "0.00" for a trial'),
        ('channels = ["cash"]', "not 'cash'"),
        ('change_policy = "never"', "must be one of self_service, contact"),
        ('credit_usd = "1.00"\ncredits_min = 5\ncredits_max = 9\ncredits_step = 3', "whole steps"),
        ("users_max = 0", "at least 1"),
    ],
)
def test_a_wrong_attribute_is_refused_by_field(tmp_path: Path, field: str, problem: str) -> None:
    path = tmp_path / "plans.toml"
    path.write_text(
        '[[plans]]\nname = "club"\nversion = 2026-01-01\nmonthly_usd = "10.00"\nli_minutes = 100\n'
        f'rollover = true\ntariff = "on-demand"\ncancellation = "full_quote"\n{field}\n'
    )
    with pytest.raises(DataFileError) as refused:
        load_plans(path)
    assert problem in refused.value.message
