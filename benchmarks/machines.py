"""A thousand machines launched and released, against the same calls made bare with boto3."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, peak_kib, seconds, shown
from kernel.clock import SystemClock
from providers.aws import AwsProvider
from providers.aws.inventory import ENDLESS_STATES, PAGE_SIZE, STATES
from providers.contract import RUN_TAG, LaunchSpec
from providers.rehearsal.aws_cloud import Rehearsal, aws_rehearsal_provider, start_rehearsal_server

REGION = "us-east-1"
READING = ("Describe", "Get", "List")
OBJECTS = "s3"
LOOK_S = 0.1
LOOKS_MAX = 600
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many machines, and how often."""

    machines: int = 1_000
    rounds: int = 1


def figures(sizes: Sizes = Sizes()) -> list[Figure]:
    """Wall time against bare calls, calls that change something, and memory."""
    rounds = [
        (_alone("ours", sizes.machines), _alone("bare", sizes.machines))
        for _ in range(sizes.rounds)
    ]
    ours_s, bare_s = (
        statistics.median(each.wall_s for each in side) for side in zip(*rounds, strict=True)
    )
    ratio = statistics.median(ours.wall_s / bare.wall_s for ours, bare in rounds)
    changing = rounds[-1][0].changing
    memory_mib = max(ours.peak_kib for ours, _ in rounds) / 1_024
    machines = f"{sizes.machines:,} machines"
    return [
        Figure(
            f"{machines} launched, and released until gone, on a rehearsed AWS",
            shown(ours_s),
            f"the same calls bare with boto3, {shown(bare_s)}",
            ratio,
            "at most 1.15",
        ),
        Figure(
            f"calls that change something for {machines} in one region",
            ", ".join(changing),
            "one region, launch to release",
            len(changing),
            "at most 4",
        ),
        Figure(
            f"memory of the process that launched {machines}",
            f"{memory_mib:.0f} MiB",
            "200 MB",
            memory_mib * 2**20 / 200e6,
            "at most 1",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch and release.

    Attributes:
        wall_s: How long it took.
        peak_kib: Most memory of its process.
        changing: The calls that changed something.
    """

    wall_s: float
    peak_kib: int
    changing: tuple[str, ...] = ()


def _alone(how: str, machines: int) -> Launch:
    """In a process of its own, whose memory nothing else has filled."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.machines", how, str(machines)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    return Launch(**json.loads(done.stdout))


def _launch_ours(machines: int) -> Launch:
    """Through the adapter, on a cloud of its own.

    A rehearsed cloud remembers the machines that are gone, and is slower after every launch.
    """
    with _rehearsal() as rehearsal:
        provider = aws_rehearsal_provider(rehearsal.endpoint_url, SystemClock())
        _through_the_adapter(provider, _spec("warm-up", 1))
        rehearsal.clear()
        wall_s = seconds(lambda: _through_the_adapter(provider, _spec("bench", machines)))
        return Launch(
            wall_s,
            peak_kib(),
            tuple(
                each.action
                for each in rehearsal.requests()
                if each.service != OBJECTS and not each.action.startswith(READING)
            ),
        )


def _launch_bare(machines: int) -> Launch:
    """The same calls without the adapter, on a cloud of its own."""
    with _rehearsal() as rehearsal:
        provider = aws_rehearsal_provider(rehearsal.endpoint_url, SystemClock())
        # It also leaves a launch template behind.
        _through_the_adapter(provider, _spec("warm-up", 1))
        client = provider._clients.ec2(REGION)  # noqa: SLF001 - the same client, bare
        return Launch(seconds(lambda: _bare(client, machines)), peak_kib())


def _spec(run_id: str, machines: int) -> LaunchSpec:
    now = SystemClock().now()
    return LaunchSpec(
        run_id=run_id,
        attempt=1,
        token=run_id,
        region=REGION,
        machine_types=("c7i.large",),
        count=machines,
        min_count=machines,
        created_at=now,
        expires_at=now + timedelta(minutes=30),
        owner="acme",
    )


def _through_the_adapter(provider: AwsProvider, spec: LaunchSpec) -> None:
    launched = provider.launch(spec)
    assert len(launched) == spec.count
    provider.release(spec.run_id, [REGION])
    _until(lambda: not provider.observe(spec.run_id, [REGION]))


def _bare(client: Any, machines: int) -> None:  # noqa: ANN401 - boto3's
    """The calls that the adapter makes, by hand."""
    spec = _spec("bare", machines)
    template = client.describe_launch_templates()["LaunchTemplates"][0]["LaunchTemplateName"]
    subnets = client.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])
    client.describe_instance_types(InstanceTypes=["c7i.large"])
    tags = [{"Key": key, "Value": value} for key, value in spec.tags().items()]
    answer = client.create_fleet(
        Type="instant",
        ClientToken=spec.token,
        TargetCapacitySpecification={
            "TotalTargetCapacity": machines,
            "DefaultTargetCapacityType": "on-demand",
        },
        LaunchTemplateConfigs=[
            {
                "LaunchTemplateSpecification": {"LaunchTemplateName": template, "Version": "1"},
                "Overrides": [
                    {"InstanceType": "c7i.large", "SubnetId": subnet["SubnetId"]}
                    for subnet in subnets["Subnets"]
                ],
            }
        ],
        TagSpecifications=[
            {"ResourceType": kind, "Tags": tags}
            for kind in ("fleet", "instance", "volume", "network-interface")
        ],
    )
    assert len(_described(client, spec.run_id)) == machines
    _described(client, spec.run_id)
    client.delete_fleets(FleetIds=[answer["FleetId"]], TerminateInstances=True)
    # For those that the fleet left behind.
    _described(client, spec.run_id, ENDLESS_STATES)
    _until(lambda: not _described(client, spec.run_id))


def _described(
    client: Any,  # noqa: ANN401 - boto3's
    run_id: str,
    states: Collection[str] = STATES.keys(),
) -> list[str]:
    """Ids of the run's machines in these states, page by page."""
    pages = client.get_paginator("describe_instances").paginate(
        Filters=[
            {"Name": f"tag:{RUN_TAG}", "Values": [run_id]},
            {"Name": "instance-state-name", "Values": sorted(states)},
        ],
        PaginationConfig={"PageSize": PAGE_SIZE},
    )
    return [
        instance["InstanceId"]
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(LOOKS_MAX):
        if holds():
            return
        time.sleep(LOOK_S)
    raise TimeoutError("the machines did not go")


@contextmanager
def _rehearsal() -> Iterator[Rehearsal]:
    with tempfile.TemporaryDirectory(prefix="lm-bench-") as folder:
        rehearsal = start_rehearsal_server(Path(folder), boot_s=0.0, shutdown_s=0.0)
        try:
            yield rehearsal
        finally:
            rehearsal.stop()


if __name__ == "__main__":
    launch = {"ours": _launch_ours, "bare": _launch_bare}[sys.argv[1]]
    print(json.dumps(asdict(launch(int(sys.argv[2])))))
