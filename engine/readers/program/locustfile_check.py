"""Whether a locustfile can be played, seen before a run is accepted: where it costs nothing yet.

Its files are imported as injectors will import them, with no others beside, by another process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine.load_engines import LOCUST
from engine.readers.program.bundle import pack, unpack
from engine.readers.program.scripts.asked import Asked, asked
from engine.readers.program.scripts.locustfile import no_user_class
from engine.scenario.program import LoadProgram
from kernel.errors import BadInputError
from kernel.extras import is_installed

_ELSEWHERE = frozenset(
    {"ConnectionError", "TimeoutError", "gaierror", "SSLError", "RequestException"}
)
"""An injector may reach what this computer does not."""


class UnplayableLocustfileError(BadInputError):
    """The locustfile cannot be imported, or has no users; facts: ``locustfile``."""

    code = "locustfile_not_playable"


def check_locustfile(program: LoadProgram | None, environment: Mapping[str, str]) -> None:
    """Refuse a locustfile that no injector could play.

    What a ``prepare`` is for, or another network, may be missing here and be there on an injector;
    then it is left to the run. So it is where Locust is not installed here.

    Args:
        program: The scenario's; anything but a locustfile is not looked at.
        environment: The caller's, of which a part is passed on.

    Raises:
        UnplayableLocustfileError: With file and line, and what would be right.
        ProgramFilesError: Its files are not what they were when the scenario was read.
    """
    if program is None or program.kind != LOCUST.name or not is_installed(LOCUST.name):
        return
    with tempfile.TemporaryDirectory(prefix="loadmuster-locustfile-") as made:
        # Without links in it, or errors would not be seen to come from files below it.
        folder = Path(made).resolve()
        unpack(pack(program), folder)
        found = asked(folder, program.main, environment)
    problem = _problem(program, found)
    if problem is not None:
        raise UnplayableLocustfileError(
            f"load_engine.locustfile: {problem}", locustfile=program.main
        )


def _problem(program: LoadProgram, found: Asked) -> str | None:
    """What is wrong with it for certain; None: nothing, or nobody knows before the run."""
    if found.imported:
        return None if found.users else no_user_class(program.main)
    is_broken = "SyntaxError" in found.kind
    if not is_broken and (program.prepare is not None or _ELSEWHERE.intersection(found.kind)):
        return None
    if found.module is not None:
        beside = f"{found.module.partition('.')[0]}.py"
        return (
            f"{found.error}; if it is a file of yours, add {beside} to load_engine's files:, and "
            "if it is a package, let its prepare: install it"
        )
    return f"it cannot be imported: {found.error}; correct the locustfile"
