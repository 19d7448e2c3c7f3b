"""What departments get of which grant, and that it always fits (R68, C31)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import cancel, confirm_cancel
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.departments.commands import (
    AllocationAboveGrantError,
    add_department,
    allocate,
    department_view,
)
from pricing.departments.extra_credits import limit_extra_credits
from pricing.ledger.allocations import account_lots
from pricing.ledger.departments import find_department, set_terms
from pricing.ledger.reservations import reservation_of
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import correct
from pricing.tariffs import LoadSize

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"
NEXT = "2027-02-25"


def held(subscriber: Any, at: str, department: str) -> int:  # noqa: ANN401 - the fixture's account
    """LI-minutes of a department."""
    with subscriber.books() as conn:
        return department_view(
            conn, subscriber.id, department, subscriber.at(at), gateway=REHEARSED_GATEWAY
        ).balance_li_minutes


def own(subscriber: Any, at: str) -> list[tuple[str, int]]:  # noqa: ANN401 - the fixture's account
    """Kinds and LI-minutes of the account's own lots, in burn order."""
    subscriber.view(at)
    with subscriber.books() as conn:
        lots = account_lots(conn, subscriber.id, subscriber.at(at))
        return [(lot.kind.value, lot.remaining) for lot in lots]


def with_departments(open_subscriber: OpenSubscriber, plan: str, **shares: int) -> Any:  # noqa: ANN401
    """An account whose departments have these allocations, given in this order."""
    subscriber = open_subscriber(plan, OPENED)
    for name, share in shares.items():
        subscriber.do(add_department, OPENED, name)
        subscriber.do(allocate, OPENED, name, share)
    return subscriber


def down(subscriber: Any, plans: Plans) -> str:  # noqa: ANN401
    subscriber.do(downgrade, "2027-02-01", plans["team"])
    return NEXT


def up_to_a_dearer_plan_with_fewer_credits(subscriber: Any, plans: Plans) -> str:  # noqa: ANN401
    subscriber.do(upgrade, "2027-02-01", plans["team"])
    return NEXT


def up_from_on_demand(subscriber: Any, plans: Plans) -> str:  # noqa: ANN401
    subscriber.do(to_on_demand, "2027-02-01", plans["on-demand"])
    subscriber.do(upgrade, "2027-03-01", plans["team"])
    return "2027-03-01"


def up_after_a_cancellation(subscriber: Any, plans: Plans) -> str:  # noqa: ANN401
    subscriber.do(cancel, "2027-02-01", by="ann")
    subscriber.do(confirm_cancel, "2027-02-01")
    subscriber.do(upgrade, "2027-03-01", plans["team"])
    return "2027-03-01"


def a_trial_after_a_cancellation(subscriber: Any, plans: Plans) -> str:  # noqa: ANN401
    subscriber.do(cancel, "2027-02-01", by="ann")
    subscriber.do(confirm_cancel, "2027-02-01")
    subscriber.do(upgrade, "2027-03-01", plans["trial"])
    return "2027-03-01"


@pytest.mark.parametrize(
    ("before", "change", "grant", "kept"),
    [
        ("advanced", down, 300, 0),
        ("starter", up_to_a_dearer_plan_with_fewer_credits, 300, 20),
        ("starter", up_from_on_demand, 300, 0),
        ("starter", up_after_a_cancellation, 300, 0),
        ("starter", a_trial_after_a_cancellation, 30, 0),
    ],
)
def test_c31_the_allocations_fit_the_grant_of_whatever_plan_is_changed_to(
    open_subscriber: OpenSubscriber,
    plans: Plans,
    before: str,
    change: Callable[[Any, Plans], str],
    grant: int,
    kept: int,
) -> None:
    above = with_departments(open_subscriber, before, research=grant - 20, sales=21)
    with pytest.raises(AllocationAboveGrantError, match="lower their allocations by 1") as refused:
        change(above, plans)
    assert (refused.value.facts["allocated"], refused.value.facts["grant"]) == (grant + 1, grant)
    fitting = open_subscriber(before, OPENED, account_id="fits")
    for name, share in (("research", grant - 20), ("sales", 20)):
        fitting.do(add_department, OPENED, name)
        fitting.do(allocate, OPENED, name, share)
    since = change(fitting, plans)
    assert held(fitting, since, "sales") == kept + 20


