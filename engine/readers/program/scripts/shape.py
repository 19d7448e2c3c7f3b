"""The load that a locustfile's own shape plays: its users and its length, asked of the shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engine.readers.program.scripts.asked import asked
from engine.readers.program.scripts.locustfile import no_user_class
from engine.scenario.script_load import ScriptLoad

REMEDY = "let load: say the same users and length, or take the shape out to play the load"
HOW_IT_IS_QUOTED = (
    "a shape is quoted by asking it, before any load, what it wants at each second of "
    "self.get_run_time(); let it go by that and its own figures only"
)


def shape_load(
    where: str, folder: Path, main: str, environment: Mapping[str, str]
) -> ScriptLoad | None:
    """What the shape plays; None: the locustfile has none.

    Args:
        where: The locustfile, for people.
        folder: In which it and its files lie.
        main: Its path in there.
        environment: The caller's, of which a part is passed on.

    Raises:
        ValueError: It cannot be imported, it has no users, or its shape cannot be asked; one line.
    """
    found = asked(folder, main, environment)
    if not found.imported:
        raise ValueError(f"it cannot be imported: {found.error}; correct the locustfile")
    if not found.users:
        raise ValueError(no_user_class(main))
    if not found.shape:
        return None
    if found.error is not None:
        raise ValueError(f"its shape cannot be quoted: {found.error}; {HOW_IT_IS_QUOTED}")
    return ScriptLoad(
        f"{where} (shape)", REMEDY, users=found.peak_users, duration_s=found.duration_s
    )
