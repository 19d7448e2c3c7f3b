"""The doctor: what is there and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.commands.reaper import ReaperCommands

if TYPE_CHECKING:
    from engine.commands.checkup import Checkup


@checked
class DoctorCommands:
    """Looking at what runs need, before there is one."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def examine(self, *, providers: Sequence[str] = (), regions: Sequence[str] = ()) -> Checkup:
        """Look at this computer and at the providers; costs nothing and changes nothing.

        Args:
            providers: Those of interest; none: all, of which one has to be usable.
            regions: Of the clouds; none: the one that runs take by default.
        """
        from engine.commands.checkup import HERE, Checkup, examinations, examine_here
        from engine.database import is_unmade
        from engine.database.migrate import revisions

        def open_books() -> str:
            db = self._context.db
            url = db.url.render_as_string(hide_password=True)
            if is_unmade(db):
                return f"{url} is not there yet; the first command that writes makes it"
            with self._context.reading():
                return f"{url}, at {revisions()[-1]}"

        use = self._context
        heartbeats = ReaperCommands(use).heartbeats
        here = tuple(examine_here(open_books, lambda: use.folder, heartbeats, use.clock))
        # Also where the database beside which the runs' files lie is out of reach.
        clouds = self._context.open_clouds(Path())
        known = examinations()
        found = {name: tuple(known[name](clouds, regions)) for name in providers or known}
        return Checkup({HERE: here, **found}, tuple(providers))

    def policy(self, provider: str) -> dict[str, Any]:
        """The least that runs on a cloud must be allowed: an IAM policy, or a role of Azure.

        Raises:
            BadInputError: A setting that stands in it is missing, or there is no such cloud.
        """
        return self._context.open_clouds(Path()).user_cloud(provider).policy()
