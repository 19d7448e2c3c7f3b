"""Runs as they are on record: shown, listed, and who drives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.commands.run_figures import left_out_because
from engine.runs.model.states import Run
from kernel.clock import SystemClock

if TYPE_CHECKING:
    from engine.load.logs import InjectorLog
    from engine.runs.record.store import RunStore
    from engine.runs.view import RunView


@checked
class RecordedRunCommands:
    """Looking at runs; nothing of them is changed."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    @property
    def store(self) -> RunStore:
        """The runs as they are on record."""
        return self._context.store

    @property
    def folder(self) -> Path:
        """Where runs keep their files, and what marks this installation's local machines."""
        return self._context.folder

    def show(self, run_id: str) -> RunView:
        """The run with its timeline and its bill."""
        from engine.runs.runnable import real_run_refused_because
        from engine.runs.view import RunView
        from pricing.run_charges.books import books_of

        run = self.store.load(run_id)
        with self._context.reading() as conn:
            bill = books_of(conn, run_id).bill_of(conn, run_id)
            refused_because = real_run_refused_because(conn, run)
        return RunView(
            run,
            self.store.timeline(run_id),
            bill,
            self.unattended(run_id).get(run_id),
            left_out_because(run),
            refused_because,
        )

    def logs(
        self, run_id: str, *, injector: int | None = None, tail: int = 40
    ) -> Sequence[InjectorLog]:
        """The end of what the run's injectors wrote, printable and bounded.

        Injectors on this computer write while load is on; those of clouds leave their logs when
        they end, on the computer whose controller drove the run.

        Args:
            run_id: The run.
            injector: Of which alone, from 0; None: of all (the first hundred), and of the master.
            tail: How many lines of each; at most 5,000.
        """
        from engine.load.logs import read_logs

        return read_logs(self.folder / self.store.load(run_id).id, injector, tail)

    def list(self, account: str | None = None) -> Sequence[Run]:
        """All runs, newest first; of one account if named.

        Their results have no windows and no rows of requests, which ``show`` and ``wait`` have.
        """
        return self.store.list(account_id=account)

    def unattended(self, run_id: str | None = None) -> Mapping[str, datetime]:
        """Since when no controller has driven each open run that none drives, by id.

        Args:
            run_id: Look at this one only; None: at all.
        """
        from engine.runs.leases.attendance import unattended_runs

        return unattended_runs(self._context.db, SystemClock().now(), run_id=run_id)
