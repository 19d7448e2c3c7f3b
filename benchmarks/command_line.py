"""How fast the command line answers, against starting Python at all."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, shown, take_turns

ROUNDS = 15
ROOT = Path(__file__).resolve().parent.parent
LOADMUSTER = str(Path(sys.executable).with_name("loadmuster"))
CHECKOUT = str(ROOT / "examples" / "checkout.yaml")


LIBRARIES = """
import os
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
import csv, dataclasses, decimal, fractions, hashlib, json, tomllib, typing, zoneinfo
import click, msgspec, yaml
from pydantic import BaseModel, Field
"""
"""Everything that an estimate takes from elsewhere."""

INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules are compiled once and kept, as whatever pip installs is."""


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=INSTALLED)


def figures() -> list[Figure]:
    """Help, and a whole cold estimate."""
    nothing = partial(_run, sys.executable, "-c", "pass")
    commands = {
        "`loadmuster --help`": ([LOADMUSTER, "--help"], "at most 10"),
        "`loadmuster estimate examples/checkout.yaml`, cold": (
            [LOADMUSTER, "--json", "estimate", CHECKOUT],
            "at most 18",
        ),
    }
    found = []
    for name, (command, bound) in commands.items():
        turns = take_turns(partial(_run, *command), nothing, rounds=ROUNDS)
        against = f"`python -c pass`, {shown(turns.other_s)}"
        found.append(Figure(name, shown(turns.one_s), against, turns.ratio, bound, turns.spread))
    libraries = partial(_run, sys.executable, "-c", LIBRARIES)
    turns = take_turns(
        partial(_run, LOADMUSTER, "--json", "estimate", CHECKOUT), libraries, rounds=ROUNDS
    )
    found.append(
        Figure(
            "the same estimate, cold, against its libraries",
            shown(turns.one_s),
            f"importing them, {shown(turns.other_s)}",
            turns.ratio,
            "aim: 1.3",
            turns.spread,
        )
    )
    return found
