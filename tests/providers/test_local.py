"""Machines that are processes of this computer: they end, whatever happens, and all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from kernel.clock import ManualClock, StartingClock, SystemClock
from providers.contract import LaunchSpec, MachineState
from providers.errors import ConfigurationRejectedError
from providers.local import LocalProvider, records
from providers.local.identity import MARK, PROGRAM, from_arguments, from_mark, to_mark
from providers.local.processes import processes_by_machine
from providers.local.records import launch_folder, run_lock
from tests.patience import PATIENCE_S, until

MakeSpec = Callable[..., LaunchSpec]

STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.1; done"
DAEMON = "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)\n"


def processes(root: Path) -> list[psutil.Process]:
    return [one for found in processes_by_machine(root).values() for one in found]


def has_said(log: Path, word: str, times: int) -> bool:
    return log.exists() and log.read_text().splitlines().count(word) == times


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "machines"


def test_the_command_line_carries_the_tags(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec(count=1, min_count=1)
    local.launch(spec)

    supervisor = next(one for one in processes(root) if PROGRAM in one.cmdline())

    identity = from_arguments(supervisor.cmdline())
    assert identity is not None
    assert (identity.run_id, identity.attempt, identity.owner) == (spec.run_id, 1, "acme")
    assert (identity.created_at, identity.expires_at) == (spec.created_at, spec.expires_at)
    assert from_mark(to_mark(identity)) == identity


def test_a_machine_is_in_a_session_of_its_own(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    local.launch(make_spec(count=1, min_count=1))

    sessions = {os.getsid(one.pid) for one in processes(root)}

    assert len(sessions) == 1
    assert os.getsid(0) not in sessions


def test_commands_run_side_by_side_and_their_output_is_kept(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec(
        count=1,
        min_count=1,
        commands=[[["sh", "-c", "echo one; sleep 600"], ["sh", "-c", "echo two >&2; sleep 600"]]],
    )
    local.launch(spec)
    folder = launch_folder(root, spec) / "machine-0"

    until(lambda: (folder / "command-0.log").read_text() == "one\n")
    until(lambda: (folder / "command-1.log").read_text() == "two\n")
    assert "command" in (folder / "machine.log").read_text()


def test_an_injector_is_told_the_python_that_has_locust_already(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    say = ["sh", "-c", "echo $LOADMUSTER_PYTHON; sleep 600"]
    spec = make_spec(count=1, min_count=1, commands=[[say]])
    local.launch(spec)
    log = launch_folder(root, spec) / "machine-0" / "command-0.log"

    until(lambda: log.read_text() == f"{sys.executable}\n")


def test_a_machine_ends_when_its_last_command_has_ended(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec(count=1, min_count=1, commands=[[["true"], ["sh", "-c", "sleep 0.3; exit 3"]]])

    assert len(local.launch(spec)) == 1

    until(lambda: not processes(root))
    log = (launch_folder(root, spec) / "machine-0" / "machine.log").read_text()
    assert "all commands have ended" in log
    assert "exit codes: [0, 3]" in log


def test_the_token_of_machines_that_have_ended_starts_nothing_again(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec(commands=[[["sh", "-c", "echo ran"]]] * 2)
    local.launch(spec)
    until(lambda: not processes(root))

    again = local.launch(spec)

    assert [one.state for one in again] == [MachineState.STOPPING] * 2
    assert local.observe(spec.run_id, []) == ()
    for index in range(2):
        folder = launch_folder(root, spec) / f"machine-{index}"
        assert (folder / "command-0.log").read_text() == "ran\n"


def test_the_dead_man_ends_a_machine_at_its_expiry(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    expires_at = SystemClock().now() + timedelta(seconds=1.5)
    spec = make_spec(expires_at=expires_at)
    local.launch(spec)

    until(lambda: not processes(root))

    assert SystemClock().now() >= expires_at
    log = (launch_folder(root, spec) / "machine-0" / "machine.log").read_text()
    assert "lifetime over" in log


def test_the_dead_man_goes_by_the_clock_of_the_run(tmp_path: Path, make_spec: MakeSpec) -> None:
    clock = StartingClock(SystemClock().now() + timedelta(days=365))
    provider = LocalProvider(tmp_path / "machines", clock)
    spec = make_spec(created_at=clock.now(), expires_at=clock.now() + timedelta(seconds=1))

    machines = provider.launch(spec)

    assert machines[0].launched_at >= spec.created_at
    until(lambda: not provider.observe(spec.run_id, []))


@pytest.mark.parametrize(
    ("command", "ups"),
    [
        pytest.param(["sh", "-c", STUBBORN], 1, id="ignores SIGTERM"),
        pytest.param(["sh", "-c", f"({STUBBORN}) & ({STUBBORN}) & wait"], 2, id="has forked"),
        pytest.param(
            [sys.executable, "-c", f"{DAEMON}print('up', flush=True); time.sleep(600)"],
            1,
            id="became a daemon",
        ),
        pytest.param(
            ["sh", "-c", f'nohup setsid sh -c "{STUBBORN}" & sleep 600'],
            1,
            id="left the session and ignores SIGTERM",
        ),
    ],
)
def test_no_process_is_left_after_a_release(
    local: LocalProvider, root: Path, make_spec: MakeSpec, command: list[str], ups: int
) -> None:
    spec = make_spec(commands=[[command, ["sleep", "600"]]] * 2)
    local.launch(spec)
    for index in range(2):
        log = launch_folder(root, spec) / f"machine-{index}" / "command-0.log"
        until(partial(has_said, log, "up", ups))
    assert len(processes(root)) >= 4

    local.release(spec.run_id, [])

    assert processes(root) == []
    assert local.observe(spec.run_id, []) == ()


def test_what_a_command_left_behind_ends_with_the_machine(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    daemon = [sys.executable, "-c", f"{DAEMON}time.sleep(600)"]

    local.launch(make_spec(count=1, min_count=1, commands=[[daemon]]))

    until(lambda: not processes(root))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda one: one.name)
def test_a_machine_whose_supervisor_fails_is_still_seen_and_released(
    local: LocalProvider, root: Path, make_spec: MakeSpec, number: signal.Signals
) -> None:
    spec = make_spec(count=1, min_count=1, commands=[[["sh", "-c", STUBBORN]]])
    local.launch(spec)
    log = launch_folder(root, spec) / "machine-0" / "command-0.log"
    until(partial(has_said, log, "up", 1))
    supervisor = next(one for one in processes(root) if PROGRAM in one.cmdline())
    supervisor.send_signal(number)
    until(lambda: supervisor.status() in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE})

    assert len(local.observe(spec.run_id, [])) == 1
    local.release(spec.run_id, [])

    assert processes(root) == []


def test_commands_end_with_a_machine_that_is_killed(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    local.launch(make_spec(count=1, min_count=1))
    until(lambda: len(processes(root)) == 2)
    next(one for one in processes(root) if PROGRAM in one.cmdline()).kill()

    until(lambda: not processes(root))


@pytest.mark.parametrize("after_s", [0.05, 0.2, 0.4])
def test_a_launcher_killed_half_way_is_completed_by_the_next_and_no_machine_runs_twice(
    local: LocalProvider, root: Path, make_spec: MakeSpec, after_s: float
) -> None:
    spec = make_spec(count=4, min_count=4, commands=[[["sh", "-c", "echo ran; sleep 600"]]] * 4)
    program = (
        "from pathlib import Path\nfrom kernel.clock import SystemClock\n"
        "from providers.local import LocalProvider\n"
        "from providers.contract import LaunchSpec\nimport datetime\n"
        f"spec = {spec!r}\n"
        f"provider = LocalProvider(Path({str(root)!r}), SystemClock())\n"
        "print('launching', flush=True)\nprovider.launch(spec)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as launcher:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == "launching\n"
        time.sleep(after_s)
        launcher.kill()

    machines = local.launch(spec)

    assert len(machines) == 4
    until(lambda: len(local.observe(spec.run_id, [])) == 4)
    for index in range(4):
        log = launch_folder(root, spec) / f"machine-{index}" / "command-0.log"
        until(partial(has_said, log, "ran", 1))
        assert log.read_text() == "ran\n"


def test_a_machine_that_starts_after_the_release_ends_at_once(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec(count=1, min_count=1)
    local.launch(spec)
    supervisor = next(one for one in processes(root) if PROGRAM in one.cmdline())
    arguments, environment = supervisor.cmdline(), supervisor.environ()
    local.release(spec.run_id, [])
    (launch_folder(root, spec) / "machine-0" / "claimed").unlink()

    late = subprocess.run(arguments, env=environment, check=False, timeout=PATIENCE_S)

    assert late.returncode == 3
    assert processes(root) == []


def test_zombies_are_not_machines(local: LocalProvider, root: Path, make_spec: MakeSpec) -> None:
    spec = make_spec(count=1, min_count=1)
    local.launch(spec)
    mark = processes(root)[0].environ()[MARK]
    local.release(spec.run_id, [])

    with subprocess.Popen(["/bin/sleep", "0"], env={**os.environ, MARK: mark}) as zombie:
        until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_ZOMBIE)
        assert local.observe(spec.run_id, []) == ()


def test_providers_of_different_folders_do_not_see_each_other(
    local: LocalProvider, tmp_path: Path, make_spec: MakeSpec
) -> None:
    elsewhere = LocalProvider(tmp_path / "elsewhere", SystemClock())
    spec = make_spec(count=1, min_count=1)
    local.launch(spec)

    assert elsewhere.observe_all([]) == ()
    elsewhere.release(spec.run_id, [])
    assert len(local.observe(spec.run_id, [])) == 1


def test_a_program_that_is_not_there_is_named_before_anything_starts(
    local: LocalProvider, root: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec(commands=[[["no-such-program", "--fast"]]] * 2)

    for ask in (local.check, local.launch):
        with pytest.raises(ConfigurationRejectedError, match="no-such-program"):
            ask(spec)

    assert processes(root) == []


def test_machines_without_commands_are_refused(local: LocalProvider, make_spec: MakeSpec) -> None:
    with pytest.raises(ConfigurationRejectedError, match="commands are given for 1"):
        local.check(make_spec(commands=[[["sleep", "1"]]]))


def test_a_run_whose_name_could_leave_the_folder_is_refused(
    local: LocalProvider, make_spec: MakeSpec
) -> None:
    with pytest.raises(ConfigurationRejectedError, match="cannot name a run"):
        local.launch(make_spec(run_id="../../etc"))


def test_machines_that_would_have_had_to_end_already_are_refused(
    tmp_path: Path, make_spec: MakeSpec
) -> None:
    spec = make_spec()
    provider = LocalProvider(tmp_path, ManualClock(spec.expires_at))

    with pytest.raises(ConfigurationRejectedError, match="had to end"):
        provider.launch(spec)


def test_a_launch_waits_for_a_release_of_the_same_run_but_not_for_ever(
    local: LocalProvider, root: Path, make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "LOCK_WAIT_S", 0.2)
    spec = make_spec()

    with run_lock(root, spec.run_id), pytest.raises(Exception, match="ask again"):
        local.launch(spec)

    assert len(local.launch(replace(spec, min_count=1))) == 2


def test_the_program_explains_itself_when_it_is_called_by_hand() -> None:
    called = subprocess.run(
        [sys.executable, "-m", PROGRAM, "--help"], capture_output=True, text=True, check=False
    )

    assert called.returncode == 2
    assert f"python -P -m {PROGRAM}" in called.stderr
    assert "Traceback" not in called.stderr
