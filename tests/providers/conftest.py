"""Grounds for the tests of providers: each provider of the contract, and a rehearsed AWS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

from kernel.clock import ManualClock, SystemClock
from providers.aws import AwsProvider
from providers.contract import LaunchSpec, Provider
from providers.local import LocalProvider
from providers.local.processes import end, processes_by_machine
from providers.local.records import launch_folder
from providers.rehearsal.aws_cloud import (
    Rehearsal,
    aws_rehearsal_provider,
    rehearsal_in_this_process,
    start_rehearsal_server,
)
from providers.rehearsal.faults import Fault, FaultKind

REGION = "eu-west-1"
GONE_WAIT_S = 20.0
LIFETIME = timedelta(minutes=2)


class MakeSpec(Protocol):
    """Writes a launch; what is not said is two machines of a run of its own."""

    def __call__(self, **changes: Any) -> LaunchSpec: ...  # noqa: ANN401 - any field


@dataclass(frozen=True)
class Ground:
    """One kind of provider, and how a test plays its surroundings.

    Attributes:
        provider: The provider under test.
        region: A region that it has.
        program: Python that makes another such provider, for another process.
        leave: Make all but so many machines of a launch impossible.
    """

    provider: Provider
    region: str
    program: str
    leave: Callable[[LaunchSpec, int], None]

    def wait_until_gone(self, run_id: str) -> None:
        deadline_s = time.monotonic() + GONE_WAIT_S
        while self.provider.observe(run_id, [self.region]):
            assert time.monotonic() < deadline_s, self.provider.observe(run_id, [self.region])
            time.sleep(0.05)


@pytest.fixture
def make_spec() -> MakeSpec:
    now = SystemClock().now()

    def make(**changes: Any) -> LaunchSpec:  # noqa: ANN401 - any field
        run_id = changes.pop("run_id", f"run-{uuid4().hex[:12]}")
        attempt = changes.get("attempt", 1)
        spec = LaunchSpec(
            run_id=run_id,
            attempt=attempt,
            token=f"{run_id}-{attempt}",
            region=REGION,
            machine_types=("c7i.large", "c7g.large"),
            count=2,
            min_count=2,
            created_at=now,
            expires_at=now + LIFETIME,
            owner="acme",
            commands=[[["sleep", "600"]]] * changes.get("count", 2),
            user_data="#!/bin/sh\necho load\n",
        )
        return replace(spec, **changes)

    return make


@pytest.fixture(scope="session")
def rehearsal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsed AWS in a process of its own."""
    server = start_rehearsal_server(
        tmp_path_factory.mktemp("rehearsal"), boot_s=0.2, shutdown_s=0.2, idle_timeout_s=120.0
    )
    yield server
    server.stop()


@pytest.fixture
def rehearsal(rehearsal_server: Rehearsal) -> Iterator[Rehearsal]:
    """The rehearsed AWS, with nothing going wrong and nothing recorded yet."""
    rehearsal_server.clear()
    yield rehearsal_server
    rehearsal_server.clear()


@pytest.fixture(scope="session")
def aws_client_side(rehearsal_server: Rehearsal) -> AwsProvider:
    """Made once: reading the description of EC2's interface takes most of a second."""
    clock = ManualClock(SystemClock().now())
    return aws_rehearsal_provider(rehearsal_server.endpoint_url, clock)


@pytest.fixture
def aws(rehearsal: Rehearsal, aws_client_side: AwsProvider) -> AwsProvider:
    """AWS's provider, on a clock whose waits take no time, before an AWS where all goes well."""
    rehearsal.clear()
    return aws_client_side


@pytest.fixture
def slow_to_show(request: pytest.FixtureRequest) -> Iterator[Rehearsal]:
    """A rehearsed AWS that describes machines only some seconds after their launch."""
    with rehearsal_in_this_process(visible_s=request.param) as server:
        yield server


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalProvider]:
    """Machines of this computer; none is left when the test ends."""
    yield LocalProvider(tmp_path / "machines", SystemClock(), release_grace_s=0.5)
    end(lambda: _left(tmp_path), grace_s=0.0)
    assert not _left(tmp_path)


@pytest.fixture(params=["local", "rehearsed AWS"])
def ground(request: pytest.FixtureRequest) -> Ground:
    """Every provider in turn."""
    if request.param == "local":
        return _local_ground(
            request.getfixturevalue("local"), request.getfixturevalue("tmp_path") / "machines"
        )
    return _aws_ground(request.getfixturevalue("rehearsal"), request.getfixturevalue("aws"))


def _left(folder: Path) -> list[Any]:
    return [process for found in processes_by_machine(folder).values() for process in found]


def _local_ground(provider: LocalProvider, root: Path) -> Ground:
    def leave(spec: LaunchSpec, available: int) -> None:
        folder = launch_folder(root, spec)
        folder.mkdir(parents=True)
        for index in range(available, spec.count):
            (folder / f"machine-{index}").write_text("a file where a folder has to be")

    program = (
        "from pathlib import Path\n"
        "from kernel.clock import SystemClock\n"
        "from providers.local import LocalProvider\n"
        f"provider = LocalProvider(Path({str(root)!r}), SystemClock())\n"
    )
    return Ground(provider, REGION, program, leave)


def _aws_ground(rehearsal: Rehearsal, provider: AwsProvider) -> Ground:
    def leave(spec: LaunchSpec, available: int) -> None:
        for machine_type, number in zip(spec.machine_types, (available, 0), strict=True):
            rehearsal.inject(
                Fault(FaultKind.SHORT_CAPACITY, machine_type=machine_type, available=number)
            )

    program = (
        "from kernel.clock import SystemClock\n"
        "from providers.rehearsal.aws_cloud import aws_rehearsal_provider\n"
        f"provider = aws_rehearsal_provider({rehearsal.endpoint_url!r}, SystemClock())\n"
    )
    return Ground(provider, REGION, program, leave)
