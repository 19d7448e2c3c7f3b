"""loadmuster's own scenario format, in YAML or JSON."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from pydantic import ValidationError

from engine.load_engines import LOCUST
from engine.planning.places import equal_shares
from engine.readers.native.file import (
    ArrivalRamp,
    ArrivalStage,
    Hold,
    LoadSection,
    ScenarioFile,
    ThinkTime,
    UserClassEntry,
    UserRamp,
    UserStage,
    level_reached,
)
from engine.readers.parsing.errors import bad_scenario
from engine.readers.parsing.explain import explain
from engine.readers.parsing.tree import Tree
from engine.readers.program.entries import LocustEntry
from engine.readers.program.files import Program, find_program
from engine.scenario import (
    FAST_HTTP_USER,
    MachineWishes,
    RegionShare,
    Request,
    Scenario,
    Tls,
    UserClass,
)
from engine.scenario.profile import ClosedProfile, Curve, LoadProfile, OpenProfile, Point


def read_native(tree: Tree, file: str) -> Scenario:
    """The scenario that a parsed file describes.

    Raises:
        BadScenarioError: For the first thing that is wrong.
    """
    if not isinstance(tree.root, dict):
        raise bad_scenario(file, "is no scenario; write fields such as name: and load:", line=1)
    try:
        parsed = ScenarioFile.model_validate(tree.root)
    except ValidationError as error:
        raise explain(error, tree, file) from error
    scenario = _scenario(parsed, find_program(parsed.load_engine, tree, file))
    return replace(scenario, tls=Tls(parsed.tls.verify, _authorities(parsed.tls.ca, tree, file)))


def _authorities(name: str | None, tree: Tree, file: str) -> str | None:
    if name is None:
        return None
    # Imported here: most scenarios need nothing of TLS to be read.
    from engine.readers.program.authorities import read_authorities

    return read_authorities(name, tree, file)


def _scenario(file: ScenarioFile, found: Program) -> Scenario:
    program = found.program
    return Scenario(
        name=file.name,
        protocol=file.protocol,
        profile=_profile(file.load),
        target=found.own_host if file.target is None else file.target,
        user_classes=tuple(_user_class(each) for each in file.user_classes),
        requests_per_user_s=file.requests_per_user_second,
        request_bytes=file.payload.request_bytes,
        response_bytes=file.payload.response_bytes,
        connections_per_user=file.connections_per_user,
        regions=_regions(file),
        load_engine=LOCUST.name if program is None else program.kind,
        locust_user=(
            file.load_engine.user if isinstance(file.load_engine, LocustEntry) else FAST_HTTP_USER
        ),
        injectors=file.injectors,
        users_per_injector=file.users_per_injector,
        reference_injector=file.reference_injector,
        machines_at_least=float(file.machines_at_least),
        program=program,
        memory_mib_per_user=file.memory_mib_per_user,
        machines=MachineWishes(
            families=tuple(file.machines.families),
            architecture=file.machines.architecture,
            machines_max=file.machines.at_most,
            vcpus_max=file.machines.vcpus_at_most,
            mixed=file.machines.mixed,
            nat=file.machines.network == "nat",
            types=tuple(file.machines.types),
            spread=file.machines.spread,
            vcpus_each_max=file.machines.vcpus_each_at_most,
            cores_alike=file.machines.cores_alike,
        ),
    )


def _profile(load: LoadSection) -> LoadProfile:
    if load.users is not None:
        stages = None if isinstance(load.users, int) else load.users.stages
        level = load.users if isinstance(load.users, int) else 0
        return ClosedProfile(_curve(stages, level, load.duration))
    arrivals = load.arrivals
    assert arrivals is not None, "a load has users or arrivals"
    return OpenProfile(
        _curve(arrivals.stages, arrivals.per_second or 0, load.duration),
        iteration_s=arrivals.iteration,
        max_users=arrivals.max_users,
    )


def _curve(
    stages: Sequence[UserStage] | Sequence[ArrivalStage] | None,
    level: float,
    duration_s: int | None,
) -> Curve:
    """The corners of the stages, or a constant level for the duration."""
    if stages is None:
        assert duration_s is not None, "a constant load has a duration"
        return Curve((Point(0, level), Point(duration_s, level)))
    at_s = 0
    points = [Point(at_s, level)]
    for stage in stages:
        if isinstance(stage, Hold):
            at_s += stage.hold
        elif isinstance(stage, UserRamp | ArrivalRamp):
            at_s += stage.over
        reached = level_reached(stage)
        level = level if reached is None else reached
        points.append(Point(at_s, level))
    return Curve(tuple(points))


def _user_class(entry: UserClassEntry) -> UserClass:
    pause = entry.think_time
    return UserClass(
        name=entry.name,
        weight=entry.weight,
        think_time_s=(pause.min, pause.max) if isinstance(pause, ThinkTime) else (pause, pause),
        requests=tuple(
            Request(
                path=request.path,
                method=request.method,
                weight=request.weight,
                name=request.name,
                body=request.body,
            )
            for request in entry.requests
        ),
    )


def _regions(file: ScenarioFile) -> tuple[RegionShare, ...]:
    if isinstance(file.regions, list):
        return equal_shares(file.regions)
    return tuple(RegionShare(name, float(share)) for name, share in file.regions.items())
