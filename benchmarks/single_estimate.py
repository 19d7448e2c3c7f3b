"""One estimate through the Python API, its catalogue warm, against reading its file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from benchmarks.measure import Figure, in_turn, shown
from loadmuster import estimate, read_scenario
from pricing.catalog import Catalog

ROUNDS = 200
CHECKOUT = Path(__file__).resolve().parent.parent / "examples" / "checkout.yaml"
AT = date(2026, 11, 21)


def figures() -> list[Figure]:
    """The whole estimate: requirement, cheapest fleets on both clouds, costs, quotes."""
    scenario = read_scenario(CHECKOUT)
    catalog = Catalog.bundled()

    def estimated() -> object:
        return estimate(scenario, catalog=catalog, at=AT)

    estimate_s, read_s, ratio = in_turn(estimated, lambda: read_scenario(CHECKOUT), rounds=ROUNDS)
    name = "one estimate on both clouds, Python API, warm"
    against = f"reading its YAML, {shown(read_s)}"
    return [Figure(name, shown(estimate_s), against, ratio, "reported")]
