"""What a caller changes of a scenario, whether it was read from a file or made in Python."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from engine.planning.places import equal_shares
from engine.scenario import MachineWishes, Scenario
from engine.scenario.profile import USERS_MAX, ClosedProfile, LoadProfile
from kernel.errors import BadInputError
from kernel.words import counted

NO_WISHES = MachineWishes()
FIXED_MAX = {"injectors": 1_000_000, "users_per_injector": USERS_MAX}
ITERATION_S_MAX = 86_400
SHOWN_MAX = 10**15


def overridden(  # noqa: PLR0913 - one keyword for each thing that can be changed
    scenario: Scenario,
    *,
    users: int | None = None,
    duration_s: int | None = None,
    injectors: int | None = None,
    users_per_injector: int | None = None,
    iteration_s: float | None = None,
    regions: Sequence[str] = (),
    machines: MachineWishes = NO_WISHES,
    spread: int | None = None,
) -> Scenario:
    """The scenario with what was said; what was not stays. The arguments are ``read_scenario``'s.

    A ``spread`` of 1, other than that of ``machines``, which is no wish, undoes the scenario's.

    Raises:
        BadInputError: An override makes no sense.
    """
    scenario = replace(
        scenario,
        profile=_profile(
            scenario.profile, users=users, duration_s=duration_s, iteration_s=iteration_s
        ),
    )
    if regions:
        check_regions(regions)
        scenario = replace(scenario, regions=equal_shares(regions))
    _require(spread is None or spread > 0, "spread", f"must be at least 1, not {spread}")
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
            spread=spread or (own.spread if machines.spread == 1 else machines.spread),
            vcpus_each_max=machines.vcpus_each_max or own.vcpus_each_max,
            cores_alike=machines.cores_alike or own.cores_alike,
        ),
    )
    return _with_fixed_size(scenario, injectors, users_per_injector)


def check_regions(regions: Sequence[str]) -> None:
    """Refuse a region that is named twice."""
    _require(len(set(regions)) == len(regions), "regions", "a region is given twice")


def check_fixed_size(injectors: int | None, users_per_injector: int | None) -> None:
    """Refuse a number of injectors beside a payload, and what is below one."""
    _require(
        injectors is None or users_per_injector is None,
        "injectors",
        "give either injectors or users_per_injector",
    )
    for name, value in (("injectors", injectors), ("users_per_injector", users_per_injector)):
        _require(value is None or value > 0, name, f"must be at least 1, not {value}")
        _require(
            value is None or value <= FIXED_MAX[name],
            name,
            f"must be at most {FIXED_MAX[name]:,}, not {_large(value)}",
        )


def _with_fixed_size(
    scenario: Scenario, injectors: int | None, users_per_injector: int | None
) -> Scenario:
    if injectors is None and users_per_injector is None:
        return scenario
    check_fixed_size(injectors, users_per_injector)
    return replace(scenario, injectors=injectors, users_per_injector=users_per_injector)


def _profile(
    profile: LoadProfile,
    *,
    users: int | None,
    duration_s: int | None,
    iteration_s: float | None,
) -> LoadProfile:
    _require(users is None or users > 0, "users", f"must be at least 1, not {users}")
    _require(
        users is None or users <= USERS_MAX,
        "users",
        f"must be at most {USERS_MAX:,}, not {_large(users)}",
    )
    _require(duration_s is None or duration_s > 0, "duration", "must be longer than 0 s")
    if isinstance(profile, ClosedProfile):
        _require(
            iteration_s is None,
            "iteration",
            "the load is given in users; an iteration's length belongs to arrivals",
        )
        return ClosedProfile(profile.users.stretched(duration_s=duration_s, peak=users))
    _require(iteration_s is None or iteration_s > 0, "iteration", "must be longer than 0 s")
    _require(
        iteration_s is None or iteration_s <= ITERATION_S_MAX,
        "iteration",
        f"must be at most {ITERATION_S_MAX:,} s, not {iteration_s or 0:,g} s",
    )
    return replace(
        profile,
        arrivals_per_s=profile.arrivals_per_s.stretched(duration_s=duration_s),
        iteration_s=profile.iteration_s if iteration_s is None else iteration_s,
        max_users=profile.max_users if users is None else users,
    )


def _large(value: int | None) -> str:
    """The number; one that fills lines is named by its size."""
    number = value or 0
    return (
        f"{number:,}"
        if number <= SHOWN_MAX
        else f"a number of {counted(len(str(number)), 'digit')}"
    )


def _require(condition: bool, where: str, problem: str) -> None:
    if not condition:
        raise BadInputError(f"{where}: {problem}", where=where)
