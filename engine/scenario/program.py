"""The program that puts a scenario's load on, where it is not Locust with the scenario's users."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from msgspec import Struct

from engine.scenario.script_load import ScriptLoad
from kernel.errors import BadInputError
from kernel.plain import plain
from kernel.words import counted

BUNDLE_BYTES_MAX = 32 * 1024 * 1024
"""What all files of a program may hold together; larger ones are fetched by ``prepare``."""

FILES_MAX = 1_000


class ProgramFilesError(BadInputError):
    """Files of a program are missing, too large or changed; facts: ``path``, or the sizes."""

    code = "program_files"


class ProgramFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that every injector gets.

    Attributes:
        path: Below the scenario's folder, with ``/``.
        size_bytes: Its length.
        sha256: Of its content, in hexadecimal.
        executable: Whether its owner may execute it.
    """

    path: str
    size_bytes: int
    sha256: str
    executable: bool = False


class LoadProgram(Struct, frozen=True, forbid_unknown_fields=True):
    """What injectors run.

    Attributes:
        kind: Which program; a name in ``engine.load_engines.LOAD_ENGINES``, and the value of
            ``Scenario.load_engine``.
        main: ``custom``: a command for sh. ``k6``: its script. ``jmeter``: its test plan.
            ``gatling``: the class of the simulation. ``locust``: its locustfile.
        folder: Where the files were read, absolute.
        files: What goes to the injectors, by path.
        prepare: What sh runs on an injector before it says that it is ready.
        results: ``custom``: the file of samples that the command writes.
        version: ``k6``: which one to fetch.
        classpath: ``gatling``: where Java finds Gatling and the simulation.
        own_profile: ``k6``: the script's own stages or scenarios count, not the scenario's load.
            ``locust``: the locustfile's shape does.
        script_load: What its script was seen to play of its own; None: what it is told.
    """

    kind: str
    main: str
    folder: str
    files: tuple[ProgramFile, ...] = ()
    prepare: str | None = None
    results: str | None = None
    version: str | None = None
    classpath: str | None = None
    own_profile: bool = False
    script_load: ScriptLoad | None = None

    @property
    def bundle_key(self) -> str:
        """Names the content of all files: the same files, the same key."""
        listed = json.dumps(plain(self.files), sort_keys=True)
        return hashlib.sha256(listed.encode()).hexdigest()


def check_size(files: Mapping[str, int]) -> None:
    """Refuse files that are too many, or hold too much, for a bundle.

    Args:
        files: Bytes by path.

    Raises:
        ProgramFilesError: With the sizes, and which files are the largest.
    """
    if len(files) > FILES_MAX:
        raise ProgramFilesError(
            f"{counted(len(files), 'file')} are more than the {FILES_MAX:,} that injectors are "
            "given; pack them into an archive that prepare unpacks",
            files=len(files),
            files_max=FILES_MAX,
        )
    total = sum(files.values())
    if total <= BUNDLE_BYTES_MAX:
        return
    largest = sorted(files.items(), key=lambda each: (-each[1], each[0]))[:3]
    named = ", ".join(f"{path!r} {_mib(size)}" for path, size in largest)
    raise ProgramFilesError(
        f"the files hold {_mib(total)}, and injectors are given {_mib(BUNDLE_BYTES_MAX)} at most; "
        f"largest: {named}; let prepare fetch what is large",
        bytes=total,
        bytes_max=BUNDLE_BYTES_MAX,
    )


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 1024 / 1024:.1f} MiB"
