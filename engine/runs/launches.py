"""From a run to the create calls: one specification a region, with a token that never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from engine.load.driver import MachineWork
from engine.runs.states import Limits, Placement, Run
from providers.contract import LaunchSpec


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
    """The create calls of the run's present attempt; machines take their commands in order."""
    assert run.intent_at is not None, "machines are launched only after the intent is on record"
    first = 0
    for number, placement in enumerate(run.order.placements):
        yield LaunchSpec(
            run_id=run.id,
            attempt=run.attempt,
            token=launch_token(run.id, run.attempt, placement),
            region=placement.region,
            machine_types=placement.machine_types,
            count=placement.count,
            min_count=placement.count,
            created_at=run.intent_at,
            expires_at=limits.expires_at(run.order, run.intent_at),
            owner=run.order.account_id,
            commands=work.commands[first : first + placement.count],
            user_data=work.user_data[number] if work.user_data else "",
            spot=run.order.spot,
        )
        first += placement.count
