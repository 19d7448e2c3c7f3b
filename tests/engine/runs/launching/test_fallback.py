"""A launch that is refused goes elsewhere: another type, another region, or with fewer machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from engine.runs.launching.fallback import TRIES_MAX, Detour, Fail, SendAgain, after_refusal
from engine.runs.model.states import Outcome, Run
from engine.scenario import RegionShare, Scenario
from providers.errors import (
    SPENT,
    CapacityUnavailableError,
    ConfigurationRejectedError,
    QuotaExceededError,
    ThrottledError,
    UnknownOutcomeError,
)
from providers.rehearsal.faults import Fault, FaultKind

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab

NO_CAPACITY = "InsufficientInstanceCapacity"


def regions_of(run: Run) -> list[str]:
    return sorted({machine.region for machine in run.machines})


def none_in_the_first_place(lab: Lab) -> None:
    """CreateFleet is refused once; the client itself sends it twice."""
    lab.rehearsal.inject(Fault(FaultKind.REFUSAL, "CreateFleet", times=2, code=NO_CAPACITY))


def events(lab: Lab, run: Run, name: str) -> list[str]:
    return [event.detail for event in lab.engine.runs.show(run.id).timeline if event.name == name]


def test_other_types_of_the_same_region_stand_in_for_the_cheapest(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    first, second, *_ = run.order.placements[0].machine_types
    lab.rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, machine_type=first))

    ended = lab.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert {machine.machine_type for machine in ended.machines} == {second}
    assert regions_of(ended) == ["us-east-1"]
    assert {each.parameters["ClientToken"] for each in lab.rehearsal.requests("CreateFleet")}


def test_types_that_stand_in_carry_as_much_and_are_in_the_order_of_their_price(
    lab: Lab, checkout: Scenario
) -> None:
    (placement,) = lab.accept(checkout).order.placements
    assert len(placement.machine_types) == len(set(placement.machine_types)) == 4
    cheapest, *others = placement.hourly_usd_micros
    assert others == sorted(others)
    assert cheapest <= others[0]


def test_a_region_without_machines_is_left_for_another_where_nobody_chose_it(
    lab_on_both: Lab, checkout: Scenario
) -> None:
    lab = lab_on_both
    run = lab.accept(checkout)
    none_in_the_first_place(lab)

    ended = lab.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert regions_of(ended) == ["us-east-2"]
    assert lab.machines(run) == 0
    (said,) = events(lab, run, "refused")
    assert "us-east-1" in said
    assert "trying c" in said
    books = lab.books(run)
    assert len(books.startup_charges) == 1
    assert not any(books.sums.values())


def test_a_region_that_was_chosen_is_never_left(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(replace(checkout, regions=(RegionShare("eu-west-1"),)))
    none_in_the_first_place(lab)

    ended = lab.drive(run)

    assert ended.outcome is Outcome.FAILED
    assert NO_CAPACITY in ended.reason
    assert lab.machines_ever(run) == 0


def test_a_controller_that_takes_over_goes_on_where_the_last_one_went(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    none_in_the_first_place(lab)
    killed: list[bool] = []

    def die() -> None:
        if events(lab, run, "refused") and not killed:
            killed.append(True)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lab.drive(run, at_step={"launching/Launch/after": die})
    ended = lab.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert regions_of(ended) == ["us-east-2"]
    assert lab.machines_ever(ended) == 3


def test_a_place_that_refused_is_tried_last_by_others_until_its_time_is_over(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    none_in_the_first_place(lab)
    soon: list[Run] = []

    def accept_another() -> None:
        if events(lab, run, "refused") and not soon:
            soon.append(lab.accept(checkout))

    lab.drive(run, at_step={"launching/Launch/after": accept_another})
    lab.clock.sleep(3600)
    later = lab.accept(checkout)

    assert [option.region for option in soon[0].order.placements[0].options] == [
        "us-east-2",
        "us-west-2",
        "us-east-1",
    ]
    assert later.order.placements[0].region == "us-east-1"


def test_throttling_inside_an_answer_is_tried_again_in_the_same_place_with_a_new_token(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    lab.rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, code="RequestLimitExceeded", available=0))

    ended = lab.drive(run)

    assert ended.outcome is Outcome.FAILED
    tokens = {each.parameters["ClientToken"] for each in lab.rehearsal.requests("CreateFleet")}
    assert len(tokens) == TRIES_MAX
    assert lab.machines_ever(run) == 0
    assert ended.regions == ("us-east-1",)


def test_a_test_may_go_ahead_with_a_part_of_its_machines(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(replace(checkout, machines_at_least=0.6))
    first = run.order.placements[0].machine_types[0]
    lab.rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY, machine_type=first, available=2))
    lab.rehearsal.inject(Fault(FaultKind.SHORT_CAPACITY))

    ended = lab.drive(run)

    assert ended.outcome is Outcome.COMPLETED
    assert len(ended.machines) == 2
    assert lab.machines(run) == 0
    assert events(lab, run, "launched") == ["2 of 3 machines"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ThrottledError("slow down"), SendAgain),
        (UnknownOutcomeError("no answer"), SendAgain),
        (UnknownOutcomeError("no answer", **{SPENT: True}), Fail),
        (ThrottledError("slow down", **{SPENT: True}), Detour),
        (CapacityUnavailableError("none", **{SPENT: True}), Detour),
        (QuotaExceededError("32 vCPUs"), Detour),
        (ConfigurationRejectedError("no such type"), Fail),
    ],
    ids=lambda value: getattr(value, "message", getattr(value, "__name__", "")),
)
def test_the_kind_of_the_error_decides(
    error: ThrottledError, expected: type, lab: Lab, checkout: Scenario
) -> None:
    assert isinstance(after_refusal(lab.accept(checkout), 0, error), expected)


def test_tries_have_a_bound(lab: Lab, checkout: Scenario) -> None:
    run = replace(lab.accept(checkout), routes=((0,) * TRIES_MAX,))
    assert isinstance(after_refusal(run, 0, CapacityUnavailableError("none")), Fail)
