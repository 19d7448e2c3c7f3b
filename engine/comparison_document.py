"""The JSON document that ``compare`` prints."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import Field

from engine.documents import CliffPart, Document, ScenarioPart, Usd, cliff_part, number, usd
from engine.planning.compare import Comparison, Row


class RowPart(Document):
    """One way to run the test."""

    tariff: str = Field(description="A plan, a tariff, or own-aws and own-azure.")
    title: str
    kind: str = Field(description="plan, service or own account.")
    engines: int | None = Field(description="Null: their number does not count.")
    unit: str
    quantity: int | float | None
    usd: Usd | None
    as_of: date
    note: str | None = Field(description="Why there is no price, and what was assumed.")
    cliffs: list[CliffPart]


class ComparisonDocument(Document):
    """The same test everywhere: cheapest first, without a price last."""

    scenario: ScenarioPart
    peak_users: int
    duration_s: float
    rows: list[RowPart]


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """The comparison in the shape of the contract."""
    scenario, load = comparison.estimate.scenario, comparison.estimate.load
    document = ComparisonDocument(
        scenario=ScenarioPart(
            name=scenario.name, protocol=scenario.protocol.value, format=scenario.format
        ),
        peak_users=load.peak_users,
        duration_s=load.duration_s,
        rows=[_row(row) for row in comparison.rows],
    )
    return document.model_dump(mode="json")


def _row(row: Row) -> RowPart:
    return RowPart(
        tariff=row.name,
        title=row.title,
        kind=row.kind.value,
        engines=row.engines,
        unit=row.unit,
        quantity=None if row.quantity is None else number(row.quantity),
        usd=usd(row.usd_micros),
        as_of=row.as_of,
        note=row.note,
        cliffs=[cliff_part(each) for each in row.cliffs],
    )
