"""The load that a locustfile's own shape plays: its users and its length, asked of the shape.

The locustfile is imported by a process of its own, as Locust would import it, with a bound on its
time and without the caller's environment; nothing is loaded.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.scenario.script_load import ScriptLoad
from kernel.child_environment import child_environment
from kernel.python_programs import python_program

REMEDY = "let load: say the same users and length, or take the shape out to play the load"
WAIT_S = 60.0

ANSWER_BYTES_MAX = 64 * 1024


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
        ValueError: It cannot be imported, or its shape not be asked; one line.
    """
    found = _asked(folder, main, environment)
    if (error := found.get("error")) is not None:
        raise ValueError(f"its shape cannot be quoted: {str(error)[:500]}")
    if not found["shape"]:
        return None
    users, duration_s = int(found["users"]), float(found["duration_s"])
    return ScriptLoad(f"{where} (shape)", REMEDY, users=users, duration_s=duration_s)


def _asked(folder: Path, main: str, environment: Mapping[str, str]) -> dict[str, Any]:
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
            return {"error": f"it did not end within {WAIT_S:.0f} s"}
        try:
            with answer.open("rb") as file:
                found: dict[str, Any] = json.loads(file.read(ANSWER_BYTES_MAX))
        except (OSError, ValueError):
            last = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
            return {"error": last[0] if last else "its process ended without an answer"}
        return found
