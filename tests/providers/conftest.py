"""Grounds for the tests of providers: each provider of the contract, and a rehearsed AWS.

With ``--cloud`` real accounts are more of them, each under a cap in dollars.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
from msgspec.structs import replace

from kernel.clock import ManualClock, SystemClock
from providers.aws import AwsProvider
from providers.azure import AzureProvider
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
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_cloud import azure_rehearsal_provider
from providers.rehearsal.azure_cloud import start_rehearsal_server as start_azure_server
from providers.rehearsal.azure_server import listen
from providers.rehearsal.azure_session import azure_provider_in_process
from providers.rehearsal.azure_things import AzurePace
from providers.rehearsal.faults import Fault, FaultKind
from tests.patience import PATIENCE_S, until
from tests.real_clouds import MAX_USD, REAL_CLOUDS, Cap, cap_of

REGION = "eu-west-1"
TYPES = ("c7i.large", "c7g.large")
AZURE_REGION = "westeurope"
AZURE_TYPES = ("Standard_D2s_v5", "Standard_D2as_v5")
LIFETIME = timedelta(minutes=10)

PLAYABLE = ("local", "rehearsed AWS", "rehearsed Azure", "rehearsed Azure, in process")


class HurriedClock:
    """A clock that runs so many times as fast as the real one."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._start = SystemClock().now()
        self._made_s = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=(time.monotonic() - self._made_s) * self._factor)

    def sleep(self, duration_s: float) -> None:
        time.sleep(duration_s / self._factor)


class MakeSpec(Protocol):
    """Writes a launch; what is not said is two machines of a run of its own."""

    def __call__(self, **changes: Any) -> LaunchSpec: ...  # noqa: ANN401 - any field


@dataclass(frozen=True)
class Ground:
    """One kind of provider, and how a test plays its surroundings.

    Attributes:
        provider: The provider under test.
        region: A region that it has.
        machine_types: Two that the region has.
        program: Python that makes another such provider, for another process.
        leave: Make all but so many machines of a launch impossible; None: nobody can.
        usual: What launches say there, if nothing else is wanted.
        admit: Refuses launches that must not be tried there.
        gone_wait_s: How long machines may take to go.
    """

    provider: Provider
    region: str
    machine_types: tuple[str, ...]
    program: str
    leave: Callable[[LaunchSpec, int], None] | None = None
    usual: Mapping[str, Any] = field(default_factory=dict)
    admit: Callable[[LaunchSpec], None] = lambda _spec: None
    gone_wait_s: float = PATIENCE_S

    def wait_until_gone(self, run_id: str) -> None:
        until(
            lambda: not self.provider.observe(run_id, [self.region]),
            every_s=0.05,
            within_s=self.gone_wait_s,
        )


@pytest.fixture(scope="session")
def real_caps() -> dict[str, Cap]:
    """One cap for each real cloud, for the whole session."""
    return {name: cap_of(name, os.environ.get(MAX_USD, "0")) for name in REAL_CLOUDS}


@pytest.fixture
def make_spec(request: pytest.FixtureRequest) -> MakeSpec:
    now = SystemClock().now()
    ground: Ground | None = None
    if "ground" in request.fixturenames:
        ground = request.getfixturevalue("ground")

    def make(**changes: Any) -> LaunchSpec:  # noqa: ANN401 - any field
        run_id = changes.pop("run_id", f"run-{uuid4().hex[:12]}")
        attempt = changes.get("attempt", 1)
        spec = LaunchSpec(
            run_id=run_id,
            attempt=attempt,
            token=f"{run_id}-{attempt}",
            region=REGION,
            machine_types=TYPES,
            count=2,
            min_count=2,
            created_at=now,
            expires_at=now + LIFETIME,
            owner="acme",
            commands=[[["sleep", "600"]]] * changes.get("count", 2),
            user_data="#!/bin/sh\necho load\n",
        )
        if ground is None:
            return replace(spec, **changes)
        spec = replace(spec, **{**ground.usual, **changes})
        ground.admit(spec)
        return spec

    return make


@pytest.fixture(scope="session")
def rehearsal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsed AWS in a process of its own."""
    server = start_rehearsal_server(
        tmp_path_factory.mktemp("rehearsal"), boot_s=0.2, shutdown_s=0.2, owner_pid=os.getpid()
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


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsed Azure in a process of its own."""
    folder = tmp_path_factory.mktemp("azure")
    server = start_azure_server(
        folder, boot_s=0.1, shutdown_s=0.1, group_s=0.1, owner_pid=os.getpid()
    )
    yield server
    server.stop()


@pytest.fixture
def manual_clock() -> ManualClock:
    """A clock whose waits take no time."""
    return ManualClock(SystemClock().now())


