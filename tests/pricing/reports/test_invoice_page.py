"""Invoices that one sends: numbered lines with causes, as a page and as a document."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.api import Engine as Loadmuster
from engine.database import transaction
from kernel.clock import StartingClock
from pricing.ledger.invoices import Invoice, InvoiceLine, UnknownInvoiceError, list_invoices
from pricing.pages.html import html_of
from pricing.pages.invoice import Parties, invoice_page
from pricing.payments.gateway import PaymentState
from pricing.plans.model import Plan
from pricing.reports.invoice_facts import InvoiceFacts, invoice_facts
from pricing.reports.invoice_status import with_status
from pricing.tables import PAYMENTS

Charge = Callable[..., int]
VOID_TAGS = {"meta"}
COLOURS = ("--ink", "--soft", "--tint", "--paper")
HOSTILE = '<script>alert("x")</script> & \'"{number}'


class Page(HTMLParser):
    """The texts of a page, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str | None] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data.strip())


@pytest.fixture
def invoice(now: datetime) -> Invoice:
    return Invoice(
        account_id="globex",
        number="globex-00007",
        cause="run:r1",
        issued_at=now,
        lines=(
            InvoiceLine("run r1: start-up", 7_500_000, "run:r1:start"),
            InvoiceLine("run r1: use", 1_500_000, "run:r1:start"),
            InvoiceLine("run r1, correction: cancelled", -1_500_000, "run:r1:correction"),
        ),
    )


def test_r99_a_page_has_numbered_lines_with_amounts_and_causes(invoice: Invoice) -> None:
    page = Page(invoice_page(invoice, "Europe/Paris"))
    assert page.open == []
    for texts in (
        ["1", "run r1: start-up", "run:r1:start", "7.50"],
        ["3", "run r1, correction: cancelled", "run:r1:correction", "-1.50"],
        ["Total", "7.50"],
    ):
        start = page.texts.index(texts[0])
        assert page.texts[start : start + len(texts)] == texts
    assert {"globex-00007", "globex", "25 January 2027"} <= set(page.texts)


def test_a_page_says_period_payment_tax_and_test(invoice: Invoice) -> None:
    facts = InvoiceFacts("paid", date(2027, 1, 25), date(2027, 2, 24), HOSTILE)
    page = Page(invoice_page(invoice, "UTC", facts=facts))
    for name, value in (
        ("Period", "25 January 2027 to 24 February 2027"),
        ("Payment", "paid"),
        ("Tax", "none computed"),
    ):
        assert page.texts[page.texts.index(name) + 1] == value
    assert page.texts.count(f"test {HOSTILE}") == len(invoice.lines)
    assert "script" not in page.tags
    one_day = InvoiceFacts("due", date(2027, 1, 25), date(2027, 1, 25))
    texts = Page(invoice_page(invoice, "UTC", facts=one_day)).texts
    assert texts[texts.index("Period") + 1] == "25 January 2027"


def test_a_page_prints_without_its_frame_and_breaks_no_line_in_two(invoice: Invoice) -> None:
    printed = invoice_page(invoice, "UTC").partition("@media print")[2]
    assert "background: #fff" in printed
    assert "border: 0" in printed
    assert "break-inside: avoid" in printed
    assert "table-header-group" in printed


def test_what_stands_beside_the_lines_is_read_from_the_books(
    db: Engine, acme: str, globex: str, on_demand: Plan, now: datetime, charge: Charge
) -> None:
    with transaction(db) as conn:
        charge(conn, globex, "r1", on_demand, now, minutes=10, cancelled=True)
        (of_run,) = list_invoices(conn, globex)
        (of_period,) = list_invoices(conn, acme)
        assert invoice_facts(conn, of_run, "UTC").first_day == now.date()
        rehearsed = invoice_facts(conn, of_period, "UTC").payment
        conn.execute(PAYMENTS.update().values(rehearsed=False))
        states = []
        for state in PaymentState:
            conn.execute(PAYMENTS.update().values(state=state, usd_micros=of_run.usd_micros))
            states.append(invoice_facts(conn, of_run, "UTC").payment)
        conn.execute(PAYMENTS.update().values(state=PaymentState.ACCEPTED, usd_micros=2_500_000))
        part = invoice_facts(conn, of_run, "UTC").payment
        conn.execute(PAYMENTS.update().values(state=PaymentState.ABANDONED))
        void = invoice_facts(conn, of_period, "UTC").payment
        none = invoice_facts(conn, replace(of_run, cause="run:set-off"), "UTC").payment
        period = invoice_facts(conn, of_period, "UTC", "checkout")
    assert states == [
        *("due", "paid", "declined", "the bank has not answered", "set off against credit"),
    ]
    assert part == "paid: 2.50; 5.00 set off against credit"
    assert rehearsed == "payment rehearsed, nothing collected"
    assert void.startswith("not collected, void")
    assert none == "set off against credit"
    assert period.first_day is not None
    assert period.last_day is not None
    assert (period.last_day - period.first_day).days in range(27, 31)
    assert period.test == "checkout"


def test_a_page_loads_nothing_from_anywhere(invoice: Invoice) -> None:
    html = invoice_page(invoice, "UTC")
    page = Page(html)
    assert page.addresses == []
    assert not page.tags & {"script", "img", "link", "iframe"}
    assert "default-src 'none'" in html
    assert "url(" not in html


