"""What there is to know about a load engine before it plays anything."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct


class UserFigures(Struct, frozen=True):
    """What one user of an engine takes, as far as that was published or measured.

    Attributes:
        payload: Users on a standard injector at 70 % of its processor; None: none is published.
        payload_least, payload_most: Between which the payloads lie that are published; None as for
            ``payload``.
        payload_source: Who says so; empty: nobody.
        processor_us_per_request: Processor time of one request; None: it is not known.
        processor_us_per_request_least: Of the lightest user that was measured.
        memory_kib_per_user: Memory of one user.
    """

    memory_kib_per_user: int
    payload: int | None = None
    payload_least: int | None = None
    payload_most: int | None = None
    payload_source: str = ""
    processor_us_per_request: int | None = None
    processor_us_per_request_least: int | None = None


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

    def agent_files(self) -> dict[str, bytes]:
        """What injectors get of it, by name."""
        return {
            path.name: path.read_bytes() for path in sorted(self.agent.iterdir()) if path.is_file()
        }
