"""Money has one name: ``usd`` in documents, in dollars, ``usd_micros`` in Python."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from loadmuster.documents.run import bill_document, quote_document
from loadmuster.documents.usage import usage_document
from pricing.money import usd_micros
from pricing.periods import Period
from pricing.plans.quotes import Quote, Unit
from pricing.reports.usage import CycleUsage, PurchaseRow, RunUse
from pricing.run_charges.bill import Bill
from pricing.tariffs import CancellationPolicy

POLICY = CancellationPolicy.STARTUP_THEN_USED
DAY = date(2026, 11, 1)
QUOTE = Quote(
    plan="on-demand",
    tariff="on-demand",
    tariff_version=DAY,
    policy=POLICY,
    unit=Unit.USD,
    injectors=3,
    users=1_200,
    duration_s=5_400,
    li_minutes=270,
    startup_li_minutes=15,
    startup=2_250_000,
    use=40_650_000,
)
BILL = Bill(
    Unit.USD, 2_250_000, 650_000, 20, POLICY, DAY, corrected=True, extra_usd_micros=5_000_000
)


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("kind", ["quote", "bill"])
def test_every_amount_of_a_document_is_there_in_python_by_the_same_name(
    kind: str, unit: Unit
) -> None:
    value = replace(QUOTE, unit=unit) if kind == "quote" else replace(BILL, unit=unit)
    document = quote_document(value) if isinstance(value, Quote) else bill_document(value)
    amounts = {name: text for name, text in document.items() if name.endswith("usd")}
    assert {"usd", "startup_usd"} <= set(amounts)
    for name, text in amounts.items():
        assert getattr(value, f"{name}_micros") == (None if text is None else usd_micros(text))
    for name in ("li_minutes", "startup_li_minutes"):
        assert getattr(value, name) == document[name]


def test_usage_has_its_amounts_and_quantities_in_python_by_the_same_name() -> None:
    begun = datetime(2026, 11, 3, 9, tzinfo=UTC)
    runs = tuple(
        RunUse(
            run_id=run_id,
            at=begun,
            department=None,
            injectors=1,
            users=10,
            duration_s=60,
            li_minutes=20,
            credits_li_minutes=5,
            usd_micros=750_000,
            corrected=False,
            rehearsal=False,
            tariff="starter",
            tariff_version=DAY,
        )
        for run_id in ("run-1", "run-2")
    )
    bought = PurchaseRow("boost:1", "boost", "boost", begun, 3_000_000)
    period = Period(
        0,
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
        first_day=DAY,
        last_day=date(2026, 11, 30),
    )
    used = CycleUsage("acme", "starter", "UTC", period, 1_790, runs, (bought,))
    document = usage_document(used)
    names = {name for name in document if name.endswith(("usd", "li_minutes"))}
    assert {"runs_usd", "charged_usd", "tax_usd", "consumed_li_minutes"} <= names
    for name in names:
        value = document[name]
        if name.endswith("usd"):
            assert getattr(used, f"{name}_micros") == usd_micros(value)
        else:
            assert getattr(used, name) == value
    assert (used.runs_usd_micros, used.charged_usd_micros) == (1_500_000, 4_500_000)
    assert (used.li_minutes, used.consumed_li_minutes) == (40, 10)


def test_the_lines_sum_up_in_money_and_are_none_in_li_minutes() -> None:
    for value in (QUOTE, BILL):
        assert value.startup_usd_micros is not None
        assert value.use_usd_micros is not None
        assert value.usd_micros == value.startup_usd_micros + value.use_usd_micros
        paid_otherwise = replace(value, unit=Unit.LI_MINUTES)
        assert (paid_otherwise.usd_micros, paid_otherwise.use_usd_micros) == (None, None)
