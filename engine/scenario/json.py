"""A scenario as a JSON-compatible dict and back, exactly.

The run store keeps scenarios in this form, and the load engines read it on the machines. It is
the form of values that were checked before; files that people write go through
``engine.readers``, which checks and explains. Curves are lists of ``[seconds, level]`` pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.scenario import (
    FAST_HTTP_USER,
    MachineWishes,
    Measured,
    Protocol,
    RegionShare,
    Request,
    Scenario,
    UserClass,
)
from engine.scenario.profile import ClosedProfile, Curve, LoadProfile, OpenProfile, Point
from engine.scenario.program import program_from_json
from kernel.plain import plain

Document = dict[str, Any]


def scenario_to_json(scenario: Scenario) -> Document:
    """The scenario in dicts, lists, strings and numbers, as ``json.loads`` would give them.

    What was wished of the machines, what was measured and another of Locust's users are there only
    if they were said: a scenario without has the form, and a request for its run the hash, that it
    had before there were any.
    """
    document = plain(scenario)
    if scenario.memory_mib_per_user is None:
        del document["memory_mib_per_user"]
    if scenario.locust_user == FAST_HTTP_USER:
        del document["locust_user"]
    if scenario.measured is None:
        del document["measured"]
    if scenario.machines == MachineWishes():
        del document["machines"]
    else:
        if not scenario.machines.nat:
            del document["machines"]["nat"]
        if not scenario.machines.types:
            del document["machines"]["types"]
    return {**document, "profile": _profile_to_json(scenario.profile)}


def scenario_from_json(document: Mapping[str, Any]) -> Scenario:
    """The scenario that ``scenario_to_json`` wrote."""
    program = document.get("program")
    wishes = dict(document.get("machines", {}))
    wishes["families"] = tuple(wishes.get("families", ()))
    measured = document.get("measured")
    wishes["types"] = tuple(wishes.get("types", ()))
    return Scenario(
        **{
            **document,
            "machines": MachineWishes(**wishes),
            "measured": None if measured is None else Measured(**measured),
            "protocol": Protocol(document["protocol"]),
            "profile": _profile_from_json(document["profile"]),
            "user_classes": tuple(_user_class_from_json(each) for each in document["user_classes"]),
            "regions": tuple(RegionShare(**each) for each in document["regions"]),
            "program": None if program is None else program_from_json(program),
        }
    )


def _profile_to_json(profile: LoadProfile) -> Document:
    if isinstance(profile, ClosedProfile):
        return {"kind": "closed", "users": _curve_to_json(profile.users)}
    return {
        "kind": "open",
        "arrivals_per_s": _curve_to_json(profile.arrivals_per_s),
        "iteration_s": profile.iteration_s,
        "max_users": profile.max_users,
    }


def _profile_from_json(document: Mapping[str, Any]) -> LoadProfile:
    if document["kind"] == "closed":
        return ClosedProfile(_curve_from_json(document["users"]))
    assert document["kind"] == "open", document["kind"]
    return OpenProfile(
        _curve_from_json(document["arrivals_per_s"]),
        iteration_s=document["iteration_s"],
        max_users=document["max_users"],
    )


def _curve_to_json(curve: Curve) -> list[list[float]]:
    return [[point.at_s, point.level] for point in curve.points]


def _curve_from_json(pairs: list[list[float]]) -> Curve:
    return Curve(tuple(Point(at_s, level) for at_s, level in pairs))


def _user_class_from_json(document: Mapping[str, Any]) -> UserClass:
    least_s, most_s = document["think_time_s"]
    return UserClass(
        name=document["name"],
        weight=document["weight"],
        think_time_s=(least_s, most_s),
        requests=tuple(Request(**request) for request in document["requests"]),
    )
