"""How fast the command line answers, against starting Python at all."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, in_turn, shown

ROUNDS = 15
ROOT = Path(__file__).resolve().parent.parent
LOADMUSTER = str(Path(sys.executable).with_name("loadmuster"))
CHECKOUT = str(ROOT / "examples" / "checkout.yaml")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def figures() -> list[Figure]:
    """Help, and a whole cold estimate."""
    nothing = partial(_run, sys.executable, "-c", "pass")
    commands = {
        "`loadmuster --help`": ([LOADMUSTER, "--help"], "at most 10"),
        "`loadmuster estimate examples/checkout.yaml`, cold": (
            [LOADMUSTER, "--json", "estimate", CHECKOUT],
            "aim: 25",
        ),
    }
    found = []
    for name, (command, bound) in commands.items():
        measured_s, pass_s, ratio = in_turn(partial(_run, *command), nothing, rounds=ROUNDS)
        found.append(
            Figure(name, shown(measured_s), f"`python -c pass`, {shown(pass_s)}", ratio, bound)
        )
    return found
