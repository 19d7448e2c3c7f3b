"""One estimate through the Python API, its catalogue warm, against reading its file.

Without limits on machines and vCPUs, and with such as its machines on the cheapest cloud keep to.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from benchmarks.measure import Figure, shown, take_turns
from engine.planning.estimate import Estimate
from engine.scenario import MachineWishes, Scenario
from loadmuster import estimate, read_scenario
from pricing.catalog import Catalog

ROUNDS = 200
CHECKOUT = Path(__file__).resolve().parent.parent / "examples" / "checkout.yaml"
AT = date(2026, 11, 21)


def figures() -> list[Figure]:
    """The whole estimate: requirement, cheapest fleets on both clouds, costs, quotes."""
    scenario = read_scenario(CHECKOUT)
    catalog = Catalog.bundled()

    def estimated(of: Scenario) -> Estimate:
        return estimate(of, catalog=catalog, at=AT)

    fleet = estimated(scenario).fleet
    vcpus = sum(group.count * group.offering.machine.vcpus for group in fleet.groups)
    limits = MachineWishes(machines_max=fleet.machines, vcpus_max=vcpus)
    found = []
    for limited, of in (
        ("", scenario),
        (", with limits on machines and vCPUs", replace(scenario, machines=limits)),
    ):
        turns = take_turns(partial(estimated, of), lambda: read_scenario(CHECKOUT), rounds=ROUNDS)
        name = f"one estimate on both clouds, Python API, warm{limited}"
        against = f"reading its YAML, {shown(turns.other_s)}"
        found.append(
            Figure(name, shown(turns.one_s), against, turns.ratio, "reported", turns.spread)
        )
    return found
