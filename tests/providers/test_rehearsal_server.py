"""The rehearsed AWS as a program: found again, left alone, gone when nobody needs it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from kernel.clock import SystemClock
from providers.aws import AwsProvider
from providers.contract import LaunchSpec
from providers.errors import ConfigurationRejectedError
from providers.rehearsal import aws_cloud, program
from providers.rehearsal.aws_cloud import (
    Rehearsal,
    aws_rehearsal_provider,
    is_alive,
    rehearsal_in_this_process,
    start_rehearsal_server,
    stop_rehearsal_server,
)
from providers.rehearsal.azure_cloud import start_rehearsal_server as start_azure_server
from providers.rehearsal.faults import Fault, FaultKind, fault_from_json, fault_to_json
from providers.rehearsal.serving import LOOK_S, is_process
from tests.patience import PATIENCE_S, until

MakeSpec = Callable[..., LaunchSpec]


def test_two_who_start_it_at_once_get_the_same_and_stopping_ends_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: start_rehearsal_server(tmp_path), range(2))
    assert first == second
    assert first == start_rehearsal_server(tmp_path)
    address = json.loads((tmp_path / "aws-cloud.json").read_text())
    assert address == {"endpoint_url": first.endpoint_url, "pid": first.pid}

    first.stop()

    until(lambda: not is_process(first.pid))
    assert not (tmp_path / "aws-cloud.json").exists()
    assert not is_alive(first.endpoint_url)
    stop_rehearsal_server(first.endpoint_url)


def test_it_ends_itself_when_nobody_calls(tmp_path: Path) -> None:
    server = start_rehearsal_server(tmp_path, idle_timeout_s=1.0)

    until(lambda: not is_process(server.pid))

    assert "nobody has called" in (tmp_path / "aws-cloud.log").read_text()


@pytest.mark.parametrize(
    "start", [start_rehearsal_server, start_azure_server], ids=["aws", "azure"]
)
def test_one_that_belongs_to_a_process_outlives_silence_and_not_its_owner(
    start: Callable[..., Rehearsal], tmp_path: Path
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        server = start(tmp_path, idle_timeout_s=0.0, owner_pid=owner.pid)
        time.sleep(2.5 * LOOK_S)
        assert is_process(server.pid), "nobody has called, and that is no matter"

    until(lambda: not is_process(server.pid))
    assert "the process it belonged to has ended" in next(tmp_path.glob("*.log")).read_text()


def test_an_address_of_a_server_that_was_killed_is_not_believed(tmp_path: Path) -> None:
    killed = start_rehearsal_server(tmp_path, idle_timeout_s=PATIENCE_S)
    psutil.Process(killed.pid).kill()
    until(lambda: not is_process(killed.pid))

    server = start_rehearsal_server(tmp_path, idle_timeout_s=PATIENCE_S)
    server.stop()

    assert server.pid != killed.pid
    until(lambda: not is_process(server.pid))


def test_a_server_that_is_slow_to_answer_is_waited_for_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_rehearsal_server(tmp_path, idle_timeout_s=PATIENCE_S)
    monkeypatch.setattr(program, "CALL_TIMEOUT_S", 1.0)
    frozen = psutil.Process(server.pid)
    frozen.suspend()
    thaw = threading.Timer(1.5, frozen.resume)
    thaw.start()

    assert start_rehearsal_server(tmp_path) == server

    thaw.join()
    monkeypatch.setattr(program, "ASKS_MAX", 2)
    frozen.suspend()
    assert not is_alive(server.endpoint_url), "for ever is not waited"
    frozen.resume()
    monkeypatch.undo()
    server.stop()
    until(lambda: not is_process(server.pid))


def test_a_server_that_cannot_start_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_cloud, "PROGRAM", "providers.rehearsal.no_such_program")

    with pytest.raises(ConfigurationRejectedError, match=r"aws-cloud\.log says why"):
        start_rehearsal_server(tmp_path)

    assert "no_such_program" in (tmp_path / "aws-cloud.log").read_text()


def test_clients_that_leave_half_way_leave_no_traceback(
    rehearsal: Rehearsal, rehearsal_server: Rehearsal, aws: AwsProvider, make_spec: MakeSpec
) -> None:
    address = urlsplit(rehearsal.endpoint_url)
    head = b"POST / HTTP/1.1\r\nContent-Length: 100\r\n"
    json_head = head + b"X-Amz-Target: AmazonSSM.GetParameter\r\n"
    for sent in (b"", b"POST / HT", head + b"\r\nAction=Descr", json_head + b'\r\n{"Na'):
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(sent)

    assert aws.observe(make_spec().run_id, ["eu-west-1"]) == ()
    command = psutil.Process(rehearsal_server.pid).cmdline()
    folder = next(one for one in command if one.startswith("--folder=")).removeprefix("--folder=")
    assert "Traceback" not in (Path(folder) / "aws-cloud.log").read_text()


def test_help_says_what_it_is_without_starting_anything() -> None:
    called = subprocess.run(
        [sys.executable, "-m", "providers.rehearsal.aws_cloud", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "rehearsed AWS" in called.stdout
    assert "--folder" in called.stdout
    assert "--idle-timeout-s" in called.stdout


@pytest.mark.parametrize(
    "module", ["providers.rehearsal.aws_cloud", "providers.local", "providers.contract"]
)
def test_no_sdk_is_imported_before_it_is_needed(module: str) -> None:
    program = f"import sys, {module}; print({{'boto3', 'botocore', 'moto'}} & set(sys.modules))"

    called = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert called.stdout == "set()\n"


def test_it_also_runs_in_a_thread(make_spec: MakeSpec) -> None:
    spec = make_spec()
    with rehearsal_in_this_process() as rehearsal:
        provider = aws_rehearsal_provider(rehearsal.endpoint_url, SystemClock())
        assert len(provider.launch(spec)) == 2
        provider.release(spec.run_id, [spec.region])
        assert provider.observe(spec.run_id, [spec.region]) == ()

    with rehearsal_in_this_process() as rehearsal:
        provider = aws_rehearsal_provider(rehearsal.endpoint_url, SystemClock())
        assert provider.observe_all([spec.region]) == ()


@pytest.mark.parametrize("kind", FaultKind, ids=str)
def test_a_fault_arrives_as_it_was_sent(kind: FaultKind) -> None:
    fault = Fault(kind, action="CreateFleet", times=3, machine_type="c7i.large", available=2)

    assert fault_from_json(json.loads(json.dumps(fault_to_json(fault)))) == fault


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(FaultKind.THROTTLING, "CreateFleet", 3), "throttling of CreateFleet, 3 times"),
        (Fault(FaultKind.LOST_REPLY, "CreateFleet"), "lost reply of CreateFleet, 1 time"),
        (
            Fault(FaultKind.SHORT_CAPACITY, machine_type="c7i.large", available=2),
            "2 of c7i.large available (InsufficientInstanceCapacity)",
        ),
        (Fault(FaultKind.VCPU_LIMIT, available=64), "vCPU limit of 64"),
        (
            Fault(FaultKind.REFUSAL, "RunInstances", code="OptInRequired"),
            "RunInstances refused with OptInRequired, 1 time",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_speaks_for_itself(fault: Fault, words: str) -> None:
    assert str(fault) == words