def test_every_text_on_a_page_is_escaped(invoice: Invoice) -> None:
    hostile = replace(
        invoice,
        account_id=HOSTILE,
        number=HOSTILE,
        lines=(InvoiceLine(HOSTILE, 10_000, HOSTILE),),
    )
    page = Page(invoice_page(hostile, "UTC", Parties(f"{HOSTILE}\n{HOSTILE}", HOSTILE)))
    assert "script" not in page.tags
    assert page.texts.count(HOSTILE) == 7


def test_a_page_is_legible_in_light_and_dark_and_prints_on_white(invoice: Invoice) -> None:
    html = invoice_page(invoice, "UTC")
    assert "color-scheme: light dark" in html
    light, _, dark = html.partition("@media screen and (prefers-color-scheme: dark)")
    colours = {name: light.partition(f"{name}: ")[2].partition(";")[0] for name in COLOURS}
    dark_colours = {name: dark.partition(f"{name}: ")[2].partition(";")[0] for name in COLOURS}
    for scheme in (colours, dark_colours):
        for text in ("--ink", "--soft"):
            for ground in ("--paper", "--tint"):
                assert contrast(scheme[text], scheme[ground]) >= 4.5, (scheme, text, ground)


def contrast(one: str, other: str) -> float:
    """How well one colour is read on the other, as WCAG 2 reckons it: from 1 to 21."""
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = "".join(2 * each for each in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_what_the_template_does_not_know_is_an_error() -> None:
    class Nameless:
        title = "Invoice"

    with pytest.raises(UndefinedError, match="number"):
        html_of(Nameless())  # type: ignore[arg-type]


def test_the_day_of_issue_is_the_accounts(invoice: Invoice) -> None:
    at_night = replace(invoice, issued_at=datetime.fromisoformat("2027-01-31T23:30:00+00:00"))
    assert "1 February 2027" in invoice_page(at_night, "Europe/Paris")
    assert "31 January 2027" in invoice_page(at_night, "UTC")


@pytest.fixture
def cancelled_run(db: Engine, globex: str, on_demand: Plan, now: datetime, charge: Charge) -> str:
    """A run of globex that was cancelled within its start-up time."""
    with transaction(db) as conn:
        charge(conn, globex, "r1", on_demand, now, minutes=10, cancelled=True)
    return "r1"


def test_the_command_writes_the_page(
    globex: str,
    cancelled_run: str,
    now: datetime,
    run: Callable[..., Any],
    answer: Callable[..., Any],
    tmp_path: Path,
) -> None:
    (issued,) = answer("invoices", globex, "--now", now.isoformat())["invoices"]
    assert [line["cause"] for line in issued["lines"]] == [
        f"run:{cancelled_run}:start",
        f"run:{cancelled_run}:start",
        f"run:{cancelled_run}:correction",
    ]
    assert issued["usd"] == "7.50"
    file = tmp_path / "invoice.html"
    to_file = ("--html", issued["number"], "--out", str(file), "--from", "Load & Sons\nLondon")
    code, out, said = run("invoices", globex, *to_file, "--json")
    assert (code, json.loads(out)) == (0, {"number": issued["number"], "path": str(file)})
    assert "the account's last command" in said
    html = file.read_text(encoding="utf-8")
    assert "Load &amp; Sons" in html
    code, out, _ = run(
        "invoices", globex, "--html", issued["number"], "--from", "Load & Sons\nLondon"
    )
    assert (code, out) == (0, html)
    code, out, _ = run("invoices", globex, "--now", now.isoformat())
    assert "run:r1:correction" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--html", "globex-00009"), "has no invoice 'globex-00009'"),
        (("--html", "acme-00001"), "has no invoice 'acme-00001'"),
        (("--out", "x.html"), "--out belongs to --html NUMBER"),
        (("--seller", "x"), "--seller belongs to --html NUMBER"),
        (("--from", "x", "--to", "y"), "--from: 'x' is no day"),
    ],
)
def test_an_invoice_that_there_is_not_is_refused(
    globex: str, acme: str, run: Callable[..., Any], arguments: tuple[str, ...], said: str
) -> None:
    code, _, message = run("invoices", globex, *arguments)
    assert acme
    assert (code, said in message, message.count("\n")) == (2, True, 1)


def test_a_file_that_cannot_be_written_is_one_line(
    acme: str, run: Callable[..., Any], now: datetime, tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "no" / "folder.html")
    at = ("--now", now.isoformat())
    code, _, message = run("invoices", acme, "--html", "acme-00001", "--out", nowhere, *at)
    assert (code, message.count("\n")) == (2, 1)
    code, _, message = run("invoices", acme, "--html", "acme-00001", "--json", *at)
    assert (code, "needs --out FILE" in message) == (2, True)


def test_the_engine_answers_as_the_command_does(
    db: Engine, database_url: str, acme: str, now: datetime
) -> None:
    engine = Loadmuster(database_url, clock=StartingClock(now))
    with db.connect() as conn:
        assert engine.reports.invoices(acme) == with_status(conn, list_invoices(conn, acme), now)
    assert "acme-00001" in engine.reports.invoice_page(acme, "acme-00001", customer="Acme")
    with pytest.raises(UnknownInvoiceError):
        engine.reports.invoice_page(acme, "acme-00002")
    engine.close()
