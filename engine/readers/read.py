"""Reading a scenario from a file, with what the command line overrides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from engine.planning.places import equal_shares
from engine.readers.placeholders import Placeholders, Settings
from engine.readers.registry import READERS, Reader, reader_named, reader_of
from engine.readers.source import read_source
from engine.scenario import MachineWishes, Scenario
from engine.scenario.profile import ClosedProfile, LoadProfile
from kernel.errors import BadInputError

NO_WISHES = MachineWishes()


def read_scenario(  # noqa: PLR0913 - one keyword for each thing that a command line overrides
    source: Path | str,
    *,
    format: str | None = None,  # noqa: A002 - the name of the option
    settings: Settings = (),
    users: int | None = None,
    duration_s: int | None = None,
    injectors: int | None = None,
    users_per_injector: int | None = None,
    iteration_s: float | None = None,
    regions: Sequence[str] = (),
    machines: MachineWishes = NO_WISHES,
    readers: Sequence[Reader] = READERS,
) -> Scenario:
    """Read a load test and apply the overrides.

    Args:
        source: Path of the file.
        format: The name of one of the readers, if the content is not to decide.
        settings: Values for the file's placeholders ``${NAME}``, by name or as ``NAME=VALUE``.
        users: The peak: the shape of the load is kept and scaled. For an open model, which has no
            users of its own, at most so many at once.
        duration_s: The length: the shape of the load is kept and stretched.
        injectors: A fixed number of standard injectors; replaces a fixed payload in the file.
        users_per_injector: A fixed payload; replaces a fixed number of injectors in the file.
        iteration_s: How long one user of an open model stays.
        regions: Where the load comes from, in equal shares; replaces the file's.
        machines: Which machines may be taken; what is given replaces the file's.
        readers: Which kinds of files there are.

    Raises:
        UnreadableSourceError, UnknownFormatError, BadScenarioError, BadSettingsError: One line
            each, with the file and the line or field.
        BadInputError: An override makes no sense.
    """
    file = str(source)
    reader = None if format is None else reader_named(format, file, readers)
    placeholders = Placeholders(settings)
    text = read_source(Path(source))
    reader = reader or reader_of(text, file, readers)
    scenario = reader.read(text, file, placeholders)
    placeholders.require_settled(file)
    scenario = replace(
        scenario,
        profile=_overridden(
            scenario.profile, users=users, duration_s=duration_s, iteration_s=iteration_s
        ),
    )
    if regions:
        _require(len(set(regions)) == len(regions), "regions", "a region is given twice")
        scenario = replace(scenario, regions=equal_shares(regions))
    own = scenario.machines
    scenario = replace(
        scenario,
        machines=MachineWishes(
            families=machines.families or own.families,
            architecture=machines.architecture or own.architecture,
            machines_max=machines.machines_max or own.machines_max,
            vcpus_max=machines.vcpus_max or own.vcpus_max,
            mixed=machines.mixed and own.mixed,
            nat=machines.nat or own.nat,
            types=machines.types or own.types,
        ),
    )
    return _with_fixed_size(scenario, injectors, users_per_injector)


def _with_fixed_size(
    scenario: Scenario, injectors: int | None, users_per_injector: int | None
) -> Scenario:
    if injectors is None and users_per_injector is None:
        return scenario
    _require(
        injectors is None or users_per_injector is None,
        "injectors",
        "give either injectors or users_per_injector",
    )
    for name, value in (("injectors", injectors), ("users_per_injector", users_per_injector)):
        _require(value is None or value > 0, name, f"must be at least 1, not {value}")
    return replace(scenario, injectors=injectors, users_per_injector=users_per_injector)


def _overridden(
    profile: LoadProfile,
    *,
    users: int | None,
    duration_s: int | None,
    iteration_s: float | None,
) -> LoadProfile:
    _require(users is None or users > 0, "users", f"must be at least 1, not {users}")
    _require(duration_s is None or duration_s > 0, "duration", "must be longer than 0 s")
    if isinstance(profile, ClosedProfile):
        _require(
            iteration_s is None,
            "iteration",
            "the load is given in users; an iteration's length belongs to arrivals",
        )
        return ClosedProfile(profile.users.stretched(duration_s=duration_s, peak=users))
    _require(iteration_s is None or iteration_s > 0, "iteration", "must be longer than 0 s")
    return replace(
        profile,
        arrivals_per_s=profile.arrivals_per_s.stretched(duration_s=duration_s),
        iteration_s=profile.iteration_s if iteration_s is None else iteration_s,
        max_users=profile.max_users if users is None else users,
    )


def _require(condition: bool, where: str, problem: str) -> None:
    if not condition:
        raise BadInputError(f"{where}: {problem}", where=where)
