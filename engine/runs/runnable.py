"""What is refused before anything is put on record: runs that could not be, or must not be."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection

from engine.clouds import LOCAL
from engine.load.checks import check_engine
from engine.load.checks import check_runnable as check_load
from engine.readers.program.locustfile_check import check_locustfile
from engine.runs.model.states import Run
from engine.runs.targets import check_target, host_of, is_this_computer
from engine.scenario import Scenario
from kernel.errors import BadInputError, LoadmusterError


def check_runnable(scenario: Scenario, provider: str, *, rehearsal: bool, puts_load: bool) -> None:
    """Refuse what cannot run, before anything is put on record.

    Raises:
        BadInputError: The provider cannot run this, or the load engine is missing.
    """
    if puts_load:
        check_load(scenario)
        check_engine(scenario, on_this_computer=provider == LOCAL)
        check_locustfile(scenario.program, os.environ)
    if puts_load and rehearsal:
        _check_on_this_computer(scenario)


def real_run_refused_because(conn: Connection, run: Run) -> str | None:
    """Why a real run of what was rehearsed would be refused now, although its rehearsal is not.

    A rehearsal without load needs no target, and a host that the account has not allowed is not
    loaded by one. None: a real run would be accepted, as far as that goes, or the run is real.
    """
    if not run.order.rehearsal:
        return None
    scenario = run.order.scenario
    try:
        check_load(scenario)
        check_target(conn, run.order.account_id, scenario.target)
    except LoadmusterError as refusal:
        return str(refusal)
    return None


def _check_on_this_computer(scenario: Scenario) -> None:
    """Rehearsed machines are this computer, so what they load must be this computer too."""
    host = host_of(scenario.target)
    if not is_this_computer(host):
        raise BadInputError(
            f"target: {host!r} is not this computer; a dry run with load may only load a target on "
            "loopback, such as http://127.0.0.1:8080",
            target=host,
        )


def check_folder(folder: Path) -> None:
    """Refuse a run whose files could not be written; makes the folder if it is missing.

    Raises:
        BadInputError: The folder cannot be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = None if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise BadInputError(
            f"runs keep their files in {folder}, which cannot be written: {reason}; make it "
            "writable, or name a database beside which there is room",
            folder=str(folder),
        )
