"""Refusals: why no machines carry a load, with the numbers that would help."""

from __future__ import annotations

from collections.abc import Sequence

from engine.planning.machines import candidates
from engine.planning.needs import Needs, viable_machine_types
from engine.planning.places import CandidateRegion
from engine.planning.requirement import ImpossibleLoadError, RegionRequirement
from engine.scenario import MachineWishes
from kernel.division import ceil_div
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
    weights = [
        own.weight(part)
        for place in places
        for _, own in viable_machine_types(catalog, provider, place.region, needs, frozenset())
    ]
    if not weights:
        return ImpossibleLoadError(
            f"{name}: no machine type of {provider} in {where} carries a single user; "
            "check the requests per user, their sizes and the memory per user",
            **facts,
        )
    least = ceil_div(needs.whole(part), max(weights)) + part.reference_injectors
    return ImpossibleLoadError(
        f"{name}: {counted(part.users, 'user')} from {where} on {provider} would take at least "
        f"{counted(least, 'machine')}; found none within the wishes: {_said(wishes)}",
        machines_min=least,
        **facts,
    )


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
    return "; ".join(said) or "no wishes"
