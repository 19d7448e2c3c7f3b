"""The database as a whole: whether its books are what they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.commands.context import EngineContext

if TYPE_CHECKING:
    from pricing.reports.damage.reading import Damage


class DatabaseCommands:
    """Looking at the database itself."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def check(self) -> Sequence[Damage]:
        """Every row of the books that is not what it was; none: all is well.

        Nothing is changed, and no account is stopped: those whose rows are whole go on. What is
        told is of one instant; a hundred rows at most of each kind of damage.

        Raises:
            DatabaseNotThereError: There is no such database.
            DatabaseUnusableError: The database cannot be reached, or is none of loadmuster's.
        """
        from pricing.reports.damage.finding import find_damage

        self._context.check_there()
        with self._context.reading() as conn:
            return tuple(find_damage(conn))