def test_c31_while_a_downgrade_waits_the_allocations_fit_the_grant_that_is_coming(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = with_departments(open_subscriber, "professional", research=0)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    before = subscriber.view("2027-02-02")
    with pytest.raises(AllocationAboveGrantError, match="1,800 on plan starter"):
        subscriber.do(allocate, "2027-02-02", "research", 1_801)
    assert subscriber.view("2027-02-02") == before
    subscriber.do(allocate, "2027-02-02", "research", 1_800)
    assert held(subscriber, NEXT, "research") == 1_800
    assert own(subscriber, NEXT) == []


def test_c31_once_the_downgrade_is_taken_back_the_grant_in_force_is_what_they_fit(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = with_departments(open_subscriber, "professional", research=0)
    subscriber.do(downgrade, "2027-02-01", plans["starter"])
    subscriber.do(undo, "2027-02-02")
    subscriber.do(allocate, "2027-02-02", "research", 5_000)
    with pytest.raises(AllocationAboveGrantError, match="on plan professional"):
        subscriber.do(allocate, "2027-02-02", "research", plans["professional"].li_minutes + 1)


def test_shares_that_do_not_fit_together_go_to_the_oldest_departments_first(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = with_departments(open_subscriber, "starter", research=0, sales=0, support=0)
    with subscriber.books() as conn:
        for name, share in (("research", 1_000), ("sales", 900), ("support", 100)):
            department = find_department(conn, subscriber.id, name)
            set_terms(conn, department, allocation_li_minutes=share, limit_usd_micros=0)
    shares = [held(subscriber, NEXT, name) for name in ("research", "sales", "support")]
    assert shares == [1_000, 800, 0]
    assert own(subscriber, NEXT) == [("plan", 1_800)]


def test_r68_a_raise_takes_nothing_from_the_grants_of_earlier_periods(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = with_departments(open_subscriber, "starter", research=0, sales=0)
    subscriber.do(allocate, NEXT, "research", 600)
    assert own(subscriber, NEXT) == [("plan", 1_800), ("plan", 1_200)]
    subscriber.do(allocate, NEXT, "sales", 1_200)
    subscriber.do(allocate, NEXT, "sales", 0)
    subscriber.do(allocate, NEXT, "research", 1_800)
    assert held(subscriber, NEXT, "research") == 600
    assert own(subscriber, NEXT) == [("plan", 1_800)]


def test_what_a_department_got_of_an_earlier_grant_does_not_count_against_a_raise(
    open_subscriber: OpenSubscriber,
) -> None:
    subscriber = with_departments(open_subscriber, "starter", research=600)
    subscriber.do(allocate, NEXT, "research", 1_000)
    assert held(subscriber, NEXT, "research") == 1_600


def test_boosts_stay_with_the_account(open_subscriber: OpenSubscriber) -> None:
    subscriber = with_departments(open_subscriber, "starter", research=0, sales=1_500)
    subscriber.do(allocate, OPENED, "sales", 0)
    subscriber.do(boost, "2027-02-01")
    subscriber.do(allocate, "2027-02-01", "research", 1_800)
    assert held(subscriber, "2027-02-01", "research") == 300
    assert own(subscriber, "2027-02-01") == [("boost", 1_800)]
    assert held(subscriber, NEXT, "research") == 2_100
    assert own(subscriber, NEXT) == [("boost", 1_800)]


def test_what_came_back_of_extra_credits_stays_with_the_account(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = with_departments(open_subscriber, "starter", research=0)
    subscriber.do(limit_extra_credits, "2027-02-01", 1_000)
    subscriber.run("r1", "2027-02-01", plans["starter"], injectors=100, minutes=19)
    with subscriber.books() as conn:
        quote = reservation_of(conn, "r1").quote
        assert quote == quote_run(plans["starter"], LoadSize(100, 10_000, 19 * 60))
        correct(
            conn,
            "r1",
            keep_startup=quote.startup,
            keep_use=quote.use - 50,
            reason="cancelled",
            now=subscriber.at("2027-02-01"),
            gateway=REHEARSED_GATEWAY,
        )
    assert own(subscriber, "2027-02-01") == [("extra", 50)]
    subscriber.do(allocate, "2027-02-01", "research", 600)
    assert held(subscriber, "2027-02-01", "research") == 0


def test_an_upgrades_difference_is_there_for_raises_and_is_no_grant_to_share_again(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = with_departments(open_subscriber, "starter", research=1_800)
    subscriber.do(upgrade, "2027-02-01", plans["professional"])
    assert held(subscriber, "2027-02-01", "research") == 1_800
    subscriber.do(allocate, "2027-02-01", "research", 2_000)
    assert held(subscriber, "2027-02-01", "research") == 2_000


def test_what_a_run_has_reserved_is_not_shared(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    subscriber = with_departments(open_subscriber, "starter", research=0)
    subscriber.run("r1", "2027-02-01", plans["starter"], injectors=100, minutes=17)
    subscriber.do(allocate, "2027-02-01", "research", 1_800)
    assert held(subscriber, "2027-02-01", "research") == 100
