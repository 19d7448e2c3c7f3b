"""Accounts with runs in their books, and the command line on the same books."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import pytest
from sqlalchemy import Connection

from loadmuster.cli.main import main
from pricing.ledger.issuing import issue_for_run
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.model import Plan
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import charge_start, correct, reserve
from pricing.tariffs import LoadSize


class Charge(Protocol):
    """Charge a run to an account."""

    def __call__(  # noqa: PLR0913 - what a run is made of
        self,
        conn: Connection,
        account_id: str,
        run_id: str,
        plan: Plan,
        at: datetime,
        *,
        injectors: int = 10,
        minutes: int = 6,
        users: int = 1_000,
        cancelled: bool = False,
    ) -> int:
        """Returns what it was quoted at, in the plan's unit."""
        ...


@pytest.fixture
def charge() -> Charge:
    """Reserve, charge and invoice a run; one that is cancelled keeps its start-up line only."""

    def charge_run(  # noqa: PLR0913 - what a run is made of
        conn: Connection,
        account_id: str,
        run_id: str,
        plan: Plan,
        at: datetime,
        *,
        injectors: int = 10,
        minutes: int = 6,
        users: int = 1_000,
        cancelled: bool = False,
    ) -> int:
        usage = LoadSize(injectors=injectors, users=users, duration_s=60 * minutes)
        quote = quote_run(plan, usage, at.date())
        reserve(conn, account_id, run_id, quote, now=at, gateway=REHEARSED_GATEWAY)
        charge_start(conn, run_id, now=at, gateway=REHEARSED_GATEWAY)
        if cancelled:
            correct(
                conn,
                run_id,
                keep_startup=quote.startup,
                keep_use=0,
                reason="end",
                now=at,
                gateway=REHEARSED_GATEWAY,
            )
        issue_for_run(conn, run_id, at)
        return quote.total

    return charge_run


@pytest.fixture
def run(database_url: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command on this test's database; its exit code, output and messages."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--db", database_url, *arguments])
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def answer(run: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command that succeeds; its JSON document."""

    def call(*arguments: str) -> Any:  # noqa: ANN401 - any document
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return call
