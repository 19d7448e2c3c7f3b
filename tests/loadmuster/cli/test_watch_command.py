"""``watch`` and ``show --follow``: what is shown of another controller's run, and what is left."""

from __future__ import annotations

import io
import os
import signal
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from engine.api import Engine
from engine.load.driver import LoadPhase, LoadProgress
from engine.readers import read_scenario
from engine.runs.decide import Observed
from engine.runs.model.states import Run, RunState
from loadmuster.cli.console import QuietConsole
from loadmuster.cli.run_display import show_run
from loadmuster.cli.run_progress import RunProgress
from tests.patience import PATIENCE_S, until

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"


def queued(acme: CommandLine) -> str:
    """A run that nobody drives."""
    with Engine(f"sqlite:///{acme.database}") as engine:
        return engine.runs.accept(read_scenario(CHECKOUT), account="acme", users=3).id


def is_untouched(acme: CommandLine, run_id: str) -> bool:
    shown = acme.here("--json", "show", run_id).json
    return (shown["state"], shown["outcome"], len(shown["timeline"])) == ("accepted", None, 1)


@pytest.mark.promise("exit-code-tells-outcome", command="watch")
def test_watch_shows_another_controllers_run_to_its_end_and_exits_with_its_code(
    acme: CommandLine, shop: str
) -> None:
    run = acme.here(
        *("run", CHECKOUT, "--account", "acme", "--users", "3", "--duration", "3s"),
        *("--set", f"TARGET={shop}", "--detach", "--json"),
    ).json
    watched = acme.here("watch", run["id"])

    assert watched.code == 0, watched.err
    lines = watched.out.splitlines()
    flowing = [line for line in lines if line.startswith("load flows: 1 machine, ")]
    assert "requests/s" in flowing[-1]
    assert "USD so far" in flowing[-1]
    assert "ended: completed" in lines
    assert "Bill" in lines

    followed = acme.here("--json", "show", run["id"], "--follow")
    assert (followed.code, followed.json["outcome"]) == (0, "completed")
    assert followed.json["progress"] is None
    assert "ended: completed" in followed.err


@pytest.mark.promise("watching-ends-nothing", command="watch")
@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM", "SIGHUP"])
def test_who_ends_the_watching_ends_no_run_and_is_told_so(how: str, acme: CommandLine) -> None:
    run_id = queued(acme)
    number, code = {
        "Ctrl-C": (signal.SIGINT, 130),
        "SIGTERM": (signal.SIGTERM, 143),
        "SIGHUP": (signal.SIGHUP, 129),
    }[how]
    with acme.start("watch", run_id) as process:
        out = process.stdout
        assert out is not None
        until(lambda: "no controller has driven it" in out.readline())
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == code
    assert errors.strip() == (
        f"loadmuster: {run_id} goes on, only the watching ended;"
        f" `loadmuster cancel {run_id}` ends the run"
    )
    assert is_untouched(acme, run_id)


@pytest.mark.promise("watching-ends-nothing", command="watch")
def test_a_pipe_that_is_closed_ends_the_watching_only(acme: CommandLine) -> None:
    run_id = queued(acme)
    reader, writer = os.pipe()
    os.close(reader)
    process = acme.printing_to(writer, "watch", run_id)
    os.close(writer)
    assert (process.returncode, "Traceback" in process.stderr) == (130, False)
    assert "only the watching ended" in process.stderr
    assert is_untouched(acme, run_id)


@pytest.mark.promise("exit-code-tells-outcome", command="watch")
def test_watching_a_run_that_was_cancelled_exits_with_8(acme: CommandLine) -> None:
    run_id = queued(acme)
    assert acme.here("cancel", run_id).code == 0
    watched = acme.here("--json", "watch", run_id)
    assert (watched.code, watched.json["outcome"]) == (8, "cancelled")


def test_show_tells_how_far_a_run_was_at_its_controllers_last_look(acme: CommandLine) -> None:
    run_id = queued(acme)
    with Engine(f"sqlite:///{acme.database}") as engine:
        view = engine.runs.show(run_id)
    seen = FLOWING.sighting(view.run.order.accepted_at, None)
    running = replace(view, run=replace(view.run, state=RunState.RUNNING, last_seen=seen))
    file = io.StringIO()
    show_run(QuietConsole(file=file, width=100), running)
    told = [" ".join(line.split()) for line in file.getvalue().splitlines()]
    shown = told[told.index("Progress") : told.index("Timeline")]
    assert f"seen at {seen.at:%Y-%m-%d %H:%M:%S}" in shown
    assert "time 12 of 600 s" in shown
    assert "users 3" in shown
    assert "requests 76 requests/s (950 so far)" in shown
    assert any(line.startswith("charged nothing yet, ") for line in shown), shown
    assert "Progress" not in acme.here("show", run_id).out


FLOWING = Observed(progress=LoadProgress(LoadPhase.FLOWING, 12.0, 3, 950, 0, 76.5))
DUMB = {"a dumb terminal": {"TERM": "dumb"}, "the log of a build": {"CI": "true"}}


@pytest.mark.parametrize("where", DUMB)
def test_where_nothing_can_be_drawn_over_a_run_is_told_in_lines(
    where: str, acme: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TERM": "xterm", "CI": "", **DUMB[where]}.items():
        monkeypatch.setenv(name, value)
    with Engine(f"sqlite:///{acme.database}") as engine:
        accepted = engine.runs.store.load(queued(acme))
    running = Run(accepted.order, RunState.RUNNING)
    file, seconds = io.StringIO(), iter([0.0, 1.0, 4.9, 5.5])
    console = QuietConsole(file=file, force_terminal=True, width=200)

    with RunProgress(console, running, monotonic_s=lambda: next(seconds)) as live:
        for _ in range(4):
            live.update(running, FLOWING)

    told = [line for line in file.getvalue().splitlines() if line.startswith("load flows")]
    assert len(told) == 2
    assert "\x1b[2K" not in file.getvalue()
