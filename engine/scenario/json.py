"""A scenario as a JSON-compatible dict and back, exactly.

The run store keeps scenarios in this form, and the load engines read it on the machines. It is
the form of values that were checked before; files that people write go through
``engine.readers``, which checks and explains. Curves are lists of ``[seconds, level]`` pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import convert

from engine.scenario import FAST_HTTP_USER, MachineWishes, Scenario, Tls
from kernel.errors import InvariantBrokenError
from kernel.plain import plain

Document = dict[str, Any]

_CURVES = frozenset({"users", "arrivals_per_s"})
"""Fields of profiles that are curves; a document has their points without a name of their own."""


class ScenarioUnreadableError(InvariantBrokenError):
    """A stored scenario is not one of ours."""

    code = "scenario_unreadable"


def scenario_to_json(scenario: Scenario) -> Document:
    """The scenario in dicts, lists, strings and numbers, as ``json.loads`` would give them.

    What was wished of the machines, what was measured, another of Locust's users, a script's own
    load and what TLS believes are there only if they were said: a scenario without has the form,
    and a request for its run the hash, that it had before there were any.
    """
    document: Document = plain(scenario)
    del document["left_out_runs"]
    if scenario.program is not None and scenario.program.script_load is None:
        del document["program"]["script_load"]
    if scenario.memory_mib_per_user is None:
        del document["memory_mib_per_user"]
    if scenario.locust_user == FAST_HTTP_USER:
        del document["locust_user"]
    if scenario.tls == Tls():
        del document["tls"]
    if scenario.measured is None:
        del document["measured"]
    if scenario.machines == MachineWishes():
        del document["machines"]
    else:
        document["machines"] = _said_of(scenario.machines, document["machines"])
    profile = document["profile"]
    for name in _CURVES & profile.keys():
        profile[name] = profile[name]["points"]
    return document


_SAID_IF_ANY = ("nat", "types", "spread", "vcpus_each_max")


def _said_of(wishes: MachineWishes, document: Document) -> Document:
    """The wishes without those that came later and were not said."""
    none = MachineWishes()
    return {
        name: value
        for name, value in document.items()
        if name not in _SAID_IF_ANY or getattr(wishes, name) != getattr(none, name)
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
