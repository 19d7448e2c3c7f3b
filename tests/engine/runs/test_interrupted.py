"""A process that breaks off while it drives a run leaves no machine behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from traceback import walk_tb
from types import FunctionType
from typing import TYPE_CHECKING

import pytest

from engine.runs.decide import Observed
from engine.runs.interrupted import drive_or_end
from engine.runs.model.states import Outcome, Run, RunState
from engine.scenario import Scenario
from providers.rehearsal.program import is_alive
from tests.patience import until

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab, Stage

FAULTS = (KeyboardInterrupt(), SystemExit(1), ZeroDivisionError("a fault of the caller's"))


def raising(error: BaseException, state: RunState) -> Callable[[Run, Observed], None]:
    """What watches until a state is seen, and then fails, each time."""

    def watch(run: Run, _observed: Observed) -> None:
        if run.state is state:
            raise error

    return watch


def without_lines(watch: Callable[[Run, Observed], None]) -> Callable[[Run, Observed], None]:
    """The same, with no instruction that has a line (code 15 of CPython's locations)."""
    assert isinstance(watch, FunctionType)
    nowhere = bytes([0xFF]) * (len(watch.__code__.co_code) // 16 + 1)
    code = watch.__code__.replace(co_linetable=nowhere)
    return FunctionType(code, watch.__globals__, closure=watch.__closure__)


@pytest.mark.promise("python-interrupt-releases", command="Engine.run", provider="aws")
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


def test_an_interrupt_at_an_instruction_without_a_line_can_be_shown(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    controller = lab.controller()
    controller.watch = without_lines(raising(KeyboardInterrupt(), RunState.RUNNING))

    with pytest.raises(KeyboardInterrupt) as raised:
        drive_or_end(controller, run.id)

    assert "drive_or_end" in str(raised.getrepr(style="long"))
    shown = list(walk_tb(raised.tb))
    assert [frame.f_code.co_name for frame, line in shown if line is None] == []
    assert "_step" in {frame.f_code.co_name for frame, _ in shown}


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


# Ctrl-C may come between the opening of a file and the taking hold of it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.promise("python-interrupt-releases", command="Engine.run", provider="local")
def test_ctrl_c_in_python_ends_a_run_on_this_machine(
    here: Stage, visits: Callable[[float], Scenario]
) -> None:
    engine, over = here.engine, threading.Event()

    def press() -> None:
        # What is not there yet is no run.
        with suppress(IndexError):
            until(lambda: over.is_set() or engine.runs.list()[:1], every_s=0.1)
            until(lambda: over.is_set() or engine.runs.list()[0].state is RunState.RUNNING)
        if not over.is_set():
            os.kill(os.getpid(), signal.SIGINT)

    finger = threading.Thread(target=press)
    finger.start()
    try:
        with pytest.raises(KeyboardInterrupt) as raised:
            engine.run(visits(120), account="acme")
    finally:
        over.set()
        finger.join()

    (run,) = engine.runs.list()
    assert (run.outcome, here.machines(run)) == (Outcome.CANCELLED, 0)
    assert f"run {run.id} was ended on the way out" in raised.value.__notes__[-1]


@pytest.mark.promise("python-interrupt-releases", command="Engine.run", provider="azure")
def test_an_exception_of_a_callback_ends_a_run_on_azure(here: Stage, checkout: Scenario) -> None:
    run = here.accept(checkout, provider="azure", dry_run=True)

    with pytest.raises(ZeroDivisionError) as raised:
        here.engine.runs.drive(
            run.id, watch=raising(ZeroDivisionError("a callback's"), RunState.STARTING)
        )

    (ended,) = here.engine.runs.list()
    assert ended.outcome is Outcome.CANCELLED
    assert ended.endpoint is not None
    assert not is_alive(ended.endpoint), "its cloud is put away"
    assert f"run {run.id} was ended on the way out" in raised.value.__notes__[-1]
