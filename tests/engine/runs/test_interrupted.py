"""A process that breaks off while it drives a run leaves no machine behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from engine.runs.decide import Observed
from engine.runs.interrupted import drive_or_end
from engine.runs.model.states import Outcome, Run, RunState
from engine.scenario import Scenario

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab

FAULTS = (KeyboardInterrupt(), SystemExit(1), ZeroDivisionError("a fault of the caller's"))


def raising(error: BaseException, state: RunState) -> Callable[[Run, Observed], None]:
    """What watches until a state is seen, and then fails, each time."""

    def watch(run: Run, _observed: Observed) -> None:
        if run.state is state:
            raise error

    return watch


@pytest.mark.parametrize(
    "state", [RunState.LAUNCHING, RunState.STARTING, RunState.RUNNING, RunState.RELEASING]
)
@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_what_breaks_off_a_drive_ends_the_run_and_releases_its_machines(
    error: BaseException, state: RunState, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    controller = lab.controller()
    controller.watch = raising(error, state)

    with pytest.raises(type(error)) as raised:
        drive_or_end(controller, run.id)

    ended = lab.engine.runs.show(run.id)
    assert ended.run.ended
    assert ended.bill is not None
    assert lab.machines(run) == 0
    expected = Outcome.COMPLETED if state is RunState.RELEASING else Outcome.CANCELLED
    assert ended.run.outcome is expected
    assert f"run {run.id} was ended on the way out" in raised.value.__notes__[-1]
    error.__notes__.clear()


def test_whoever_leaves_at_once_is_told_which_call_ends_the_run(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    controller = lab.controller()
    controller.watch = raising(KeyboardInterrupt(), RunState.RUNNING)
    open_cloud = controller.open_cloud
    opened: list[Run] = []

    def open_once(run: Run) -> object:
        opened.append(run)
        if len(opened) > 1:
            raise KeyboardInterrupt
        return open_cloud(run)

    controller.open_cloud = open_once  # type: ignore[assignment]

    with pytest.raises(KeyboardInterrupt) as raised:
        drive_or_end(controller, run.id)

    assert f"engine.runs.cancel({run.id!r})" in raised.value.__notes__[-1]
    assert lab.machines(run) > 0
    assert lab.drive(run).outcome is Outcome.CANCELLED
    assert lab.machines(run) == 0
