"""A few sessions of each kind, and that what they look for would be seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.runs.model.states import RunState
from tests.habits import checks
from tests.habits.checks import Said, check_home, check_said
from tests.habits.ground import ACCOUNT, Home, made_ground
from tests.habits.playing import play_all
from tests.habits.sessions import PROVIDERS, Deed, Habit, Manner, Screen, session_of
from tests.habits.terminals import Terminal
from tests.patience import PATIENCE_S, until

SESSIONS = int(os.environ.get("LOADMUSTER_HABITS", "2"))
SLEEP = "import time; time.sleep(600)"
QUIET = next(
    session
    for session in (session_of(1, number) for number in range(100))
    if session.rehearsed
    and session.manner is Manner.HERE
    and not (session.fills_disk or session.test_clock or session.cold)
)


CLOSES = Deed(Habit.CLOSE, RunState.ACCEPTED, 0.0, 0.0)
ALONE = replace(QUIET, deeds=(), answer=None)
RUNS = [
    replace(ALONE, number=1_001, provider="aws", deeds=(CLOSES,), screen=Screen.TERMINAL, speed=20),
    replace(
        ALONE, number=1_002, provider="azure", deeds=(CLOSES,), screen=Screen.TERMINAL, speed=20
    ),
    replace(ALONE, number=1_003, provider="aws", screen=Screen.HEAD),
    replace(ALONE, number=1_004, provider="azure", screen=Screen.HEAD),
]
"""On each rehearsed cloud one whose terminal is closed early, and one piped into ``head``."""


@pytest.mark.promise("rehearsal-costs-nothing", command="run", provider=("aws", "azure"))
@pytest.mark.promise("sessions-leave-nothing", command="run", provider=("local", "aws", "azure"))
@pytest.mark.promise("closed-terminal-releases", command="run", provider=("aws", "azure"))
@pytest.mark.promise("display-ends-no-run", command="run", provider=("aws", "azure"))
@pytest.mark.promise("exit-code-tells-outcome", command="run", provider=("aws", "azure"))
@pytest.mark.early
def test_sessions_at_a_terminal_leave_no_machine_no_wrong_book_and_no_traceback(
    tmp_path: Path,
) -> None:
    with made_ground(tmp_path) as ground:
        each = play_all(ground, RUNS)
        random = play_all(ground, [session_of(20261130, number) for number in range(SESSIONS)])
    assert each.violations + random.violations == []
    assert each.runs == dict.fromkeys(
        (f"{name}: {end}" for name in ("aws", "azure") for end in ("cancelled", "completed")), 1
    )
    assert each.codes == {"run: 8": 2, "run: 0": 2}
    assert set(each.sessions | random.sessions) == set(PROVIDERS)
    assert random.habits.total() >= SESSIONS


def test_each_habit_meets_each_provider_and_a_number_is_the_same_session_again() -> None:
    sessions = [session_of(7, number) for number in range(200)]
    assert sessions == [session_of(7, number) for number in range(200)]
    assert sessions != [session_of(8, number) for number in range(200)]
    met = {(deed.habit, each.provider) for each in sessions for deed in each.deeds}
    assert met == {(habit, provider) for habit in Habit for provider in PROVIDERS}
    assert {each.screen for each in sessions} == set(Screen)


@pytest.fixture
def home(tmp_path: Path, migrated_file: Path) -> Iterator[Home]:
    folder, logs = tmp_path / "home", tmp_path / "logs"
    folder.mkdir()
    logs.mkdir()
    shutil.copy(migrated_file, folder / "books.db")
    made = Home(QUIET, folder, logs, "", "", small_disk=False)
    made.engine.accounts.open(ACCOUNT, plan="starter")
    yield made
    made.engine.close()


def ended(home: Home, stack: ExitStack, name: str, *arguments: str) -> Terminal:
    terminal = Terminal(name, arguments, home.environment, logs=home.logs)
    stack.callback(terminal.put_away)
    assert not terminal.lives_for(PATIENCE_S)
    return terminal


def test_a_wrong_code_and_a_traceback_are_found(home: Home) -> None:
    with ExitStack() as stack:
        right = ended(home, stack, "right", "runs", "--json")
        wrong = ended(home, stack, "wrong", "show", "none")
        assert '"runs"' in right.said
        assert list(check_said(home, Said("look", "", right))) == []
        (found,) = check_said(home, Said("look", "", wrong))
        assert "ended with 2" in found
        wrong._said += checks.TRACEBACK.encode()
        assert len(list(check_said(home, Said("look", "", wrong)))) == 2


def test_a_rehearsal_that_costs_something_a_machine_and_a_process_that_are_left_are_found(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "GONE_WITHIN_S", 0.0)
    before = home.money()
    assert list(check_home(home, [], before, [])) == []
    run = home.engine.runs.accept(
        "examples/checkout.yaml", account=ACCOUNT, provider="aws", dry_run=True
    )
    home.engine.accounts.boost(ACCOUNT)
    with subprocess.Popen([sys.executable, "-c", SLEEP], cwd=home.folder) as sleeper:
        found = list(check_home(home, [run], before, [(run.id, True), ("another", True)]))
        sleeper.kill()
    assert f"{run.id} (accepted) has not ended" in found
    assert f"a machine is left of {run.id}" in found
    assert f"a process is left: {sleeper.pid} {sys.executable} -c {SLEEP}" in found
    assert sum(each.startswith("rehearsals changed") for each in found) == 1
    assert len(found) == 4


def test_a_command_is_suspended_goes_on_and_is_told_of_a_closed_terminal(home: Home) -> None:
    for_ever = ("serve", "--reap-every", "0")
    terminal = Terminal(
        "served", for_ever, home.environment, logs=home.logs, screen=Screen.TERMINAL
    )
    try:
        until(terminal.is_listening)
        assert terminal.suspend()
        terminal.go_on()
        assert terminal.lives_for(0.2)
        terminal.close()
        assert not terminal.lives_for(PATIENCE_S)
        assert terminal.code == 0
        assert terminal.done_to_it == ["closed"]
    finally:
        terminal.put_away()
