"""From a run to its load and its create calls, with tokens that never change."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from engine.load.driver import InjectorGroup, LoadTask, MachineWork
from engine.runs.launching.fallback import TRIES_MAX
from engine.runs.model.states import Limits, Placement, Run
from providers.contract import LaunchSpec, Machine, MachineState


def launch_token(run_id: str, attempt: int, placement: Placement) -> str:
    """The idempotency token of one create call: the same wish always has the same token.

    A new attempt has a new token, since a cloud answers an old one with machines that may be gone;
    another region, type or count has one too, since the same token with other content is an error.
    """
    wish = "|".join(
        [
            run_id,
            str(attempt),
            placement.region,
            ",".join(placement.machine_types),
            str(placement.count),
        ]
    )
    return hashlib.sha256(wish.encode()).hexdigest()[:40]


def launch_specs(run: Run, work: MachineWork, limits: Limits) -> Iterator[LaunchSpec]:
    """The create calls of the run's placements; machines take their commands in order.

    An attempt is one try of one placement: no two of a run have the same number, so that machines
    of different tries are told apart by their tags.
    """
    assert run.intent_at is not None, "machines are launched only after the intent is on record"
    first = 0
    for number, placement in enumerate(run.placements):
        attempt = number * TRIES_MAX + len(run.all_routes[number])
        yield LaunchSpec(
            run_id=run.id,
            attempt=attempt,
            token=launch_token(run.id, attempt, placement),
            region=placement.region,
            machine_types=placement.machine_types,
            count=placement.count,
            min_count=run.order.least_of(placement.count),
            created_at=run.intent_at,
            expires_at=limits.expires_at(run.order, run.intent_at),
            owner=run.order.account_id,
            commands=work.commands[first : first + placement.count],
            user_data=work.user_data[number] if work.user_data else "",
            spot=run.order.spot,
        )
        first += placement.count


def launched_words(run: Run, machines: Sequence[Machine]) -> str:
    """How many came of how many, for people; by cloud where the run has gone to another."""
    words = f"{len(machines)} of {run.machines_planned} machines"
    by_provider = Counter(run.provider_of(machine.region) for machine in machines)
    if set(by_provider) <= {run.order.provider}:
        return words
    return f"{words}: " + ", ".join(f"{count} on {name}" for name, count in by_provider.items())


def load_task(
    run: Run, machines: Sequence[Machine], limits: Limits, folder: Path, now: datetime
) -> LoadTask:
    """The run's load, as its driver is told of it.

    Args:
        run: As it is on record.
        machines: As they are observed.
        limits: How long each phase may take.
        folder: Under which each run has a folder of its own.
        now: When they were observed.
    """
    # A place that refused may still show what is left of the try there.
    up = sum(machine.state is MachineState.RUNNING for machine in machines)
    all_up = up == run.machines_wanted
    return LoadTask(
        run_id=run.id,
        scenario=run.order.scenario,
        groups=tuple(InjectorGroup(each.count, each.users) for each in run.placements),
        folder=folder / run.id,
        time_scale=run.order.time_scale,
        started_at=run.load_started_at or (now if all_up else None),
        lifetime_s=limits.lifetime_s(run.order),
        machines=run.machines_wanted,
        injectors_min=run.order.least_of(run.machines_planned),
        late_at=limits.late_at(run),
    )
