"""Machines of a rehearsed Azure that have insides: they boot with the VM and end with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from kernel.clock import ManualClock
from providers.azure import AzureProvider
from providers.contract import LaunchSpec, MachineState
from providers.rehearsal import hosts as hosts_module
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import azure_provider_in_process
from providers.rehearsal.azure_things import AzurePace
from providers.rehearsal.faults import Fault, FaultKind
from providers.rehearsal.hosts import Hosts
from tests.patience import until

MakeSpec = Callable[..., LaunchSpec]
STUBBORN = "#!/bin/sh\ntrap '' TERM\n: > up\nwhile :; do sleep 0.2; done\n"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(tmp_path / "machines")
    yield made
    made.end()


@pytest.fixture
def housed(hosts: Hosts, manual_clock: ManualClock) -> tuple[RehearsedArm, AzureProvider]:
    """An Azure whose machines boot, on a clock that moves only when somebody waits on it."""
    pace = AzurePace(boot_s=3.0, shutdown_s=2.0, visible_s=1.0, linger_s=1.0, group_s=2.0)
    arm = RehearsedArm(lambda: manual_clock.now().timestamp(), pace, hosts)
    return arm, azure_provider_in_process(arm, manual_clock)


def on(hosts: Hosts) -> list[psutil.Process]:
    """What runs in the machines' folders."""
    return [
        process
        for process in psutil.process_iter(["cwd"])
        if (process.info["cwd"] or "").startswith(str(hosts.folder))
    ]


def test_a_group_is_gone_only_when_nothing_runs_on_its_machines_any_more(
    housed: tuple[RehearsedArm, AzureProvider],
    hosts: Hosts,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, provider = housed
    spec = make_azure_spec(count=1, min_count=1, user_data=STUBBORN)
    (machine,) = provider.launch(spec)
    up = hosts.folder / machine.machine_id / "up"
    until(up.exists)

    monkeypatch.setattr(hosts_module, "KILL_AFTER_S", 600.0)
    provider.release(spec.run_id, [spec.region])
    manual_clock.sleep(600)
    assert on(hosts)
    (going,) = provider.observe(spec.run_id, [spec.region])
    assert going.state is MachineState.STOPPING

    for process in on(hosts):
        process.kill()
    until(lambda: provider.observe(spec.run_id, [spec.region]) == ())
    assert on(hosts) == []


def test_a_machine_that_powers_itself_off_stays_until_somebody_deletes_it(
    housed: tuple[RehearsedArm, AzureProvider],
    hosts: Hosts,
    manual_clock: ManualClock,
    make_azure_spec: MakeSpec,
) -> None:
    _, provider = housed
    spec = make_azure_spec(count=1, min_count=1, user_data="#!/bin/sh\nshutdown -h now\n")
    (machine,) = provider.launch(spec)
    until((hosts.folder / machine.machine_id / "off").exists)
    until(lambda: on(hosts) == [])
    manual_clock.sleep(600)
    assert [one.is_up for one in provider.observe(spec.run_id, [spec.region])] == [True]

    provider.release(spec.run_id, [spec.region])
    manual_clock.sleep(600)
    until(lambda: provider.observe(spec.run_id, [spec.region]) == ())


def test_a_machine_that_azure_could_not_give_boots_nothing(
    housed: tuple[RehearsedArm, AzureProvider], hosts: Hosts, make_azure_spec: MakeSpec
) -> None:
    arm, provider = housed
    arm.world.add(Fault(FaultKind.SHORT_CAPACITY, available=1))
    spec = make_azure_spec(count=2, min_count=1, user_data="#!/bin/sh\n: > up\nsleep 600\n")
    (machine,) = provider.launch(spec)
    until((hosts.folder / machine.machine_id / "up").exists)
    assert [folder.name for folder in hosts.folder.iterdir()] == [machine.machine_id]
