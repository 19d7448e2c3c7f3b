"""A period that could not be collected has its invoice, and a credit note if it is given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.api import Engine
from engine.database import transaction
from kernel.clock import ManualClock
from pricing.accounts.advance import advance
from pricing.ledger.invoices import InvoiceKind
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY
from pricing.reports.report_period import ReportPeriod

STARTER = 199_000_000
TAX = 37_810_000
DAYS = timedelta(days=1)


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Engine]:
    """An account whose second period could not be collected."""
    with Engine(database_url, clock=clock, environment={}) as opened:
        opened.billing.set_seller(name="Load GmbH", country="DE", payment_days=10)
        opened.accounts.open("acme", plan="starter", card="visa")
        opened.accounts.set_card("acme", DECLINES)
        clock.move_to(clock.now() + 32 * DAYS)
        opened.accounts.advance()
        yield opened


def stands(engine: Engine) -> list[tuple[str, str | None, int]]:
    return [
        (each.number, each.status, each.total_usd_micros)
        for each in engine.reports.invoices("acme")
    ]


def test_it_is_due_then_overdue_then_paid_and_never_rewritten(
    engine: Engine, clock: ManualClock
) -> None:
    _, unpaid = engine.reports.invoices("acme")
    assert unpaid.due_at == unpaid.issued_at + 10 * DAYS
    assert stands(engine)[1] == ("INV-2027-000002", "due", STARTER + TAX)
    assert engine.accounts.show("acme").charged_usd_micros == STARTER
    clock.move_to(unpaid.due_at + DAYS)
    assert stands(engine)[1][1] == "overdue"
    page = engine.reports.invoice_page("acme", unpaid.number)
    assert "declined" in page
    engine.accounts.set_card("acme", "visa")
    engine.accounts.pay("acme")
    assert stands(engine) == [
        ("INV-2027-000001", "paid", STARTER + TAX),
        ("INV-2027-000002", "paid", STARTER + TAX),
    ]
    assert engine.reports.invoices("acme")[1].issued_at == unpaid.issued_at
    assert engine.accounts.show("acme").charged_usd_micros == 2 * STARTER


def test_what_is_given_up_by_now_is_void_before_anything_is_written(
    engine: Engine, clock: ManualClock
) -> None:
    engine.accounts.to_on_demand("acme")
    clock.move_to(clock.now() + 40 * DAYS)
    assert stands(engine) == [
        ("INV-2027-000001", "paid", STARTER + TAX),
        ("INV-2027-000002", "void", STARTER + TAX),
        ("INV-CN-2027-000001", "credit", -STARTER - TAX),
    ]
    day = engine.reports.invoices("acme")[1].issued_at.date()
    (alone,) = engine.reports.invoices("acme", period=ReportPeriod(day, day))
    assert (alone.number, alone.status) == ("INV-2027-000002", "void")
    found = stands(engine)
    engine.accounts.advance()
    assert stands(engine) == found


def test_a_look_beyond_the_day_of_asking_sees_it_paid_everywhere(
    engine: Engine, clock: ManualClock
) -> None:
    engine.accounts.set_card("acme", "visa")
    clock.move_to(clock.now() + 21 * DAYS)
    assert engine.accounts.show("acme").unpaid_usd_micros == 0
    assert [status for _, status, _ in stands(engine)] == ["paid", "paid"]
    seen = stands(engine)
    engine.accounts.advance()
    assert stands(engine) == seen


def test_given_up_it_is_taken_back_by_a_credit_note_that_names_it(
    engine: Engine, clock: ManualClock
) -> None:
    ledger = engine.reports.ledger("acme")
    engine.accounts.to_on_demand("acme")
    clock.move_to(clock.now() + 40 * DAYS)
    engine.accounts.advance()
    assert stands(engine) == [
        ("INV-2027-000001", "paid", STARTER + TAX),
        ("INV-2027-000002", "void", STARTER + TAX),
        ("INV-CN-2027-000001", "credit", -STARTER - TAX),
    ]
    note = engine.reports.invoices("acme")[-1]
    assert (note.kind, note.corrects) == (InvoiceKind.CREDIT_NOTE, ("INV-2027-000002",))
    assert note.lines[0].description == "void: starter, 2027-02-25 to 2027-03-24: subscription"
    money = [
        posting
        for entry in engine.reports.ledger("acme")[len(ledger) :]
        for posting in entry.postings
        if posting.unit == "usd_micros"
    ]
    assert money == [], "what was not paid is not in the ledger"
    page = engine.reports.invoice_page("acme", note.number)
    assert "<h1>Credit note</h1>" in page
    assert "INV-2027-000002" in page
    assert "25 February 2027 to 24 March 2027" in page, "what is taken back"


def test_what_a_clock_that_ran_ahead_asked_for_or_gave_up_is_put_right(
    engine: Engine, clock: ManualClock
) -> None:
    engine.accounts.to_on_demand("acme")
    with transaction(engine._context.db) as conn:
        # The boundary gives the period up.
        advance(conn, "acme", clock.now() + 70 * DAYS, gateway=REHEARSED_GATEWAY)
    assert [status for _, status, _ in stands(engine)] == ["paid", "void", "credit"]
    engine.accounts.heal("acme")
    engine.accounts.undo("acme")
    engine.accounts.set_card("acme", "visa")
    engine.accounts.pay("acme")
    assert [(number, status) for number, status, _ in stands(engine)] == [
        ("INV-2027-000001", "paid"),
        ("INV-2027-000002", "void"),
        ("INV-CN-2027-000001", "credit"),
        ("INV-2027-000003", "paid"),
    ]


def test_an_unpaid_period_of_the_future_is_taken_back(engine: Engine, clock: ManualClock) -> None:
    with transaction(engine._context.db) as conn:
        advance(conn, "acme", clock.now() + 40 * DAYS, gateway=REHEARSED_GATEWAY)
    engine.accounts.heal("acme")
    found = stands(engine)
    assert [status for _, status, _ in found].count("due") == 1
    asked = sum(total for _, status, total in found if status in {"due", "void", "credit"})
    assert asked == STARTER + TAX
