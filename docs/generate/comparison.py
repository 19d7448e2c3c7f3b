"""The example's comparison as the command line prints it, with the source of every price in it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from docs.generate.markdown import code, table
from engine.clouds import CLOUDS
from engine.planning.compare import Comparison, compare
from engine.planning.compared_row import Kind, Row
from engine.planning.costs import ADDRESSES, DISKS, EGRESS, MACHINES, START_UP
from engine.planning.fleet import Fleet
from engine.readers import read_scenario
from loadmuster.cli.compare_view import show_comparison
from loadmuster.cli.layout import dollars
from pricing.catalog import Catalog
from pricing.tariffs import PublishedPrice

WIDTH_COLUMNS = 80
EXAMPLE = "examples/checkout.yaml"
HEAD = f"""# A comparison, and where its prices are from

`loadmuster compare {EXAMPLE}`, written while this site is built.
A price that somebody else quotes is worth less than the vendor's own word: the table says which it
is, of when, and where.

"""


def comparison_page(root: Path) -> str:
    """What ``compare`` prints of the example, then a row a price."""
    comparison = compare(read_scenario(root / EXAMPLE), catalog=Catalog.bundled())
    rows = [*_own(comparison), *_plans(comparison), *_services(comparison), *_monthly(comparison)]
    return (
        f"{HEAD}```text\n{printed(comparison)}```\n\n## Where each price is from\n\n"
        + table(("what", "USD", "who says so", "of", "what it holds for"), rows)
        + "\n"
    )


def printed(comparison: Comparison) -> str:
    """The comparison as a terminal of 80 columns shows it."""
    out = io.StringIO()
    show_comparison(Console(file=out, width=WIDTH_COLUMNS), comparison)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _own(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Accounts of one's own: each figure of the catalogue that their cost is made of."""
    for fleet in comparison.estimate.clouds:
        name = code(CLOUDS[fleet.provider].own_tariff)
        costs = {item.name: item.usd_micros for item in fleet.items}
        costs[MACHINES] += costs[START_UP]
        for item, what, source, as_of in _figures(fleet):
            usd = dollars(costs[item], decimals=4)
            yield f"{name}: {what}", usd, source, as_of, "the bundled catalogue"


def _figures(fleet: Fleet) -> Iterator[tuple[str, str, str, str]]:
    bundled = Catalog.bundled()
    sources = bundled.sources()

    def link(key: str) -> str:
        return f"[{sources[key].title}]({sources[key].address})"

    for group in fleet.groups:
        offering = group.offering
        place = (fleet.provider, offering.region)
        yield MACHINES, offering.machine.name, link(offering.source), str(offering.as_of)
        for item, price in (
            (DISKS, bundled.boot_disk(*place)),
            (ADDRESSES, bundled.public_ipv4(*place)),
            (EGRESS, bundled.egress(*place)),
        ):
            yield item, item, link(price.source), str(price.as_of)


def _plans(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for row in comparison.rows:
        if row.kind is Kind.PLAN:
            yield code(row.name), _usd(row), "our own", str(row.as_of), row.assumption or ""


def _services(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for row in comparison.rows:
        if row.price_from is not None:
            yield (code(row.name), _usd(row), *_stated(row.price_from))


def _monthly(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    for plan in comparison.monthly_plans:
        usd = f"{dollars(plan.usd_micros_per_month)} a month"
        yield (f"{plan.service}, {plan.plan}", usd, *_stated(plan.price_from))


def _stated(price: PublishedPrice) -> tuple[str, str, str]:
    said = f"{price.certainty.value}: [{price.source}]({price.source})"
    return said, str(price.as_of), price.conditions or ""


def _usd(row: Row) -> str:
    return "not found" if row.usd_micros is None else dollars(row.usd_micros)
