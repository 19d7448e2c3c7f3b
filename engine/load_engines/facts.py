"""What there is to know about a load engine before it plays anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from engine.load_engines.user_figures import UserFigures


class EngineFacts(Struct, frozen=True):
    """One load engine: a row of ``engine.load_engines.LOAD_ENGINES``.

    Attributes:
        name: In scenarios and documents.
        title: As its maker writes it, for people.
        agent: The folder of what injectors get of it. A program's has ``engine.sh``, whose
            functions ``engine/load/sliced/agent/programs/load.sh`` names, and what that reads.
        entry: How a scenario file names it, as ``module:attribute``: a mapping of that file, of a
            program a ``ProgramEntry``. Imported when a file is read.
        example: What to write where the name alone is too little; None: it is enough.
        command: What must be on a machine, unless ``prepare`` brings it; None: nothing.
        fetches_version: Injectors fetch the version that the scenario names.
        follows_shape: It is told how many users there are when; else the most, their ramp-up and
            the duration, so that steps cannot be asked of it.
        verifies_tls: It looks at certificates, where it is told to.
        main_in: The file of the bundle that ``LoadProgram.main`` becomes; None: a setting.
        lead_s: From the decision to start until the start, in seconds: injectors look for it about
            once a second, and then have to be ready.
        figures: What one of its users takes; None: what the protocol says.
        figures_by_user: The same of those of its users that a scenario names, by that name.
    """

    name: str
    title: str
    agent: Path
    entry: str
    example: str | None = None
    command: str | None = None
    fetches_version: bool = False
    follows_shape: bool = True
    verifies_tls: bool = True
    main_in: str | None = None
    lead_s: float = 3.0
    figures: UserFigures | None = None
    figures_by_user: Mapping[str, UserFigures] = {}

    def agent_files(self) -> dict[str, bytes]:
        """What injectors get of it, by name."""
        return {
            path.name: path.read_bytes() for path in sorted(self.agent.iterdir()) if path.is_file()
        }
