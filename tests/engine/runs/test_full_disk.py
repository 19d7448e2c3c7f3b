"""A disk that fills while a run goes on: said as what it is, and nothing is lost or left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from engine.database import DatabaseFullError
from engine.load.folder import RESERVE
from engine.runs.decide import Observed
from engine.runs.model.states import Outcome, Run, RunState
from engine.runs.room import LOOKS, NoRoomError
from engine.scenario import Scenario
from providers.local.processes import processes_by_machine
from tests.engine.runs.test_controller_faults import check_books
from tests.full_disk import fill, fill_for, make_room, make_room_for, room_in_the_end

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab, Stage

STEPS = (
    "accepted/RecordIntent/before",
    "launching/Launch/before",
    "launching/Launch/sent",
    "starting/RecordLoadStart/before",
    "running/Wait/before",
    "running/BeginRelease/before",
    "releasing/Release/before",
    "releasing/End/before",
)
"""At which step the disk fills."""


@pytest.fixture(autouse=True)
def room_afterwards() -> Iterator[None]:
    with room_in_the_end():
        yield


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_stays_full_ends_the_machines_and_the_books_are_right_afterwards(
    step: str, lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    controller = lab.controller()
    told: list[str] = []
    controller.tell = told.append
    full = [step]
    controller.on_step = lambda name: fill() if name in full else None

    with pytest.raises(NoRoomError) as raised:
        controller.drive(run.id)

    assert lab.machines(run) == 0
    (line,) = told
    assert "the disk takes no more" in line
    assert "MiB free on the disk of" in line
    assert "the run goes on, and is ended if no room is made soon" in line
    message = raised.value.line
    had_none = step.startswith("accepted")
    assert (f"run {run.id} has no machines" if had_none else "are gone; once there") in message
    assert f"`loadmuster cancel {run.id}` settles the run" in message

    full.clear()
    make_room()
    lab.cancel_request(run)
    # The lease could not be given back: until it ends by itself, it is this controller's.
    ended = controller.drive(run.id)
    assert ended.ended
    assert lab.machines(run) == 0
    books = lab.books(run)
    assert not any(books.sums.values())
    assert len(books.invoices) <= 1


@pytest.mark.parametrize("step", STEPS[::2])
def test_room_that_is_made_in_time_changes_nothing(step: str, lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)
    controller = lab.controller()
    told: list[str] = []
    waits: list[float] = []
    sleep = lab.clock.sleep
    controller.tell = told.append
    waiting = [step]

    def fill_once(name: str) -> None:
        if name in waiting:
            waiting.remove(name)
            fill()

    def sleep_and_make_room(duration_s: float) -> None:
        waits.append(duration_s)
        if waits.count(controller.room_wait_s) == LOOKS // 2:
            make_room()
        sleep(duration_s)

    controller.on_step = fill_once
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lab.clock, "sleep", sleep_and_make_room)
        ended = controller.drive(run.id)

    assert len(told) == 1
    assert ended.outcome is Outcome.COMPLETED
    assert lab.machines(run) == 0
    check_books(lab, run, 4_500_000, 10_500_000)


def test_what_is_asked_for_on_a_full_disk_is_refused_and_nothing_is_written(
    lab: Lab, checkout: Scenario
) -> None:
    fill()
    with pytest.raises(DatabaseFullError, match="nothing was written, make room"):
        lab.accept(checkout)
    make_room()
    assert lab.engine.runs.list() == []
    assert lab.drive(lab.accept(checkout)).outcome is Outcome.COMPLETED


def test_an_error_of_another_kind_is_not_taken_for_the_disk(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)
    controller = lab.controller()
    lost = PermissionError(13, "Permission denied")

    def watch(_run: Run, _observed: Observed) -> None:
        raise lost

    controller.watch = watch
    with pytest.raises(PermissionError):
        controller.drive(run.id)
    assert lab.drive(run).ended


def master_of(stage: Stage, run: Run) -> int:
    root = stage.engine._context.folder.parent
    (master,) = [
        each.pid
        for machine, processes in processes_by_machine(root).items()
        if machine.run_id == run.id
        for each in processes
        if "--master" in each.cmdline()
    ]
    return master


@pytest.mark.parametrize("room", [True, False], ids=["for a while", "to its end"])
def test_the_load_goes_on_where_its_folder_is_full_and_its_result_is_kept_as_far_as_possible(
    here: Stage, visits: Callable[[float], Scenario], room: bool
) -> None:
    run = here.accept(visits(6.0))
    seen: list[float] = []

    def watch(seen_run: Run, observed: Observed) -> None:
        progress = observed.progress
        if seen_run.state is not RunState.RUNNING or progress is None or progress.requests == 0:
            return
        if not seen:
            fill_for(master_of(here, run))
        elif room and len(seen) == 8:
            make_room_for(master_of(here, run))
        seen.append(progress.elapsed_s)

    controller = here.controller()
    controller.watch = watch
    ended = controller.drive(run.id)

    assert here.machines(run) == 0
    assert ended.outcome is (Outcome.COMPLETED if room else Outcome.FAILED)
    assert ended.result is not None
    assert ended.result.requests > 0
    books = here.books(run)
    assert not any(books.sums.values())
    assert not (here.engine._context.folder / run.id / RESERVE).exists()


def test_a_launch_that_cannot_be_put_on_record_fails_the_run_and_says_that_it_is_the_disk(
    here: Stage, visits: Callable[[float], Scenario]
) -> None:
    run = here.accept(visits(5.0))
    controller = here.controller()
    open_cloud = controller.open_cloud

    def launch_full(of: Run) -> object:
        cloud = open_cloud(of)
        launch = cloud.provider.launch

        def full(spec: object) -> object:
            fill()
            try:
                return launch(spec)  # type: ignore[arg-type]
            finally:
                make_room()

        cloud.provider.launch = full  # type: ignore[method-assign, assignment]
        return cloud

    controller.open_cloud = launch_full  # type: ignore[assignment]
    ended = controller.drive(run.id)
    assert ended.outcome is Outcome.FAILED
    assert "the launch cannot be put on record: File too large (" in ended.reason
    assert "MiB free on the disk of" in ended.reason
    assert here.machines(run) == 0
