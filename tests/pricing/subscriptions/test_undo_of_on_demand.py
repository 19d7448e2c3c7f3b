"""Going on demand lies over what waits for the boundary; an undo lifts it (R54, R55, C38)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import NoCancellationError, cancel, confirm_cancel, renew
from pricing.accounts.command import NotSubscribedError
from pricing.accounts.on_demand import NothingToUndoError, to_on_demand, undo
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.plans.model import Plan

OpenSubscriber = Callable[..., Any]
Plans = dict[str, Plan]
OPENED = "2027-01-25 10:15"


@pytest.fixture
def professional(open_subscriber: OpenSubscriber) -> Any:  # noqa: ANN401 - the fixture's account
    return open_subscriber("professional", OPENED)


def there_and_back(subscriber: Any, plans: Plans) -> None:  # noqa: ANN401 - the fixture's account
    """On demand, and an undo a day later: as if nothing had been."""
    before = subscriber.view("2027-02-03")
    on_demand = subscriber.do(to_on_demand, "2027-02-03", plans["on-demand"])
    assert on_demand.pending.change == "on_demand"
    assert on_demand.account.status == "active"
    assert subscriber.do(undo, "2027-02-03") == before
    subscriber.do(to_on_demand, "2027-02-04", plans["on-demand"])
    subscriber.do(undo, "2027-02-05")


def test_c38_an_undo_brings_back_the_pending_downgrade(professional: Any, plans: Plans) -> None:  # noqa: ANN401
    professional.do(downgrade, "2027-02-01", plans["starter"])
    there_and_back(professional, plans)
    assert professional.view("2027-02-06").next_charge.usd_micros == 199_000_000
    assert professional.view("2027-02-25").balance_li_minutes == 1_800
    assert [dollars for _, dollars in professional.charges()] == [699, 199]


def test_c38_an_undo_brings_back_the_cancellation_that_was_asked_for(
    professional: Any,  # noqa: ANN401
    plans: Plans,
) -> None:
    professional.do(cancel, "2027-02-01", by="ann")
    there_and_back(professional, plans)
    assert professional.view("2027-02-06").pending.requested_by == "ann"
    professional.do(confirm_cancel, "2027-02-06")
    assert professional.view("2027-02-25").account.status == "cancelled"
    assert professional.charges() == [(OPENED, 699)]


def test_c38_an_undo_brings_back_both_and_a_second_one_takes_the_downgrade_back(
    professional: Any,  # noqa: ANN401
    plans: Plans,
) -> None:
    professional.do(downgrade, "2027-02-01", plans["starter"])
    professional.do(cancel, "2027-02-01", by="ann")
    there_and_back(professional, plans)
    assert professional.view("2027-02-06").pending.plan == "starter"
    assert professional.do(undo, "2027-02-06").pending.change == "cancellation"


def test_what_was_taken_back_before_the_switch_does_not_come_back_with_the_undo(
    professional: Any,  # noqa: ANN401
    plans: Plans,
) -> None:
    professional.do(downgrade, "2027-02-01", plans["starter"])
    professional.do(cancel, "2027-02-02", by="ann")
    professional.do(undo, "2027-02-03")
    professional.do(renew, "2027-02-03")
    there_and_back(professional, plans)
    assert professional.view("2027-02-06").pending is None
    professional.view("2027-02-25")
    assert [dollars for _, dollars in professional.charges()] == [699, 699]


def test_a_trial_that_went_on_demand_and_back_ends_on_its_day(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    trial = open_subscriber("trial", OPENED)
    there_and_back(trial, plans)
    assert trial.view("2027-02-08 10:14:59").account.status == "active"
    ended = trial.view("2027-02-08 10:15")
    assert (ended.account.status, ended.balance_li_minutes) == ("trial_over", 0)


def test_a_trial_that_stays_on_demand_is_not_over_on_its_day(
    open_subscriber: OpenSubscriber, plans: Plans
) -> None:
    trial = open_subscriber("trial", OPENED)
    trial.do(to_on_demand, "2027-02-03", plans["on-demand"])
    for day in ("2027-02-08 10:15", "2027-06-01"):
        account = trial.view(day).account
        assert (account.plan, account.status) == ("on-demand", "active")
    with pytest.raises(NothingToUndoError):
        trial.do(undo, "2027-06-01")


def test_on_demand_nothing_that_lies_beneath_can_be_had_or_confirmed(
    professional: Any,  # noqa: ANN401
    plans: Plans,
) -> None:
    professional.do(downgrade, "2027-02-01", plans["starter"])
    professional.do(cancel, "2027-02-01", by="ann")
    before = professional.do(to_on_demand, "2027-02-03", plans["on-demand"])
    for command, content in ((boost, []), (confirm_cancel, []), (downgrade, [plans["starter"]])):
        with pytest.raises(NotSubscribedError):
            professional.do(command, "2027-02-03", *content)
    assert professional.view("2027-02-03") == before


def test_r51_at_the_boundary_all_that_lies_beneath_is_void(
    professional: Any,  # noqa: ANN401
    plans: Plans,
) -> None:
    professional.do(downgrade, "2027-02-01", plans["starter"])
    professional.do(cancel, "2027-02-01", by="ann")
    professional.do(to_on_demand, "2027-02-03", plans["on-demand"])
    after = professional.view("2027-02-25")
    assert (after.pending, after.account.status) == (None, "active")
    with pytest.raises(NothingToUndoError):
        professional.do(undo, "2027-02-25")
    with pytest.raises(NoCancellationError):
        professional.do(confirm_cancel, "2027-02-25")
    subscribed = professional.do(upgrade, "2027-03-01", plans["professional"])
    assert subscribed.pending is None
    professional.view("2027-04-01")
    assert [dollars for _, dollars in professional.charges()] == [699, 699, 699]
