"""Refusals: why no machines carry a load, with the numbers that would help."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.planning.covering_bound import Piece
from engine.planning.covering_knapsack import cheapest_cover
from engine.planning.machines import Candidate, candidates
from engine.planning.needs import Needs, Strength, viable_machine_types
from engine.planning.places import CandidateRegion
from engine.planning.requirement import ImpossibleLoadError, RegionRequirement
from engine.scenario import MachineWishes
from kernel.near_names import meant
from kernel.words import counted
from pricing.catalog import Catalog


def refuse_load(
    name: str,
    part: RegionRequirement | None,
    places: Sequence[CandidateRegion],
    needs: Needs,
    catalog: Catalog,
) -> ImpossibleLoadError:
    """The error for a load that no machines carry.

    Args:
        name: The scenario's.
        part: The part of the load; None: the parts alone could be carried, but not all together.
        places: Where it may be.
        needs: What it takes, and which machines may be taken.
        catalog: Machine types and prices.
    """
    provider = places[0].provider
    where = places[0].region if len(places) == 1 else counted(len(places), "region")
    facts = {"provider": provider, "region": where}
    wishes = needs.wishes
    if part is None:
        return ImpossibleLoadError(
            f"{name}: {counted(wishes.machines_max or 0, 'machine')} of {provider} cannot "
            "carry the load of all regions; allow more machines",
            **facts,
        )
    if not any(candidates(catalog, provider, place.region, wishes) for place in places):
        types = catalog.machine_types(provider)
        hints = "".join(meant(each, types) for each in wishes.types if each not in types)
        return ImpossibleLoadError(
            f"{name}: {provider} has none of the wished machine types in {where}: "
            f"{_said(wishes)}{hints}; burstable types are never taken",
            **facts,
        )
    strong = [
        viable_machine_types(catalog, provider, place.region, needs, frozenset())
        for place in places
    ]
    if not any(strong):
        return ImpossibleLoadError(
            f"{name}: no machine type of {provider} in {where} carries a single user; "
            "check the requests per user, their sizes and the memory per user",
            **facts,
        )
    machines = min(_fewest(each, part, needs, _one_machine) for each in strong if each)
    vcpus = min(_fewest(each, part, needs, _vcpus) for each in strong if each)
    return ImpossibleLoadError(
        f"{name}: {counted(part.users, 'user')} from {where} on {provider} would take at least "
        f"{counted(machines, 'machine')} and {counted(vcpus, 'vCPU')}, each with the fewest of "
        f"them; none keep to the wishes: {_said(wishes)}",
        machines_min=machines,
        vcpus_min=vcpus,
        **facts,
    )


def _fewest(
    strong: Sequence[tuple[Candidate, Strength]],
    part: RegionRequirement,
    needs: Needs,
    count: Callable[[Candidate], int],
) -> int:
    """The fewest machines, or virtual processors, that carry a part in one place."""
    pieces = [Piece(needs.carried(own, part), count(each)) for each, own in strong]
    cover = cheapest_cover(pieces, needs.whole(part))
    assert cover is not None, "without limits any piece covers"
    # Reference injectors have machines of the cheapest type.
    return cover.price + part.reference_injectors * count(strong[0][0])


def _one_machine(_: Candidate) -> int:
    return 1


def _vcpus(candidate: Candidate) -> int:
    return candidate.host.vcpus


def _said(wishes: MachineWishes) -> str:
    said = []
    if wishes.families:
        said.append("families " + ", ".join(wishes.families))
    if wishes.types:
        said.append("types " + ", ".join(wishes.types))
    if wishes.architecture is not None:
        said.append(wishes.architecture)
    if wishes.machines_max is not None:
        said.append(f"at most {counted(wishes.machines_max, 'machine')}")
    if wishes.vcpus_max is not None:
        said.append(f"at most {counted(wishes.vcpus_max, 'vCPU')} a region")
    if wishes.vcpus_each_max is not None:
        said.append(f"at most {counted(wishes.vcpus_each_max, 'vCPU')} in a machine")
    if wishes.spread > 1:
        said.append(f"spread over {counted(wishes.spread, 'machine')} or more in a region")
    return "; ".join(said) or "no wishes"
