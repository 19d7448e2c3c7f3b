"""A scenario as a JSON-compatible dict and back, exactly.

The run store keeps scenarios in this form, and the load engines read it on the machines. It is
the form of values that were checked before; files that people write go through
``engine.readers``, which checks and explains. Curves are lists of ``[seconds, level]`` pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, convert

from engine.scenario import FAST_HTTP_USER, MachineWishes, Measured, Scenario, Tls
from engine.scenario.program import LoadProgram
from kernel.errors import InvariantBrokenError
from kernel.plain import plain

Document = dict[str, Any]

_CURVES = frozenset({"users", "arrivals_per_s"})
"""Fields of profiles that are curves; a document has their points without a name of their own."""

_UNSAID: Mapping[type[Struct], Document] = {
    Scenario: {
        "memory_mib_per_user": None,
        "locust_user": FAST_HTTP_USER,
        "tls": Tls(),
        "measured": None,
        "machines": MachineWishes(),
    },
    LoadProgram: {"script_load": None},
    MachineWishes: {
        "nat": False,
        "types": (),
        "spread": 1,
        "vcpus_each_max": None,
        "cores_alike": False,
    },
    Measured: {"is_speed_known": False},
}
"""Fields that came later than the form itself, as they are by default; documents lack them then."""


class ScenarioUnreadableError(InvariantBrokenError):
    """A stored scenario is not one of ours."""

    code = "scenario_unreadable"


def scenario_to_json(scenario: Scenario) -> Document:
    """The scenario in dicts, lists, strings and numbers, as ``json.loads`` would give them.

    What came later than the form itself is there only if it was said: a scenario without has the
    form, and a request for its run the hash, that it had before there was such a thing.
    """
    document = _said(scenario, plain(scenario))
    del document["left_out_runs"]
    if scenario.program is not None:
        document["program"] = _said(scenario.program, document["program"])
    if scenario.measured is not None:
        document["measured"] = _said(scenario.measured, document["measured"])
    if "machines" in document:
        document["machines"] = _said(scenario.machines, document["machines"])
    profile = document["profile"]
    for name in _CURVES & profile.keys():
        profile[name] = profile[name]["points"]
    return document


def _said(value: Struct, document: Document) -> Document:
    """The value's document without what came later and was not said."""
    unsaid = _UNSAID[type(value)]
    return {
        name: part
        for name, part in document.items()
        if name not in unsaid or getattr(value, name) != unsaid[name]
    }


def scenario_from_json(document: Mapping[str, Any]) -> Scenario:
    """The scenario that ``scenario_to_json`` wrote; what is missing has its default.

    Raises:
        ScenarioUnreadableError: It is something else.
    """
    try:
        profile = dict(document["profile"])
        for name in _CURVES & profile.keys():
            profile[name] = {"points": profile[name]}
        return convert({**document, "profile": profile}, Scenario)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise ScenarioUnreadableError(f"a stored scenario cannot be read: {error}") from error
