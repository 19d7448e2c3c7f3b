"""Deliberate bugs of the orchestration; the simulator must find each of them soon."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace
from sqlalchemy import Connection, update

from engine.runs import controller, decide
from engine.runs.decide import Action, BeginRelease, End, Observed, Release, Wait
from engine.runs.launching import launches
from engine.runs.leases.lease import Lease
from engine.runs.model.states import Limits, Run, RunOrder, RunState
from engine.runs.model.tables import RUNS
from engine.runs.record.store import RunStore
from pricing.run_charges import charges

Bug = AbstractContextManager[Any]
Decide = Callable[[Run, Observed, datetime, Limits, datetime | None], Action]


def _decide(change: Callable[[Decide], Decide]) -> Bug:
    return patch.object(controller, "decide", change(decide.decide))


def forgets_the_token() -> Bug:
    """Every create call is another wish, so one that is sent again launches again."""
    return patch.object(launches, "launch_token", lambda *_: secrets.token_hex(20))


def ends_before_the_release_is_proven() -> Bug:
    """The release was accepted, so the machines must be gone."""

    def change(right: Decide) -> Decide:
        def wrong(
            run: Run, seen: Observed, now: datetime, limits: Limits, since: datetime | None = None
        ) -> Action:
            action = right(run, seen, now, limits, since)
            asked = run.state is RunState.RELEASING and isinstance(action, Wait)
            return End(run.outcome, run.reason) if asked and run.outcome else action

        return wrong

    return _decide(change)


def writes_the_end_first() -> Bug:
    """The terminal state comes first and the release after it, which then nobody does."""

    def change(right: Decide) -> Decide:
        def wrong(
            run: Run, seen: Observed, now: datetime, limits: Limits, since: datetime | None = None
        ) -> Action:
            action = right(run, seen, now, limits, since)
            if isinstance(action, BeginRelease):
                return End(action.outcome, action.reason)
            return action

        return wrong

    return _decide(change)


def takes_not_seen_for_gone() -> Bug:
    """No machine is shown right after a launch without answer, so there is none."""

    def change(right: Decide) -> Decide:
        def wrong(
            run: Run, seen: Observed, now: datetime, limits: Limits, since: datetime | None = None
        ) -> Action:
            if run.state is RunState.RELEASING and not seen.machines and run.outcome:
                return End(run.outcome, run.reason)
            return right(run, seen, now, limits, since)

        return wrong

    return _decide(change)


def believes_the_store() -> Bug:
    """What is on record is what exists."""

    def change(right: Decide) -> Decide:
        def wrong(
            run: Run, seen: Observed, now: datetime, limits: Limits, since: datetime | None = None
        ) -> Action:
            known = {machine.machine_id for machine in run.machines}
            machines = tuple(each for each in seen.machines if each.machine_id in known)
            if run.state is RunState.RELEASING and not machines and run.outcome:
                return End(run.outcome, run.reason)
            return right(run, replace(seen, machines=machines), now, limits, since)

        return wrong

    return _decide(change)


def asks_for_the_release_once() -> Bug:
    """A release that was asked for is not asked for again."""

    def change(right: Decide) -> Decide:
        def wrong(
            run: Run, seen: Observed, now: datetime, limits: Limits, since: datetime | None = None
        ) -> Action:
            action = right(run, seen, now, limits, since)
            again = run.release_at is not None and now > run.release_at
            return Wait() if isinstance(action, Release) and again else action

        return wrong

    return _decide(change)


def looks_in_the_first_region_only() -> Bug:
    """Machines that went elsewhere are not looked for."""
    first = property(lambda run: (run.order.placements[0].region,))
    return patch.object(Run, "regions", first)


def looks_in_the_first_cloud_only() -> Bug:
    """Machines that went to another cloud are not looked for."""
    right = vars(Run)["places"].fget
    first = property(lambda run: dict([*right(run).items()][:1]))
    return patch.object(Run, "places", first)


def launches_for_nothing() -> Bug:
    """The intent to launch is recorded without its charge."""
    return patch.object(charges, "charge_start", lambda *_, **__: None)


def keeps_the_reservation() -> Bug:
    """A run that is cancelled before its intent keeps what was reserved for it."""
    return patch.object(charges, "void_reservation", lambda *_, **__: None)


def moves_whatever_run_it_holds() -> Bug:
    """A change of state asks neither for the lease nor for the state that it starts from."""
    right = RunStore.advance

    def wrong(
        self: RunStore,
        conn: Connection,
        run: Run,
        lease: Lease,
        *move: Any,  # noqa: ANN401 - as the right one
        **changes: Any,  # noqa: ANN401 - and these too
    ) -> None:
        conn.execute(
            update(RUNS).where(RUNS.c.id == run.id).values(state=run.state, lease_owner=lease.owner)
        )
        right(self, conn, run, lease, *move, **changes)

    return patch.object(RunStore, "advance", wrong)


def lets_machines_live_for_ever() -> Bug:
    """No machine carries a dead man that means it."""

    def wrong(self: Limits, order: RunOrder, intent_at: datetime) -> datetime:
        del self, order
        return intent_at.replace(year=intent_at.year + 1)

    return patch.object(Limits, "expires_at", wrong)


BUGS: Mapping[str, Callable[[], Bug]] = {
    bug.__name__.replace("_", " "): bug
    for bug in (
        forgets_the_token,
        ends_before_the_release_is_proven,
        writes_the_end_first,
        takes_not_seen_for_gone,
        believes_the_store,
        asks_for_the_release_once,
        looks_in_the_first_region_only,
        looks_in_the_first_cloud_only,
        launches_for_nothing,
        keeps_the_reservation,
        moves_whatever_run_it_holds,
        lets_machines_live_for_ever,
    )
}
