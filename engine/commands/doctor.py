"""The doctor: what is there and what is missing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.commands.heartbeats import HeartbeatCommands

if TYPE_CHECKING:
    from engine.doctor import Checkup
    from engine.runs.clouds.registry import CloudRegistry


class DoctorCommands(HeartbeatCommands):
    """Looking at what runs need, before there is one."""

    def examine(self, *, providers: Sequence[str] = (), regions: Sequence[str] = ()) -> Checkup:
        """Look at this computer and at the providers; costs nothing and changes nothing.

        Args:
            providers: Those of interest; none: all, of which one has to be usable.
            regions: Of the clouds; none: the one that runs take by default.
        """
        from engine.database.migrate import revisions
        from engine.doctor import HERE, Checkup, examinations, examine_here

        def open_books() -> str:
            with self._reading() as conn:
                url = conn.engine.url.render_as_string(hide_password=True)
            return f"{url}, at {revisions()[-1]}"

        here = tuple(examine_here(open_books, lambda: self.folder, self.heartbeats, self.clock))
        # Also where the database beside which the runs' files lie is out of reach.
        clouds = self._clouds_in(Path())
        known = examinations()
        found = {name: tuple(known[name](clouds, regions)) for name in providers or known}
        return Checkup({HERE: here, **found}, tuple(providers))

    @abstractmethod
    def _clouds_in(self, folder: Path) -> CloudRegistry:
        """The clouds of runs whose files lie in a folder."""

    def policy(self, provider: str) -> dict[str, Any]:
        """The least that runs on a cloud must be allowed: an IAM policy, or a role of Azure.

        Raises:
            BadInputError: A setting that stands in it is missing, or there is no such cloud.
        """
        return self._clouds_in(Path()).real_cloud(provider).policy()
