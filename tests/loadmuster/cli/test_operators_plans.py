"""An operator who sells plans of his own: every command quotes them, whatever is bundled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pricing.plans.on_sale import PLANS_VARIABLE
from tests.command_line import Answer
from tests.loadmuster.cli.conftest import CommandLine

PLANS = """
[[plans]]
name = "on-demand"
version = 2026-11-01
monthly_usd = "0.00"
li_minutes = 0
rollover = false
tariff = "on-demand"
cancellation = "startup_then_used"

[[plans]]
name = "club"
version = 2026-11-01
monthly_usd = "10.00"
li_minutes = 100000
rollover = true
tariff = "on-demand"
cancellation = "full_quote"
"""
CHECKOUT = "examples/checkout.yaml"


@pytest.fixture
def operator(
    loadmuster: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """The command line where other plans are sold."""
    path = tmp_path / "plans.toml"
    path.write_text(PLANS, encoding="utf-8")
    monkeypatch.setenv(PLANS_VARIABLE, str(path))
    return loadmuster


def _swept(line: CommandLine) -> Answer:
    return line.here("sweep", "--grid", "users=1000", "--grid", "duration=10m", "--plan", "club")


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (lambda line: line.here("estimate", CHECKOUT, "--json"), ["club", "on-demand"]),
        (lambda line: line.here("compare", CHECKOUT, "--json"), ["club", "on-demand"]),
        (
            lambda line: line.here("plot", "cost", CHECKOUT, "--tariff", "club", "--json"),
            ["club"],
        ),
        (lambda line: line.here("advise", "--li-minutes", "60", "--runs", "9", "--json"), ["club"]),
        (lambda line: line.here("account", "open", "acme", "--plan", "club", "--json"), ["club"]),
        (_swept, []),
    ],
    ids=["estimate", "compare", "plot", "advise", "account", "sweep"],
)
def test_each_command_sells_what_the_operator_sells(
    operator: CommandLine, command: Callable[[CommandLine], Answer], names: list[str]
) -> None:
    answer = command(operator)
    assert answer.code == 0, answer.err
    for name in names:
        assert f'"{name}"' in answer.out
    assert '"starter"' not in answer.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("estimate", CHECKOUT),
        ("compare", CHECKOUT),
        ("plot", "cost", CHECKOUT),
        ("sweep", "--grid", "users=1000", "--grid", "duration=10m"),
        ("account", "open", "acme"),
        ("advise", "--li-minutes", "60", "--runs", "9"),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_plans_that_cannot_be_read_are_refused_in_one_line(
    operator: CommandLine, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "plans.toml").write_text(PLANS.replace('"10.00"', "10.00"), encoding="utf-8")
    answer = operator.here(*arguments)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert (
        'plans 2: monthly_usd must be an amount of US dollars in quotes like "12.50"' in answer.err
    )
