"""What a locustfile says when it is asked: imported as Locust imports it, by another process.

That process has a bound on its time and none of the caller's own environment; nothing is loaded.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError
from msgspec.json import decode

from kernel.child_environment import child_environment
from kernel.python_programs import python_program

WAIT_S = 60.0
ANSWER_BYTES_MAX = 64 * 1024
ERROR_MAX = 500


class Asked(Struct, frozen=True):
    """What was found.

    Attributes:
        imported: Whether it could be imported.
        users: How many user classes it has.
        shape: Whether it has a shape of its own.
        peak_users: Most users that the shape wants at once; None: there is none, or ``error``.
        duration_s: For how long it wants any; likewise.
        error: Why it cannot be imported, or its shape not be asked, with file and line.
        kind: The names of the error's classes, its own first.
        module: The module that was not found; None: that is not what is wrong.
    """

    imported: bool = False
    users: int = 0
    shape: bool = False
    peak_users: int | None = None
    duration_s: int | None = None
    error: str | None = None
    kind: tuple[str, ...] = ()
    module: str | None = None


def asked(folder: Path, main: str, environment: Mapping[str, str]) -> Asked:
    """Import a locustfile elsewhere, and ask its shape.

    Args:
        folder: In which it and its files lie.
        main: Its path in there.
        environment: The caller's, of which a part is passed on.
    """
    with tempfile.TemporaryDirectory(prefix="loadmuster-shape-") as home:
        answer = Path(home) / "answer.json"
        try:
            ended = subprocess.run(  # noqa: S603 - a module of ours, by this interpreter
                python_program(f"{__package__}.shape_process", str(answer), main),
                cwd=folder,
                env={**child_environment(environment), "HOME": home},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=WAIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Asked(error=f"it did not end within {WAIT_S:.0f} s")
        try:
            with answer.open("rb") as file:
                found = decode(file.read(ANSWER_BYTES_MAX), type=Asked)
        except (OSError, DecodeError, ValidationError):
            last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
            return Asked(error=last[0][:ERROR_MAX] if last else "its process ended unasked")
        return found
