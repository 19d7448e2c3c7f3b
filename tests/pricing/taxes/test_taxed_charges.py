"""Prices are net; what is owed, collected and invoiced is gross; the books balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import select

from engine.api import Engine
from engine.database import reading, transaction
from kernel.clock import ManualClock
from kernel.words import counted
from pricing.accounts.advance import advance
from pricing.ledger.invoices import Invoice, InvoiceKind
from pricing.ledger.issuing import issue_for_run
from pricing.ledger.ledger import entries
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY, PaymentState
from pricing.plans.model import Plan
from pricing.reports.report_period import ReportPeriod
from pricing.reports.usage_focus import focus_records
from pricing.run_charges.charges import charge_start, correct, reserve
from pricing.tables import PAYMENTS, TAX_LINES
from pricing.taxes.model import Taxation, TaxLine, Treatment
from pricing.taxes.on_record import tax_question
from pricing.taxes.service import SellerNotCoveredError, TaxQuestion
from tests.pricing.conftest import QuoteOf

STARTER = 199_000_000
GERMAN_ID = "DE136695976"
FRENCH_BUSINESS = {"name": "Acme SARL", "country": "FR", "tax_id": "FR40303265045"}


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Engine]:
    with Engine(database_url, clock=clock, environment={}) as opened:
        opened.billing.set_seller(name="Load GmbH", country="DE", tax_id=GERMAN_ID)
        yield opened


def balances(db: Database, account: str) -> dict[str, int]:
    """What each ledger account of money holds; transactions balance by themselves."""
    sums: Counter[str] = Counter()
    with reading(db) as conn:
        for entry in entries(conn, account):
            for posting in entry.postings:
                if posting.unit == "usd_micros":
                    sums[posting.ledger_account] += posting.amount
    assert sum(sums.values()) == 0
    return {name: amount for name, amount in sums.items() if amount}


def collected(db: Database, account: str) -> list[int]:
    with reading(db) as conn:
        rows = select(PAYMENTS.c.usd_micros).where(
            PAYMENTS.c.account_id == account, PAYMENTS.c.state == PaymentState.ACCEPTED
        )
        return list(conn.execute(rows.order_by(PAYMENTS.c.cause)).scalars())


@pytest.mark.parametrize(
    ("customer", "treatment", "country", "ppm", "tax"),
    [
        ({}, Treatment.STANDARD, "DE", 190_000, 37_810_000),
        ({"country": "DE"}, Treatment.STANDARD, "DE", 190_000, 37_810_000),
        ({"country": "FI"}, Treatment.STANDARD, "FI", 255_000, 50_750_000),
        (FRENCH_BUSINESS, Treatment.REVERSE_CHARGE, "FR", 0, 0),
        ({"country": "US"}, Treatment.OUTSIDE_SCOPE, "US", 0, 0),
    ],
)
def test_a_boost_is_taxed_by_the_customers_country(
    engine: Engine,
    db: Database,
    customer: dict[str, str],
    treatment: Treatment,
    country: str,
    ppm: int,
    tax: int,
) -> None:
    engine.accounts.open("acme", plan="on-demand")
    engine.billing.set_details("acme", **customer)
    engine.accounts.upgrade("acme", plan="starter")
    engine.accounts.boost("acme")
    period, boost = engine.reports.invoices("acme")
    for invoice in (period, boost):
        assert invoice.taxes == (TaxLine(treatment, country, ppm, STARTER, tax),)
        assert invoice.total_usd_micros == STARTER + tax
    owed = {} if not tax else {f"tax:{country}": -2 * tax}
    assert balances(db, "acme") == {
        "cash": 2 * (STARTER + tax),
        "revenue:subscription": -STARTER,
        "revenue:boost": -STARTER,
        **owed,
    }
    assert collected(db, "acme") == [STARTER + tax] * 2
    shown = engine.accounts.show("acme")
    assert (shown.charged_usd_micros, shown.tax_usd_micros) == (2 * STARTER, 2 * tax)
    assert shown.next_charge is not None
    assert shown.next_charge.tax_usd_micros == tax
    page = engine.reports.invoice_page("acme", boost.number)
    mentions = {
        Treatment.STANDARD: "VAT ",
        Treatment.REVERSE_CHARGE: "Reverse charge: the customer owes the VAT",
        Treatment.OUTSIDE_SCOPE: "Outside the scope of VAT",
    }
    assert mentions[treatment] in page
    assert "No tax is computed" not in page


def test_without_a_sellers_country_no_tax_is_computed_and_that_is_said(
    engine: Engine, db: Database
) -> None:
    engine.billing.set_seller(country="", tax_id="")
    engine.accounts.open("acme", plan="starter")
    (invoice,) = engine.reports.invoices("acme")
    assert invoice.taxes == ()
    assert engine.accounts.show("acme").taxation is None
    assert balances(db, "acme") == {"cash": STARTER, "revenue:subscription": -STARTER}
    assert "No tax is computed or included" in engine.reports.invoice_page("acme", invoice.number)


def test_a_seller_whom_the_service_does_not_know_is_refused(engine: Engine) -> None:
    with pytest.raises(SellerNotCoveredError, match="knows nothing of sellers there"):
        engine.billing.set_seller(country="US", tax_id="")
    assert len(engine.billing.sellers()) == 1


def test_a_corrected_run_owes_the_tax_of_what_is_kept(
    engine: Engine, db: Database, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    engine.accounts.open("globex")
    quote = quote_of(on_demand, 10, 60)
    # Of which the tax is half a cent more than that of the whole less what comes back.
    kept = quote.startup + 1_000_000
    with transaction(db) as conn:
        reserve(conn, "globex", "r1", quote, now=now, gateway=REHEARSED_GATEWAY)
        charge_start(conn, "r1", now=now, gateway=REHEARSED_GATEWAY)
        correct(
            conn,
            "r1",
            keep_startup=quote.startup,
            keep_use=1_000_000,
            reason="cancelled",
            now=now,
            gateway=REHEARSED_GATEWAY,
        )
        invoice = issue_for_run(conn, "r1", now)
        advance(conn, "globex", now, gateway=REHEARSED_GATEWAY)
    assert invoice is not None
    tax = Taxation(Treatment.STANDARD, "DE", 190_000).tax_on(kept)
    assert (invoice.usd_micros, invoice.tax_usd_micros) == (kept, tax)
    held = balances(db, "globex")
    assert (held["tax:DE"], held["cash"] + held.get("credit", 0)) == (-tax, kept + tax)
    assert held.get("receivable", 0) == 0


def test_the_tax_of_an_unpaid_period_is_that_of_the_day_on_which_it_was_asked_for(
    engine: Engine, db: Database, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter", card="visa")
    engine.accounts.set_card("acme", DECLINES)
    clock.move_to(clock.now() + timedelta(days=40))
    engine.accounts.advance()
    assert engine.accounts.show("acme").unpaid_usd_micros == STARTER + 37_810_000
    engine.billing.set_details("acme", country="US")
    engine.accounts.set_card("acme", "visa")
    engine.accounts.pay("acme")
    *_, late = engine.reports.invoices("acme")
    assert late.tax_usd_micros == 37_810_000
    assert collected(db, "acme")[-1] == STARTER + 37_810_000
    assert "receivable" not in balances(db, "acme")


def test_the_day_in_the_accounts_time_zone_decides_the_rate(
    engine: Engine, clock: ManualClock
) -> None:
    clock.move_to(datetime(2030, 6, 30, 22, 30, tzinfo=UTC))
    engine.accounts.open("acme", plan="starter", timezone="Europe/Berlin")
    question = TaxQuestion(date(2030, 7, 1), "DE", GERMAN_ID)
    with reading(engine._context.db) as conn:
        assert tax_question(conn, "acme", clock.now()) == question


def test_what_is_undone_of_the_future_takes_its_tax_back(
    engine: Engine, db: Database, clock: ManualClock
) -> None:
    engine.accounts.open("acme", plan="starter")
    before = balances(db, "acme")
    with transaction(db) as conn:
        ahead = clock.now() + timedelta(days=70)
        advance(conn, "acme", ahead, gateway=REHEARSED_GATEWAY)
    engine.accounts.heal("acme")
    assert balances(db, "acme") == before
    first, second, third, note = engine.reports.invoices("acme")
    assert note.kind is InvoiceKind.CREDIT_NOTE
    assert note.corrects == (second.number, third.number)
    assert note.number == "INV-CN-2027-000001"
    assert note.total_usd_micros == -(second.total_usd_micros + third.total_usd_micros)
    assert first.kind is InvoiceKind.INVOICE
    assert sum_of_tax_lines(db) == first.tax_usd_micros


def sum_of_tax_lines(db: Database) -> int:
    with reading(db) as conn:
        return sum(conn.execute(select(TAX_LINES.c.tax_usd_micros)).scalars())


def test_usage_and_focus_add_up_to_what_was_charged_with_tax(
    engine: Engine, db: Database, on_demand: Plan, quote_of: QuoteOf, now: datetime
) -> None:
    engine.accounts.open("globex")
    with transaction(db) as conn:
        for run, minutes in (("r1", 7), ("r2", 33)):
            quote = quote_of(on_demand, 3, minutes)
            reserve(conn, "globex", run, quote, now=now, gateway=REHEARSED_GATEWAY)
            charge_start(conn, run, now=now, gateway=REHEARSED_GATEWAY)
            issue_for_run(conn, run, now)
    invoices: tuple[Invoice, ...] = tuple(engine.reports.invoices("globex"))
    usage = engine.reports.usage("globex", period=ReportPeriod.of_month("2027-01"))
    assert usage.charged_usd_micros == sum(each.usd_micros for each in invoices)
    assert usage.tax_usd_micros == sum(each.tax_usd_micros for each in invoices)
    records = focus_records(usage)
    billed = sum(Decimal(record["BilledCost"]) for record in records)
    assert int(billed * 1_000_000) == sum(each.total_usd_micros for each in invoices)
    taxes = [record for record in records if record["ChargeCategory"] == "Tax"]
    assert counted(len(taxes), "tax record") == "2 tax records"
    assert all("VAT 19 % (Germany)" in record["ChargeDescription"] for record in taxes)
    december = engine.reports.usage("globex", period=ReportPeriod.of_month("2026-12"))
    assert december.taxes == ()


class Elsewhere:
    """A service that taxes everything at 8.875 %, and notes that no transaction was open."""

    name = "elsewhere"

    def __init__(self) -> None:
        self.asked: list[TaxQuestion] = []

    def covers(self, seller_country: str) -> bool:
        return bool(seller_country)

    def taxation(self, question: TaxQuestion) -> Taxation:
        self.asked.append(question)
        return Taxation(Treatment.STANDARD, question.customer_country or "US", 88_750)


def test_what_another_service_tells_is_on_record_and_no_charge_asks_it(
    database_url: str, clock: ManualClock
) -> None:
    service = Elsewhere()
    with Engine(database_url, clock=clock, tax_service=service, environment={}) as engine:
        engine.billing.set_seller(name="Load GmbH", country="DE", tax_id=GERMAN_ID)
        engine.accounts.open("acme")
        engine.billing.set_details("acme", country="US")
        asked = len(service.asked)
        engine.accounts.upgrade("acme", plan="starter")
        (invoice,) = engine.reports.invoices("acme")
        assert invoice.tax_usd_micros == 17_660_000
        assert len(service.asked) == asked == 1
        assert engine.billing.refresh_taxes() == 1
    with Engine(database_url, clock=clock, environment={}) as plain:
        plain.accounts.boost("acme")
        assert plain.reports.invoices("acme")[-1].tax_usd_micros == 17_660_000
        plain.billing.set_details("acme", country="CH")
        plain.accounts.boost("acme")
        assert plain.reports.invoices("acme")[-1].tax_usd_micros == 0