@pytest.fixture
def arm(manual_clock: ManualClock) -> RehearsedArm:
    """A rehearsed Azure in this process, where nothing comes or goes at once."""

    def now_s() -> float:
        return manual_clock.now().timestamp()

    pace = AzurePace(boot_s=3.0, shutdown_s=2.0, visible_s=1.0, linger_s=1.0, group_s=2.0)
    return RehearsedArm(now_s, pace)


@pytest.fixture
def azure(arm: RehearsedArm, manual_clock: ManualClock) -> AzureProvider:
    """Azure's provider before an Azure where all goes well."""
    return azure_provider_in_process(arm, manual_clock)


@pytest.fixture
def make_azure_spec(make_spec: MakeSpec, manual_clock: ManualClock) -> MakeSpec:
    """Writes a launch on Azure, of one size."""

    def make(**changes: Any) -> LaunchSpec:  # noqa: ANN401 - any field
        now = manual_clock.now()
        wish = {
            "region": AZURE_REGION,
            "machine_types": AZURE_TYPES[:1],
            "created_at": now,
            "expires_at": now + timedelta(minutes=10),
        }
        return make_spec(**(wish | changes))

    return make


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every provider in turn; where something has to go wrong on request, none that is real."""
    if "ground" in metafunc.fixturenames:
        is_real_wanted = metafunc.config.getoption("--cloud")
        needs_scarcity = "scarce_ground" in metafunc.fixturenames
        real = list(REAL_CLOUDS) if is_real_wanted and not needs_scarcity else []
        metafunc.parametrize("ground", [*PLAYABLE, *real], indirect=True)


@pytest.fixture
def ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A provider of the contract."""
    if request.param in REAL_CLOUDS:
        yield from _real_ground(request.getfixturevalue("real_caps")[request.param])
    else:
        yield from _playable_ground(request)


@pytest.fixture
def scarce_ground(ground: Ground) -> Ground:
    """A provider whose machines can be made impossible."""
    return ground


def _playable_ground(request: pytest.FixtureRequest) -> Iterator[Ground]:
    match request.param:
        case "local":
            folder = request.getfixturevalue("tmp_path") / "machines"
            yield _local_ground(request.getfixturevalue("local"), folder)
        case "rehearsed AWS":
            yield _aws_ground(request.getfixturevalue("rehearsal"), request.getfixturevalue("aws"))
        case "rehearsed Azure":
            server = request.getfixturevalue("azure_server")
            server.clear()
            provider = azure_rehearsal_provider(server.endpoint_url, HurriedClock(5.0))
            yield _azure_ground(server.endpoint_url, provider, server.inject)
            server.clear()
        case _:
            yield from _azure_ground_in_process()


def _azure_ground_in_process() -> Iterator[Ground]:
    """An Azure in this process, which other processes reach over loopback."""
    clock = ManualClock(SystemClock().now())

    def now_s() -> float:
        # It goes on by itself too, for those who wait on another clock.
        return clock.now().timestamp() + time.monotonic()

    pace = AzurePace(boot_s=0.1, shutdown_s=0.1, visible_s=0.05, linger_s=0.05, group_s=0.05)
    arm = RehearsedArm(now_s, pace)
    listening = listen(arm, on_stop=lambda: None)
    provider = azure_provider_in_process(arm, clock)
    yield _azure_ground(listening.endpoint_url, provider, arm.world.add)
    listening.close()


def _real_ground(cap: Cap) -> Iterator[Ground]:
    """The account whose credentials the environment has; nothing is left in it."""
    cloud, now = cap.cloud, SystemClock().now()
    provider = cloud.open()
    ground = Ground(
        provider,
        cloud.region,
        cloud.machine_types,
        cloud.program,
        usual={
            "machine_types": cloud.machine_types[:1],
            "created_at": now,
            "expires_at": now + cloud.lifetime,
        },
        admit=cap.admit,
        gone_wait_s=cloud.gone_wait_s,
    )
    yield ground
    for run_id in cap.runs:
        provider.release(run_id, [cloud.region])
    for run_id in cap.runs:
        ground.wait_until_gone(run_id)
    cap.runs.clear()


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
    return Ground(provider, REGION, TYPES, program, leave)


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
    return Ground(provider, REGION, TYPES, program, leave)


def _azure_ground(
    endpoint_url: str, provider: AzureProvider, inject: Callable[[Fault], None]
) -> Ground:
    def leave(spec: LaunchSpec, available: int) -> None:
        for machine_type, number in zip(spec.machine_types, (available, 0), strict=True):
            inject(Fault(FaultKind.SHORT_CAPACITY, machine_type=machine_type, available=number))

    program = (
        "from kernel.clock import SystemClock\n"
        "from providers.rehearsal.azure_cloud import azure_rehearsal_provider\n"
        f"provider = azure_rehearsal_provider({endpoint_url!r}, SystemClock())\n"
    )
    return Ground(provider, AZURE_REGION, AZURE_TYPES, program, leave)
