"""A load test as a caller asks for it: where it is found, and what is changed of it.

The command line's options of SOURCE and the keywords of Python are the fields of one value, so
that whatever can be said to an estimate can be said to a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from msgspec import Struct, structs

from engine.readers.overrides import check_fixed_size, check_regions, overridden
from engine.scenario import MachineWishes, Scenario
from kernel.arguments import BadArgumentError, check_argument, check_known
from kernel.errors import BadInputError


class ScenarioRequest(Struct, frozen=True, kw_only=True):
    """A load test, and what is to be changed of it.

    Attributes:
        source: Path of a scenario's file; this, or ``scenario``.
        scenario: A scenario that was read or made already.
        format: Of the file; None: told by its content.
        settings: Values for the file's placeholders ``${NAME}``, as ``NAME=VALUE``.
        users: The peak that the load is scaled to; of arrivals, at most so many at once.
        duration_s: The length that the load is stretched to.
        injectors: A fixed number of standard injectors.
        users_per_injector: A fixed payload, instead.
        iteration_s: How long one user stays, where the load is arrivals.
        regions: Where the load comes from, in equal shares; a pattern such as ``eu-*``, or
            ``any``, stands for the cheapest region that matches.
        families: Only machines of these families.
        types: Only machines of these types.
        architecture: ``x86_64`` or ``arm64``; None: either.
        machines_max: At most so many machines, over all regions.
        vcpus_max: At most so many virtual processors in each region.
        vcpus_each_max: At most so many virtual processors in one machine.
        spread: In each region at least so many machines, none with more than its share of the load;
            1 undoes what the scenario says of it.
        cores_alike: Every virtual processor counts as much as any other.
        nat: Machines behind a NAT gateway, at its costs.
        one_type: Machines of one type only in each region.
        published: Count with published figures, not with what was measured of the test.
    """

    source: str | Path | None = None
    scenario: Scenario | None = None
    format: str | None = None
    settings: tuple[str, ...] = ()
    users: int | None = None
    duration_s: int | None = None
    injectors: int | None = None
    users_per_injector: int | None = None
    iteration_s: float | None = None
    regions: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    architecture: str | None = None
    machines_max: int | None = None
    vcpus_max: int | None = None
    vcpus_each_max: int | None = None
    spread: int | None = None
    cores_alike: bool = False
    nat: bool = False
    one_type: bool = False
    published: bool = False


class ScenarioOptions(TypedDict, total=False):
    """The fields of a ``ScenarioRequest`` as keywords; a sequence may be of any kind."""

    source: str | Path | None
    scenario: Scenario | None
    format: str | None
    settings: Sequence[str]
    users: int | None
    duration_s: int | None
    injectors: int | None
    users_per_injector: int | None
    iteration_s: float | None
    regions: Sequence[str]
    families: Sequence[str]
    types: Sequence[str]
    architecture: str | None
    machines_max: int | None
    vcpus_max: int | None
    vcpus_each_max: int | None
    spread: int | None
    cores_alike: bool
    nat: bool
    one_type: bool
    published: bool


def scenario_request(
    given: Scenario | str | Path | None, options: Mapping[str, Any]
) -> ScenarioRequest:
    """The request that a caller made by a scenario, or the path of its file, with keywords."""
    return ScenarioRequest(**fields_of(ScenarioRequest, given, options))


def fields_of(
    kind: type[ScenarioRequest],
    given: Scenario | str | Path | None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """A caller's arguments as the fields of a request, which holds no list of the caller's.

    Raises:
        BadArgumentError: One is of the wrong kind, or there is none of its name; or the scenario,
            or its file, is given twice.
    """
    fields = dict(options)
    known = annotations_of(kind)
    for name in fields:
        check_known(name, known, kind.__name__)
    if given is not None:
        name = "scenario" if isinstance(given, Scenario) else "source"
        if name in fields:
            raise BadArgumentError(f"{name} is given twice", argument=name)
        fields[name] = given
    for each in structs.fields(kind):
        if each.required and each.name not in fields:
            raise BadArgumentError(
                f"{each.name} is missing: {kind.__name__} needs it", argument=each.name
            )
    for name, value in fields.items():
        check_argument(name, value, known[name])
        if known[name].startswith("tuple"):
            fields[name] = tuple(value)
    return fields


def annotations_of(kind: type[ScenarioRequest]) -> dict[str, str]:
    """How the fields of a request are annotated, by name."""
    return {
        name: str(annotation)
        for each in reversed(kind.__mro__)
        for name, annotation in vars(each).get("__annotations__", {}).items()
    }


def check_kinds(request: ScenarioRequest) -> None:
    """Refuse a request that holds something else than its fields say.

    Raises:
        BadArgumentError: One line that says what, and what would be right.
    """
    for name, annotation in annotations_of(type(request)).items():
        check_argument(name, getattr(request, name), annotation)


def check_scenario_request(request: ScenarioRequest) -> None:
    """Refuse what contradicts itself, before any file is read.

    Raises:
        BadInputError: One line that says what, and what would be right.
    """
    check_kinds(request)
    if (request.source is None) == (request.scenario is None):
        raise BadInputError("source: give either the path of a scenario's file or a scenario")
    if request.scenario is not None and (request.format is not None or request.settings):
        raise BadInputError(
            "--format and --set are for a scenario's file; this scenario was read already"
        )
    check_regions(request.regions)
    check_fixed_size(request.injectors, request.users_per_injector)


def requested_scenario(request: ScenarioRequest) -> Scenario:
    """The scenario that is asked for, as a run keeps it.

    It has the regions of its own: those that are asked for may be patterns, and belong to the
    estimate, which chooses among them.

    Raises:
        BadInputError: A leaf of it, with file and field or the option.
    """
    check_scenario_request(request)
    wishes = MachineWishes(
        families=request.families,
        architecture=request.architecture,
        machines_max=request.machines_max,
        vcpus_max=request.vcpus_max,
        mixed=not request.one_type,
        nat=request.nat,
        types=request.types,
        vcpus_each_max=request.vcpus_each_max,
        cores_alike=request.cores_alike,
    )
    scenario = request.scenario
    if request.source is not None:
        from engine.readers.read import read_scenario

        scenario = read_scenario(request.source, format=request.format, settings=request.settings)
    assert scenario is not None, request
    return overridden(
        scenario,
        users=request.users,
        duration_s=request.duration_s,
        injectors=request.injectors,
        users_per_injector=request.users_per_injector,
        iteration_s=request.iteration_s,
        machines=wishes,
        spread=request.spread,
    )
