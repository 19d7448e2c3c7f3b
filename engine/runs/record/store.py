"""What survives a crash: runs, their timelines, and who drives them.

Every change of state is one ``UPDATE`` that names the state it expects and the lease that allows
it, inside the transaction that also writes the books. A controller that lost its lease changes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, Engine, Row, bindparam, func, insert, or_, select, update

from engine.database import reading, transaction
from engine.load.driver import result_from_json
from engine.runs.leases.claims import IS_FREE, dead_holders, held_by
from engine.runs.leases.lease import Lease
from engine.runs.model.codec import (
    machine_from_json,
    order_from_json,
    order_to_json,
    sighting_from_json,
    sighting_to_json,
)
from engine.runs.model.errors import LeaseLostError, UnknownRunError
from engine.runs.model.sighting import Sighting
from engine.runs.model.states import Event, Outcome, Run, RunOrder, RunState
from engine.runs.model.tables import RUN_EVENTS, RUNS
from engine.runs.record.program_bundles import find_bundle
from engine.runs.record.result_tables import with_tables
from kernel.errors import RequestConflictError
from kernel.near_names import meant
from pricing.ledger.author import Author, BegunCommand
from pricing.ledger.command_log import note_command
from pricing.ledger.signing import sign

IDS_COMPARED_MAX = 1000
"""Of how many runs the ids are compared with one that there is not."""

_RUN = select(RUNS).where(RUNS.c.id == bindparam("of"))
_NEWEST_IDS = select(RUNS.c.id).order_by(RUNS.c.accepted_at.desc()).limit(IDS_COMPARED_MAX)
_TAKE = update(RUNS).where(
    RUNS.c.id == bindparam("of"), or_(RUNS.c.lease_owner == bindparam("me"), IS_FREE)
)
_LAST_EVENT = select(func.coalesce(func.max(RUN_EVENTS.c.seq), 0)).where(
    RUN_EVENTS.c.run_id == bindparam("of")
)
_ADD_EVENT = insert(RUN_EVENTS)


class RunStore:
    """Runs in a database; every method is one transaction unless it takes a connection."""

    def __init__(self, db: Engine) -> None:
        self._db = db

    def accept(
        self, conn: Connection, order: RunOrder, *, request_id: str | None, request_hash: str
    ) -> None:
        """Put a new run on record, in the transaction that reserves what it will cost."""
        conn.execute(
            insert(RUNS).values(
                id=order.run_id,
                account_id=order.account_id,
                request_id=request_id,
                request_hash=request_hash,
                order_document=order_to_json(order),
                accepted_at=order.accepted_at,
                state=RunState.ACCEPTED,
                reason="",
                attempt=0,
                machines=[],
                routes=[],
                other_endpoints={},
            )
        )
        self._append_event(conn, order.run_id, order.accepted_at, "accepted", "")

    def find_request(
        self, conn: Connection, account_id: str, request_id: str, request_hash: str
    ) -> str | None:
        """The run that the same request made before, if any.

        Raises:
            RequestConflictError: The id was used for something else.
        """
        row = conn.execute(
            select(RUNS.c.id, RUNS.c.request_hash).where(
                RUNS.c.account_id == account_id, RUNS.c.request_id == request_id
            )
        ).one_or_none()
        if row is None:
            return None
        if row.request_hash != request_hash:
            raise RequestConflictError(
                f"request id {request_id!r} was used for run {row.id}, which asked for something "
                "else; use a new id for a new request",
                request_id=request_id,
                run=row.id,
            )
        return str(row.id)

    def was_requested(self, conn: Connection, account_id: str, request_id: str) -> bool:
        """Whether a run was made under that id before, whatever it was."""
        query = select(RUNS.c.id).where(
            RUNS.c.account_id == account_id, RUNS.c.request_id == request_id
        )
        return conn.execute(query).one_or_none() is not None

    def load(self, run_id: str) -> Run:
        """One run as it is now.

        Raises:
            UnknownRunError: There is none with that id.
        """
        with reading(self._db) as conn:
            row = conn.execute(_RUN, {"of": run_id}).one_or_none()
            if row is None:
                ids = conn.execute(_NEWEST_IDS).scalars()
                raise UnknownRunError(
                    f"no run {run_id!r}{meant(run_id, ids)}; `loadmuster runs` lists the ids",
                    run=run_id,
                )
            run = _run_from(row)
            if run.result is not None:
                run = replace(run, result=with_tables(conn, run_id, run.result))
        return run

    def test_of(self, conn: Connection, run_id: str) -> str | None:
        """The name of the test that a run plays; None: the run is not on record any more."""
        query = select(RUNS.c.order_document).where(RUNS.c.id == run_id)
        document = conn.execute(query).scalar_one_or_none()
        return None if document is None else order_from_json(document).scenario.name

    def list(
        self,
        *,
        account_id: str | None = None,
        open_only: bool = False,
        open_since: datetime | None = None,
    ) -> Sequence[Run]:
        """Runs, newest first: of one account, those that are open, or that were at an instant."""
        query = select(RUNS).order_by(RUNS.c.accepted_at.desc(), RUNS.c.id)
        if account_id is not None:
            query = query.where(RUNS.c.account_id == account_id)
        if open_only:
            query = query.where(RUNS.c.state != RunState.ENDED)
        if open_since is not None:
            query = query.where(or_(RUNS.c.ended_at.is_(None), RUNS.c.ended_at >= open_since))
        with reading(self._db) as conn:
            return [_run_from(row) for row in conn.execute(query)]

    def program_bundle(self, key: str) -> bytes | None:
        """The packed files of a scenario's program; None: they are not on record."""
        return find_bundle(self._db, key)

    def timeline(self, run_id: str) -> Sequence[Event]:
        """The run's events in the order in which they were written."""
        query = select(RUN_EVENTS).where(RUN_EVENTS.c.run_id == run_id).order_by(RUN_EVENTS.c.seq)
        with reading(self._db) as conn:
            return [Event(row.at, row.name, row.detail) for row in conn.execute(query)]

    def request_cancel(self, run_id: str, at: datetime, author: Author | None = None) -> bool:
        """Ask for the run's end; False if it was asked before, or the run has ended.

        Args:
            run_id: The run.
            at: By the run's clock.
            author: Who asks, for the log; None: that is not kept.
        """
        command = BegunCommand("run cancel", {"run": run_id})
        with transaction(self._db) as conn:
            if author is not None:
                sign(conn, author, command)
            account = select(RUNS.c.account_id).where(RUNS.c.id == run_id)
            changed = conn.execute(
                update(RUNS)
                .where(
                    RUNS.c.id == run_id, RUNS.c.cancel_at.is_(None), RUNS.c.state != RunState.ENDED
                )
                .values(cancel_at=at)
            )
            if changed.rowcount:
                self._append_event(conn, run_id, at, "cancel requested", "")
                note_command(conn, conn.execute(account).scalar_one(), command, at=at)
            return bool(changed.rowcount)

    def cancel_requested(self, conn: Connection, run_id: str) -> bool:
        """Whether the run's end was asked for; holds the row until the transaction ends."""
        query = select(RUNS.c.cancel_at).where(RUNS.c.id == run_id).with_for_update()
        return conn.execute(query).scalar_one() is not None

    def set_endpoint(self, run_id: str, endpoint: str) -> None:
        """Where the rehearsal's cloud is now, or the bucket that the injectors meet in."""
        with transaction(self._db) as conn:
            conn.execute(update(RUNS).where(RUNS.c.id == run_id).values(endpoint=endpoint))

    def set_other_endpoint(self, run_id: str, provider: str, endpoint: str) -> None:
        """Where another cloud of the run is reached: the rehearsal, or whose account it is."""
        one = RUNS.c.id == run_id
        query = select(RUNS.c.other_endpoints).where(one).with_for_update()
        with transaction(self._db) as conn:
            known = conn.execute(query).scalar_one()
            changed = {**known, provider: endpoint}
            conn.execute(update(RUNS).where(one).values(other_endpoints=changed))

    def advance(
        self,
        conn: Connection,
        run: Run,
        lease: Lease,
        to: RunState,
        at: datetime,
        event: str,
        detail: str = "",
        **changes: object,
    ) -> None:
        """Move the run on and write the timeline, inside the caller's transaction.

        Raises:
            LeaseLostError: Somebody else drives the run, or has moved it.
        """
        changed = conn.execute(
            update(RUNS)
            .where(
                RUNS.c.id == run.id, RUNS.c.state == run.state, RUNS.c.lease_owner == lease.owner
            )
            .values(state=to, **changes)
        )
        if changed.rowcount != 1:
            raise LeaseLostError(f"run {run.id} is driven by another controller", run=run.id)
        self._append_event(conn, run.id, at, event, detail)

    def acquire(
        self, run_id: str, lease: Lease, now: datetime, *, seen: Sighting | None = None
    ) -> bool:
        """Take or renew the lease; False while a living controller holds it.

        Args:
            run_id: The run.
            lease: Whose, and for how long.
            now: By the machine's clock, not the run's.
            seen: What the holder has just seen of the run, kept for others.
        """
        look = {} if seen is None else {"last_seen": sighting_to_json(seen)}
        with transaction(self._db) as conn:
            known = {
                "of": run_id,
                "me": lease.owner,
                "now": now,
                "dead": dead_holders(conn, run_id),
            }
            return conn.execute(_TAKE, {**known, **held_by(lease, now), **look}).rowcount == 1

    def release_lease(self, run_id: str, lease: Lease, now: datetime) -> None:
        """Let go of a run, if it is still held; ``now`` by the machine's clock is kept."""
        with transaction(self._db) as conn:
            conn.execute(
                update(RUNS)
                .where(RUNS.c.id == run_id, RUNS.c.lease_owner == lease.owner)
                .values(lease_owner=None, lease_until=now)
            )

    @staticmethod
    def _append_event(conn: Connection, run_id: str, at: datetime, name: str, detail: str) -> None:
        last = conn.execute(_LAST_EVENT, {"of": run_id}).scalar_one()
        event = {"run_id": run_id, "seq": last + 1, "at": at, "name": name, "detail": detail}
        conn.execute(_ADD_EVENT, event)


def _run_from(row: Row[Any]) -> Run:
    return Run(
        order=order_from_json(row.order_document),
        state=RunState(row.state),
        cancel_at=row.cancel_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        reason=row.reason,
        attempt=row.attempt,
        intent_at=row.intent_at,
        launched_at=row.launched_at,
        load_started_at=row.load_started_at,
        release_at=row.release_at,
        ended_at=row.ended_at,
        machines=tuple(machine_from_json(each) for each in row.machines),
        result=None if row.result is None else result_from_json(row.result),
        endpoint=row.endpoint,
        other_endpoints=row.other_endpoints,
        routes=tuple(tuple(route) for route in row.routes),
        last_seen=None if row.last_seen is None else sighting_from_json(row.last_seen),
    )
