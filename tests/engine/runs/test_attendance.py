"""Runs that nobody drives are told, with since when."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from engine.runs.leases.attendance import unattended_runs
from engine.runs.leases.lease import TERM_S, Lease
from engine.scenario import Scenario

if TYPE_CHECKING:
    from tests.engine.runs.conftest import Lab

REAL_NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ELSEWHERE = Lease("another-host/1/0.00/a")
DEAD_HERE = Lease(f"{socket.gethostname()}/4194304/0.00/a")


def test_one_that_waits_for_a_controller_is_unattended_since_it_was_accepted(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)

    assert unattended_runs(lab.engine._context.db, REAL_NOW) == {run.id: run.order.accepted_at}


def test_one_that_a_controller_holds_is_attended_until_its_lease_runs_out(
    lab: Lab, checkout: Scenario
) -> None:
    run = lab.accept(checkout)
    store = lab.engine.runs.store
    assert store.acquire(run.id, ELSEWHERE, REAL_NOW)
    out_at = REAL_NOW + timedelta(seconds=TERM_S)

    assert unattended_runs(lab.engine._context.db, out_at - timedelta(seconds=1)) == {}
    assert unattended_runs(lab.engine._context.db, out_at + timedelta(hours=1)) == {run.id: out_at}


@pytest.mark.promise("unattended-is-said", command=("runs", "show"))
def test_one_whose_controller_let_go_of_it_or_died_here_is_unattended_since_then(
    lab: Lab, checkout: Scenario
) -> None:
    let_go, died = lab.accept(checkout), lab.accept(checkout)
    store = lab.engine.runs.store
    assert store.acquire(let_go.id, ELSEWHERE, REAL_NOW)
    store.release_lease(let_go.id, ELSEWHERE, REAL_NOW + timedelta(seconds=5))
    assert store.acquire(died.id, DEAD_HERE, REAL_NOW + timedelta(seconds=2))

    assert unattended_runs(lab.engine._context.db, REAL_NOW + timedelta(seconds=9)) == {
        let_go.id: REAL_NOW + timedelta(seconds=5),
        died.id: REAL_NOW + timedelta(seconds=2),
    }
    assert list(unattended_runs(lab.engine._context.db, REAL_NOW, run_id=died.id)) == [died.id]


def test_one_that_has_ended_needs_nobody(lab: Lab, checkout: Scenario) -> None:
    run = lab.accept(checkout)
    lab.drive(run)

    assert unattended_runs(lab.engine._context.db, REAL_NOW) == {}
    assert lab.engine.runs.show(run.id).unattended_since is None
