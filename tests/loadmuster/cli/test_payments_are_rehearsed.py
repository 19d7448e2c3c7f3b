"""Whoever reads of a payment is told whether money moved, and by what: a card that is on file."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from rich.console import Console

from engine.api import Engine
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import closed
from loadmuster.cli.account_tables import show_account
from loadmuster.cli.run_question import is_agreed
from loadmuster.documents.account import account_document
from pricing.payments.gateway import Answer, PaymentRequest, PaymentState, RefundRequest
from pricing.payments.movements import Movement
from pricing.plans.channels import Channel

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

NOTE = "Payments are rehearsed: the payment gateway collects nothing."
LONG = closed([(0, 0), (60, 3000), (24_000, 3000)])
"""More LI-minutes than Starter has."""


class Bank:
    """A gateway that collects; it has a way of its own for accounts without a card."""

    collects = True

    def collect(self, payment: PaymentRequest) -> Answer:
        del payment
        return Answer(PaymentState.ACCEPTED)

    def withdraw(self, payment: PaymentRequest) -> Answer:
        return self.collect(payment)

    def refund(self, refund: RefundRequest) -> Answer:
        del refund
        return Answer(PaymentState.ACCEPTED)

    def movements(self, start: datetime, end: datetime) -> tuple[Movement, ...]:
        del start, end
        return ()


class SilentBank:
    """One that does not say whether it collects."""

    def collect(self, payment: PaymentRequest) -> Answer:
        del payment
        return Answer(PaymentState.ACCEPTED)

    def withdraw(self, payment: PaymentRequest) -> Answer:
        return self.collect(payment)

    def refund(self, refund: RefundRequest) -> Answer:
        del refund
        return Answer(PaymentState.ACCEPTED)

    def movements(self, start: datetime, end: datetime) -> tuple[Movement, ...]:
        del start, end
        return ()


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """An engine on a database of its own."""
    engines: list[Engine] = []

    def make(**options: object) -> Engine:
        engines.append(Engine(f"sqlite:///{tmp_path / 'books.db'}", **options))  # type: ignore[arg-type]
        return engines[-1]

    yield make
    for each in engines:
        each.close()


def payment_in_the_ledger(engine: Engine, account: str) -> str:
    (said,) = (
        each.description
        for each in engine.reports.ledger(account)
        if each.postings[0].ledger_account == "cash"
    )
    return said


READS = (
    *("account show acme", "account list", "account history acme", "account offers acme"),
    *("ledger acme", "invoices acme", "invoices acme --html acme-00001", "usage acme"),
    *("advise acme", "runs"),
)


@pytest.mark.promise("rehearsed-payments-are-said", command=("account show", "ledger", "invoices"))
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_account_without_a_card_is_nowhere_shown_as_paid_by_card(
    form: tuple[str, ...], loadmuster: CommandLine, tmp_path: Path
) -> None:
    opened = loadmuster.here(*form, "account", "open", "acme", "--plan", "starter")
    shown = [opened.out]
    for line in READS:
        to_file = ("--out", str(tmp_path / "page.html")) if "--html" in line else ()
        answer = loadmuster.here(*form, *line.split(), *to_file)
        shown.append(answer.out)
    shown.append((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert [each for each in shown if "by card" in each] == []
    assert any("rehearsed payment, no card on file" in each for each in shown)


@pytest.mark.promise("rehearsed-payments-are-said", command=("account show", "invoices"))
def test_the_account_the_invoices_and_their_page_say_that_payments_are_rehearsed(
    loadmuster: CommandLine,
) -> None:
    opened = loadmuster.here("account", "open", "acme", "--plan", "starter").out
    assert "rehearsed, nothing is collected; no card on file" in opened
    payments = loadmuster.here("--json", "account", "show", "acme").json["payments"]
    assert payments == {
        "channel": "card",
        "card_on_file": False,
        "card_lost": None,
        "rehearsed": True,
    }
    assert NOTE in loadmuster.here("invoices", "acme").out
    assert NOTE in loadmuster.here("invoices").out
    assert loadmuster.here("--json", "invoices").json["payments_rehearsed"] is True
    assert loadmuster.here("--json", "invoices", "acme").json["payments_rehearsed"] is True
    assert NOTE in loadmuster.here("invoices", "acme", "--html", "acme-00001").out
    assert loadmuster.here("account", "card", "acme", "tok_visa").code == 0
    told = loadmuster.here("account", "show", "acme").out
    assert "rehearsed, nothing is collected; by card" in told


@pytest.mark.promise("rehearsed-payments-are-said", command="ledger")
@pytest.mark.parametrize(
    ("gateway", "channel", "card", "said"),
    [
        (None, Channel.CARD, None, "rehearsed payment, no card on file"),
        (None, Channel.CARD, "tok_visa", "rehearsed payment by card"),
        (None, Channel.INVOICE, None, "rehearsed payment by invoice"),
        (Bank(), Channel.CARD, None, "payment, no card on file"),
        (Bank(), Channel.CARD, "tok_visa", "payment by card"),
        (Bank(), Channel.INVOICE, None, "payment by invoice"),
        (SilentBank(), Channel.CARD, "tok_visa", "payment by card"),
    ],
)
def test_the_ledger_says_how_a_payment_was_made(
    gateway: Bank | None,
    channel: Channel,
    card: str | None,
    said: str,
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(gateway=gateway)
    engine.accounts.open("acme", plan="starter", channel=channel, card=card)
    assert payment_in_the_ledger(engine, "acme") == said
    if channel is Channel.CARD:
        engine.accounts.set_card("acme", "tok_other")
    assert payment_in_the_ledger(engine, "acme") == said, "it stays as it was"


def test_a_gateway_that_collects_is_not_called_rehearsed(
    make_engine: Callable[..., Engine],
) -> None:
    engine = make_engine(gateway=Bank())
    engine.accounts.open("acme", plan="starter", card="tok_visa")
    view = engine.accounts.show("acme")
    assert not view.payments_rehearsed
    assert not engine.accounts.payments_rehearsed
    assert not account_document(view)["payments"]["rehearsed"]
    assert "rehears" not in engine.reports.invoice_page("acme", "acme-00001")
    out = io.StringIO()
    show_account(Console(file=out, width=100), view)
    assert "by card" in out.getvalue()
    assert "rehears" not in out.getvalue()


@pytest.mark.promise("rehearsed-payments-are-said", command="run")
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("plan", "gateway", "is_said"),
    [
        ("on-demand", None, True),
        ("on-demand", Bank(), False),
        ("starter", None, False),
        ("extra credits", None, True),
    ],
)
def test_the_question_before_a_run_says_that_the_payment_is_rehearsed(
    plan: str,
    gateway: Bank | None,
    is_said: bool,
    dry_run: bool,
    make_engine: Callable[..., Engine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = make_engine(gateway=gateway)
    engine.accounts.open("acme", plan="on-demand" if plan == "on-demand" else "starter")
    profile = closed([(0, 0), (60, 3000), (600, 3000)])
    if plan == "extra credits":
        engine.accounts.extra_credits("acme", 5_000)
        profile = LONG
    terminal, out = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: False)
    browsing = UserClass("browsing", think_time_s=(1.0, 1.0), requests=(Request("/"),))
    scenario = Scenario(
        "checkout",
        Protocol.HTTP,
        profile,
        target="https://shop.example.com",
        user_classes=(browsing,),
    )
    prepared = engine.runs.prepare(scenario, account="acme", provider="aws", dry_run=dry_run)
    console = Console(file=out, force_terminal=True, width=200, color_system=None)

    assert not is_agreed(console, engine, prepared)

    assert (NOTE in out.getvalue()) is is_said
    assert ("nothing will be charged" in out.getvalue()) is dry_run
    assert ("would be paid from" in out.getvalue()) is dry_run
    assert "card" not in out.getvalue()
