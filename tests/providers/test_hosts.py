"""Rehearsed machines with insides: they boot, end when told to, and obey their dead man."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from kernel.clock import SystemClock
from providers.aws.boot import boot_script
from providers.azure import Connection
from providers.azure.boot import boot_script as azure_boot_script
from providers.contract import LaunchSpec
from providers.rehearsal.azure_account import SUBSCRIPTION
from providers.rehearsal.azure_session import RehearsedCredential
from providers.rehearsal.hosts import Hosts, parts_of
from tests.patience import until

STUBBORN = "#!/bin/sh\ntrap '' TERM\necho up > up\nwhile :; do sleep 1; done\n"


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(tmp_path / "machines")
    yield made
    made.end()


def on(hosts: Hosts) -> list[psutil.Process]:
    """What runs in the machines' folders."""
    return [
        process
        for process in psutil.process_iter(["cwd"])
        if (process.info["cwd"] or "").startswith(str(hosts.folder))
    ]


def spec(user_data: str, lifetime_s: float) -> LaunchSpec:
    now = SystemClock().now()
    return LaunchSpec(
        run_id="r1",
        attempt=1,
        token="t",  # noqa: S106 - no secret
        region="eu-west-1",
        machine_types=("c7i.large",),
        count=1,
        min_count=1,
        created_at=now,
        expires_at=now + timedelta(seconds=lifetime_s),
        owner="acme",
        user_data=user_data,
    )


def test_a_machine_runs_what_it_boots_in_a_folder_and_under_a_name_of_its_own(
    hosts: Hosts,
) -> None:
    script = '#!/bin/sh\necho "$LOADMUSTER_MACHINE in $PWD" > said\nsleep 600\n'
    hosts.define("i-1", boot_script(spec(script, 600)))
    hosts.power_on("i-1")
    said = hosts.folder / "i-1" / "said"
    until(said.exists)
    until(said.read_text)
    assert said.read_text() == f"i-1 in {hosts.folder / 'i-1'}\n"
    assert not hosts.is_off("i-1")
    hosts.power_off("i-1")
    until(lambda: hosts.is_off("i-1"))
    assert on(hosts) == []


def test_what_does_not_end_when_told_is_killed(hosts: Hosts) -> None:
    hosts.define("i-1", STUBBORN)
    hosts.power_on("i-1")
    until((hosts.folder / "i-1" / "up").exists)
    hosts.power_off("i-1")
    until(lambda: hosts.is_off("i-1"))
    assert on(hosts) == []


def test_the_dead_man_ends_a_machine_that_nobody_asks_for(hosts: Hosts) -> None:
    hosts.define("i-1", boot_script(spec("#!/bin/sh\nsleep 600\n", lifetime_s=2)))
    hosts.power_on("i-1")
    until(lambda: hosts.powered_themselves_off() == ("i-1",))
    until(lambda: on(hosts) == [])


def test_azures_dead_man_keeps_to_its_own_machine_and_ends_it(hosts: Hosts) -> None:
    connection = Connection(SUBSCRIPTION, RehearsedCredential())
    user_data = "#!/bin/sh\necho /run/x > said\nsleep 600\n"
    for name, lifetime_s in (("vm-1", 2.0), ("vm-2", 600.0)):
        hosts.define(name, azure_boot_script(spec(user_data, lifetime_s), connection))
        hosts.power_on(name)
    until(lambda: hosts.powered_themselves_off() == ("vm-1",))
    for name in ("vm-1", "vm-2"):
        dead_man = hosts.folder / name / "run" / "loadmuster-dead-man"
        assert dead_man.read_text() == "shutdown -h now\n"
        assert (hosts.folder / name / "said").read_text() == "/run/x\n", "its work is untouched"
    assert not hosts.is_off("vm-2")


def test_a_machine_that_boots_no_script_has_no_insides(hosts: Hosts) -> None:
    hosts.define("i-1", boot_script(spec("", 600)))
    hosts.power_on("i-1")
    assert hosts.is_off("i-1")
    assert not hosts.folder.exists()


def test_parts_are_read_as_cloud_init_reads_them() -> None:
    kinds = [kind for kind, _ in parts_of(boot_script(spec("#!/bin/sh\n:\n", 600)))]
    assert kinds == ["text/cloud-boothook", "text/x-shellscript"]
