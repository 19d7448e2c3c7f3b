"""Identity: which tests are the same as far as an injector is concerned."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from msgspec.structs import replace

from engine.scenario import Scenario, UserClass
from engine.scenario.program import LoadProgram
from kernel.plain import plain


def identity_of(scenario: Scenario) -> str:
    """The same for two scenarios whose users do the same, whatever load they put on which target.

    What counts is what a user does: its requests, its pauses, its load engine and the program's
    files. How many users there are, for how long, from where and against which host does not.
    """
    program = scenario.program
    behaviour = {
        "protocol": scenario.protocol.value,
        "load_engine": scenario.load_engine,
        "locust_user": scenario.locust_user,
        "user_classes": plain(tuple(map(_in_floats, scenario.user_classes))),
        "program": None if program is None else _program(program),
    }
    return hashlib.sha256(json.dumps(behaviour, sort_keys=True).encode()).hexdigest()[:24]


def _program(program: LoadProgram) -> dict[str, Any]:
    """Without where its files were read, and what was seen in them: what they hold is there."""
    document: dict[str, Any] = plain(replace(program, folder=""))
    del document["script_load"]
    return document


def _in_floats(user_class: UserClass) -> UserClass:
    """A pause of 1 second is one of 1.0 seconds: a scenario that was on record has the latter."""
    least_s, most_s = user_class.think_time_s
    return replace(user_class, think_time_s=(float(least_s), float(most_s)))
