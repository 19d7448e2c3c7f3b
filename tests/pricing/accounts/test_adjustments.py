"""What an operator credits to an account, or takes of its credit: bounded, told, once (C76)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from kernel.errors import BadInputError, RequestConflictError
from pricing.accounts.account import AccountDeletedError
from pricing.accounts.adjustments import AdjustmentTooLargeError
from pricing.accounts.owner import NotOwnerError
from pricing.ledger.invoices import InvoiceKind, InvoiceStatus
from pricing.reports.usage_focus import focus_records

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
USD = 1_000_000
DAY_S = 86_400.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Engine]:
    with Engine(database_url, clock=clock, environment={}) as made:
        made.accounts.open("acme", plan="starter", administrators=["ann"])
        yield made


def credit_of(engine: Engine) -> int:
    return engine.accounts.show("acme").credit_usd_micros // USD


def test_a_credit_is_a_credit_note_and_a_debit_an_invoice(engine: Engine) -> None:
    note = engine.accounts.adjust("acme", usd_micros=20 * USD, reason="goodwill")
    assert (note.kind, note.total_usd_micros) == (InvoiceKind.CREDIT_NOTE, -20 * USD)
    assert note.corrects == ("acme-00001",)
    assert note.lines[0].description == "adjustment, goodwill: adjustments"
    assert credit_of(engine) == 20
    taken = engine.accounts.adjust("acme", usd_micros=-5 * USD, reason="too much")
    assert (taken.kind, taken.total_usd_micros) == (InvoiceKind.INVOICE, 5 * USD)
    assert credit_of(engine) == 15
    statuses = [each.status for each in engine.reports.invoices("acme")]
    assert statuses == [InvoiceStatus.PAID, InvoiceStatus.CREDIT, InvoiceStatus.PAID]
    logged = engine.accounts.log("acme")[-1]
    assert (logged.command, logged.actor, logged.content["usd"]) == ("adjust", "owner", "-5.00")
    assert logged.transactions == (taken.lines[0].cause,)
    assert engine.db.check() == ()


def test_the_same_request_again_adjusts_nothing_again(engine: Engine) -> None:
    def adjusted(usd: int) -> str:
        return engine.accounts.adjust(
            "acme", usd_micros=usd * USD, reason="goodwill", request_id="a1"
        ).number

    assert adjusted(20) == adjusted(20)
    assert credit_of(engine) == 20
    with pytest.raises(RequestConflictError):
        adjusted(21)


def test_bounds_are_what_was_charged_and_what_is_credited(engine: Engine) -> None:
    with pytest.raises(AdjustmentTooLargeError, match=r"199\.00 USD of what it was charged by"):
        engine.accounts.adjust("acme", usd_micros=199 * USD + 10_000, reason="all")
    with pytest.raises(AdjustmentTooLargeError, match=r"0\.00 USD of its credit are free"):
        engine.accounts.adjust("acme", usd_micros=-10_000, reason="more")
    engine.accounts.adjust("acme", usd_micros=199 * USD, reason="all")
    with pytest.raises(AdjustmentTooLargeError):
        engine.accounts.adjust("acme", usd_micros=10_000, reason="more")
    engine.accounts.adjust("acme", usd_micros=-199 * USD, reason="back")
    assert credit_of(engine) == 0
    assert engine.db.check() == ()


@pytest.mark.parametrize(
    ("usd_micros", "reason"),
    [(0, "r"), (1, "r"), (-1, "r"), (USD, ""), (USD, " "), (USD, "a\nb"), (USD, "r" * 201)],
)
def test_what_will_not_do_is_refused(engine: Engine, usd_micros: int, reason: str) -> None:
    with pytest.raises(BadInputError):
        engine.accounts.adjust("acme", usd_micros=usd_micros, reason=reason)
    assert len(engine.reports.invoices("acme")) == 1


def test_an_adjustment_has_the_tax_that_is_in_it(engine: Engine) -> None:
    engine.billing.set_seller(name="Load Ltd", country="DE", valid_from=NOW)
    engine.accounts.open("taxed", plan="starter")
    note = engine.accounts.adjust("taxed", usd_micros=119 * USD, reason="goodwill")
    assert (note.usd_micros, note.tax_usd_micros) == (-100 * USD, -19 * USD)
    taken = engine.accounts.adjust("taxed", usd_micros=-33_330_000, reason="too much")
    assert (taken.usd_micros, taken.tax_usd_micros) == (28_010_000, 5_320_000)
    tax = engine.accounts.show("taxed").tax_usd_micros
    assert tax == 37_810_000 - 19 * USD + 5_320_000
    assert engine.db.check() == ()


def test_it_is_neither_a_purchase_nor_hidden_from_whoever_counts_costs(engine: Engine) -> None:
    engine.accounts.adjust("acme", usd_micros=20 * USD, reason="goodwill")
    engine.accounts.refund("acme", invoice="acme-00001", usd_micros=10 * USD, reason="slow")
    records = focus_records(engine.reports.usage("acme"))
    told = [(each["ChargeCategory"], each["ChargeClass"], each["BilledCost"]) for each in records]
    assert told == [
        ("Purchase", "", "199.00"),
        ("Adjustment", "", "-20.00"),
        ("Purchase", "Correction", "-10.00"),
    ]


def test_only_the_owner_adjusts_and_only_what_is_there(
    engine: Engine, database_url: str, clock: ManualClock
) -> None:
    with (
        Engine(database_url, clock=clock, environment={}, user="ann") as hers,
        pytest.raises(NotOwnerError),
    ):
        hers.accounts.adjust("acme", usd_micros=USD, reason="for me")
    engine.accounts.cancel("acme", by="ann")
    engine.accounts.confirm_cancel("acme", representative="rep")
    clock.sleep(40 * DAY_S)
    engine.accounts.delete("acme")
    with pytest.raises(AccountDeletedError):
        engine.accounts.adjust("acme", usd_micros=USD, reason="late")
    assert len(engine.reports.invoices("acme")) == 1
