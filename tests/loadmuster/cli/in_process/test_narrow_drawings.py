"""On a narrow terminal no bar of a drawing is wrapped, and invoices stay a table."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from loadmuster.cli.advise_view import break_even_chart, show_advice
from loadmuster.cli.console import QuietConsole
from loadmuster.cli.curves import draw
from loadmuster.cli.invoices_view import show_invoices
from loadmuster.cli.layout import INDENT
from loadmuster.cli.usage_view import show_usage, usage_plot
from pricing.periods import Period
from pricing.reports.usage import CycleUsage, RunUse

DAYS = Period(
    *(0, datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)),
    *(date(2027, 1, 1), date(2027, 1, 31)),
)


def terminal(width: int) -> tuple[QuietConsole, io.StringIO]:
    out = io.StringIO()
    console = QuietConsole(file=out, force_terminal=True, width=width)
    console._color_system = None
    return console, out


@pytest.mark.parametrize("width", [24, 30, 47, 80, 120])
def test_no_bar_of_usage_is_wrapped(width: int) -> None:
    run = RunUse(
        run_id="r1",
        at=datetime(2027, 1, 31, 12, tzinfo=UTC),
        department=None,
        injectors=2,
        users=200,
        duration_s=36_000,
        li_minutes=1_210,
        credits_li_minutes=1_210,
        usd_micros=0,
        corrected=False,
        rehearsal=False,
        tariff="starter",
        tariff_version=date(2026, 11, 1),
    )
    used = CycleUsage("acme", "starter", "UTC", DAYS, 1_790, (run,), ())
    console, out = terminal(width)
    show_usage(console, used)
    lines = [line.removeprefix(" " * INDENT).rstrip() for line in out.getvalue().splitlines()]
    drawn = [line.rstrip() for line in usage_plot(used, width - INDENT).plain.splitlines()]
    start = lines.index(drawn[0])
    assert lines[start : start + len(drawn)] == drawn


@pytest.mark.parametrize("width", [47, 80])
def test_no_line_of_advice_is_wrapped(width: int, tmp_path: Path) -> None:
    with Engine(f"sqlite:///{tmp_path / 'books.db'}", environment={}) as engine:
        advice = engine.reports.advise(li_minutes=60, runs=3)
    console, out = terminal(width)
    show_advice(console, advice)
    lines = [line.removeprefix(" " * INDENT).rstrip() for line in out.getvalue().splitlines()]
    drawn = draw(break_even_chart(advice), width - INDENT).plain.splitlines()
    assert [line.rstrip() for line in drawn if line.strip()] == [
        line for line in lines if line in {each.rstrip() for each in drawn} and line
    ]


@pytest.mark.parametrize("seller", [None, "Load Ltd"])
def test_invoices_with_a_credit_note_are_a_table_at_80_columns(
    seller: str | None, tmp_path: Path
) -> None:
    clock = ManualClock(datetime(2027, 1, 25, 9, tzinfo=UTC))
    with Engine(f"sqlite:///{tmp_path / 'books.db'}", clock=clock, environment={}) as engine:
        if seller is not None:
            engine.billing.set_seller(name=seller, country="DE")
        engine.accounts.open("acme", plan="starter")
        (first,) = engine.reports.invoices("acme")
        engine.accounts.refund("acme", invoice=first.number, usd_micros=5_000_000, reason="slow")
        issued = list(engine.reports.invoices("acme"))
    console, out = terminal(80)
    show_invoices(console, issued, "UTC", nothing="")
    text = out.getvalue()
    assert "number:" not in text
    assert max(map(len, text.splitlines())) <= 80
    shown = "".join(text.replace("│", " ").split())
    for invoice in issued:
        for line in invoice.lines:
            assert "".join(line.description.split()) in shown or line.description[:20] in text
