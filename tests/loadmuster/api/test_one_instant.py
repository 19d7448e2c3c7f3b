"""A command has one instant: it reads the clock once, so that no boundary lies within it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow.parquet import write_table

from engine import estimate, read_scenario
from engine.api import Engine
from engine.commands.accounts import AccountCommands
from engine.commands.billing import BillingCommands
from engine.commands.books import BooksCommands
from engine.commands.database import DatabaseCommands
from engine.commands.departments import DepartmentCommands
from engine.commands.reaper import ReaperCommands
from engine.commands.reports import ReportCommands
from engine.commands.runs import RunCommands
from engine.commands.serving import ServingCommands
from engine.commands.targets import TargetCommands
from kernel.clock import ManualClock
from loadmuster.cli.settings import Settings
from pricing.payments.gateway import DECLINES, Answer, PaymentState
from tests.command_line import here

NOW = datetime(2027, 1, 25, 9, 0, tzinfo=UTC)
CHECKOUT_FILE = str(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")
CHECKOUT = read_scenario(CHECKOUT_FILE)
ESTIMATE = estimate(CHECKOUT)
REQUEST: dict[str, Any] = {"account": "acme", "users": 10, "duration_s": 30}


class CountingClock(ManualClock):
    """Counts how often it is read."""

    reads = 0

    def now(self) -> datetime:
        self.reads += 1
        return super().now()


Command = Callable[[Engine], object]
STORY: dict[str, Command] = {
    "accounts.open": lambda e: e.accounts.open("acme", plan="starter", administrators=["ann"]),
    "accounts.get": lambda e: e.accounts.get("acme"),
    "accounts.list": lambda e: e.accounts.list(),
    "accounts.show": lambda e: e.accounts.show("acme"),
    "accounts.plan_of": lambda e: e.accounts.plan_of("acme"),
    "accounts.history": lambda e: e.accounts.history("acme"),
    "accounts.offers": lambda e: e.accounts.offers("acme"),
    "accounts.billing_settings": lambda e: e.accounts.billing_settings("acme"),
    "accounts.boost": lambda e: e.accounts.boost("acme"),
    "accounts.upgrade": lambda e: e.accounts.upgrade("acme", plan="professional"),
    "accounts.downgrade": lambda e: e.accounts.downgrade("acme", plan="starter"),
    "accounts.undo": lambda e: e.accounts.undo("acme"),
    "accounts.extra_credits": lambda e: e.accounts.extra_credits("acme", 60),
    "accounts.notice": lambda e: e.accounts.notice("starter"),
    "accounts.administrators": lambda e: e.accounts.administrators("acme", by="ann"),
    "accounts.change_administrators": lambda e: e.accounts.change_administrators(
        "acme", add=["bob"], by="ann"
    ),
    "accounts.cancel": lambda e: e.accounts.cancel("acme", by="ann"),
    "accounts.confirm_cancel": lambda e: e.accounts.confirm_cancel("acme", representative="bob"),
    "accounts.renew": lambda e: e.accounts.renew("acme"),
    "accounts.to_on_demand": lambda e: e.accounts.to_on_demand("acme"),
    "accounts.set_card": lambda e: e.accounts.set_card("acme", "visa"),
    "accounts.pay": lambda e: e.accounts.pay("overdue"),
    "accounts.advance": lambda e: e.accounts.advance(),
    "accounts.reconcile": lambda e: e.accounts.reconcile("acme"),
    "accounts.payment_heard": lambda e: e.accounts.payment_heard(
        "nobody's", Answer(PaymentState.ACCEPTED)
    ),
    "books.close": lambda e: e.books.close("2026-12"),
    "books.months": lambda e: e.books.months(),
    "accounts.log": lambda e: e.accounts.log("acme"),
    "accounts.refund": lambda e: e.accounts.refund(
        "acme", invoice="acme-00001", usd_micros=10_000_000, reason="charged twice"
    ),
    "accounts.refunds": lambda e: e.accounts.refunds("acme"),
    "accounts.as_of": lambda e: e.accounts.as_of("acme"),
    "accounts.healing": lambda e: e.accounts.healing("acme"),
    "accounts.heal": lambda e: e.accounts.heal("acme"),
    "billing.set_details": lambda e: e.billing.set_details("acme", name="Acme", country="FR"),
    "billing.details": lambda e: e.billing.details("acme"),
    "billing.set_seller": lambda e: e.billing.set_seller(name="Load Ltd"),
    "billing.refresh_taxes": lambda e: e.billing.refresh_taxes(),
    "billing.seller": lambda e: e.billing.seller(),
    "billing.sellers": lambda e: e.billing.sellers(),
    "departments.add": lambda e: e.departments.add("overdue", "lab"),
    "departments.allocate": lambda e: e.departments.allocate("overdue", "lab", 0),
    "departments.limit": lambda e: e.departments.limit("overdue", "lab", 5_000_000),
    "departments.show": lambda e: e.departments.show("overdue", "lab"),
    "departments.list": lambda e: e.departments.list("overdue"),
    "targets.allow": lambda e: e.targets.allow("acme", "shop.example.com"),
    "targets.list": lambda e: e.targets.list("acme"),
    "targets.check": lambda e: e.targets.check("acme", "https://shop.example.com"),
    "targets.forbid": lambda e: e.targets.forbid("acme", "shop.example.com"),
    "runs.estimate": lambda e: e.runs.estimate(CHECKOUT, account="acme"),
    "runs.prepare": lambda e: e.runs.prepare(CHECKOUT, **REQUEST),
    "runs.payment": lambda e: e.runs.payment(ESTIMATE, account="acme"),
    "runs.accept": lambda e: e.runs.accept(CHECKOUT, lease=e.runs.new_lease(), **REQUEST),
    "runs.list": lambda e: e.runs.list(),
    "runs.show": lambda e: e.runs.show("run-1"),
    "runs.logs": lambda e: e.runs.logs("run-1"),
    "runs.unattended": lambda e: e.runs.unattended(),
    "runs.new_lease": lambda e: e.runs.new_lease(),
    "runs.controller": lambda e: e.runs.controller(),
    "reports.ledger": lambda e: e.reports.ledger("acme"),
    "reports.writers": lambda e: e.reports.writers("acme"),
    "reports.invoices": lambda e: e.reports.invoices("acme"),
    "reports.each_invoice": lambda e: list(e.reports.each_invoice("acme")),
    "reports.invoices_of_all": lambda e: list(e.reports.invoices_of_all()),
    "reports.usage_of_all": lambda e: list(e.reports.usage_of_all()),
    "reports.invoice_page": lambda e: e.reports.invoice_page("acme", "acme-00001"),
    "reports.invoice_pdf": lambda e: e.reports.invoice_pdf("acme", "acme-00001"),
    "reports.usage": lambda e: e.reports.usage("acme"),
    "reports.advise": lambda e: e.reports.advise("acme", li_minutes=60, runs=3),
    "reaper.places": lambda e: e.reaper.places(),
    "reaper.places_at": lambda e: e.reaper.places_at("local"),
    "reaper.ended_runs": lambda e: e.reaper.ended_runs(["run-1"]),
    "reaper.heartbeats": lambda e: e.reaper.heartbeats(),
    "reaper.overdue": lambda e: e.reaper.overdue(),
    "db.check": lambda e: e.db.check(),
    "serving.late_reaps": lambda e: e.serving.late_reaps(0.0),
    "accounts.delete": lambda e: e.accounts.delete("globex"),
}
"""Every command that has one instant, in an order in which none is refused."""

TAKES_ITS_TIME = {
    "runs.run",
    "runs.start",
    "runs.detach",
    "runs.drive",
    "runs.cancel",
    "runs.wait",
    "runs.wait_async",
    "runs.watch",
    "runs.watch_async",
    "reaper.reap",
    "serving.serve",
    "serving.reap_and_tell",
    "books.export",
    "books.check",
}
"""Loops, and what goes on while other processes or clouds answer."""

ROOMS = {
    "accounts": AccountCommands,
    "billing": BillingCommands,
    "books": BooksCommands,
    "departments": DepartmentCommands,
    "targets": TargetCommands,
    "runs": RunCommands,
    "reports": ReportCommands,
    "reaper": ReaperCommands,
    "serving": ServingCommands,
    "db": DatabaseCommands,
}


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock(NOW)


@pytest.fixture
def engine(tmp_path: Path, clock: CountingClock) -> Iterator[Engine]:
    numbers = iter(range(1, 100))
    with Engine(
        f"sqlite:///{tmp_path / 'loads.db'}",
        clock=clock,
        new_id=lambda: f"run-{next(numbers)}",
        environment={},
    ) as opened:
        yield opened


def test_the_story_has_every_command_of_the_rooms() -> None:
    commands = {
        f"{room}.{name}"
        for room, kind in ROOMS.items()
        for name, _ in inspect.getmembers(kind, callable)
        if not name.startswith("_") and name != "former_call"
    }
    assert commands == {*STORY, *TAKES_ITS_TIME}


@pytest.mark.parametrize(
    "words",
    [
        ("estimate", CHECKOUT_FILE, "--staged", "--explain", "--account", "acme"),
        ("compare", CHECKOUT_FILE),
        ("plot", "load", CHECKOUT_FILE),
        ("sweep", "tests", "estimates"),
        ("reap", "--check"),
        ("catalog", "show", "aws", "eu-west-1", "c7i.large"),
        ("tariff", "price", "loadview", "--injectors", "2", "--duration", "3m"),
        ("ledger", "acme"),
        ("history", "acme"),
        ("account", "offers", "acme"),
        ("department", "list", "acme"),
        ("usage", "acme"),
        ("usage", "--all"),
        ("invoices", "acme"),
        ("invoices", "--all"),
        ("advise", "acme", "--li-minutes", "60", "--runs", "3"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_so_does_the_command_line(
    words: tuple[str, ...],
    tmp_path: Path,
    clock: CountingClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    write_table(pa.table({"users": [100], "duration_s": [60]}), tmp_path / "tests" / "1.parquet")
    monkeypatch.setattr(Settings, "clock", lambda _: clock)
    command = here(capsys, "--db", f"sqlite:///{tmp_path / 'loads.db'}")
    assert command("account", "open", "acme").code == 0
    clock.reads = 0
    answer = command(*words)
    assert answer.code == 0, answer.err
    assert clock.reads == 1


def test_every_command_reads_the_clock_once_at_most(engine: Engine, clock: CountingClock) -> None:
    engine.accounts.open("globex")
    engine.accounts.open("overdue", plan="starter")
    engine.accounts.set_card("overdue", DECLINES)
    clock.sleep(40 * 86_400)
    assert engine.accounts.show("overdue").unpaid_usd_micros
    engine.accounts.set_card("overdue", "visa")
    for name, command in STORY.items():
        clock.reads = 0
        command(engine)
        assert clock.reads <= 1, name
