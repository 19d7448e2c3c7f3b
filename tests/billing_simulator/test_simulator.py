"""The simulator on a small scale, and that it finds what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, text

from engine.database import open_database, transaction
from tests.billing_simulator.invariants import CHECKS, broken
from tests.billing_simulator.months import month_day, start_of
from tests.billing_simulator.simulation import Plan, replay, simulate
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
COPIED = ("engine", "kernel", "pricing", "tests/billing_simulator")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_i1_to_i18_hold_whatever_happens_to_accounts_over_years(seed: int) -> None:
    outcome = simulate(Plan(seed, accounts=3, years=2))
    assert outcome.violations == []
    assert outcome.months == 72
    assert outcome.commands.total() > 100
    crashes = [count for fault, count in outcome.faults.items() if fault.startswith("crash")]
    assert sum(crashes) > 5
    assert outcome.faults["sent twice"] > 2


def test_an_account_lives_alone_as_it_does_among_others() -> None:
    plan = Plan(seed=4, accounts=3, years=1)
    together = simulate(plan)
    alone = replay(plan, 1)
    assert alone.digests == {1: together.digests[1]}
    other = replay(Plan(seed=5, accounts=3, years=1), 1)
    assert other.digests != alone.digests


class Fault(NamedTuple):
    """One wrong piece of code, and the seed and the years of a first account that meets it."""

    file: str
    right: str
    wrong: str
    seed: int
    years: int = 1


FAULTS = {
    "a request is noted before it is done": Fault(
        "pricing/ledger/idempotency.py",
        '"made_at": now}):\n        return True',
        '"made_at": now}):\n'
        '        conn.exec_driver_sql("COMMIT")\n'
        '        conn.exec_driver_sql("BEGIN IMMEDIATE")\n'
        "        return True",
        seed=1,
    ),
    "a request that is sent twice is done twice": Fault(
        "pricing/ledger/idempotency.py", "    return False", "    return True", seed=1
    ),
    "a late message pays for what is void": Fault(
        "pricing/subscriptions/subscriptions.py",
        "PERIODS.c.payment == PeriodPayment.UNPAID",
        "PERIODS.c.payment != PeriodPayment.PAID",
        seed=7,
        years=2,
    ),
    "a short month shortens all that follow": Fault(
        "pricing/periods.py",
        "min(anchor.day.day, calendar",
        "min((_first_day(anchor, n - 1) if n > 0 else anchor.day).day, calendar",
        seed=4,
    ),
    "credits come back to the lot that was taken first": Fault(
        "pricing/ledger/lots.py",
        "for taken in reversed(tuple(slices)):",
        "for taken in tuple(slices):",
        seed=6,
    ),
    "who has not paid may go on running for money": Fault(
        "pricing/run_charges/funding.py",
        "if payment.quote.unit is Unit.USD or payment.extra_usd_micros:",
        "if payment.extra_usd_micros:",
        seed=11,
    ),
    "what a paid run gives back is forgotten": Fault(
        "pricing/payments/run_payments.py",
        "setting_off = min(usd_micros, free_credit_of(conn, account_id))",
        "setting_off = 0",
        seed=1,
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_the_simulator_finds_a_fault(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    for folder in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    file = tmp_path / fault.file
    code = file.read_text(encoding="utf-8")
    assert code.count(fault.right) == 1
    file.write_text(code.replace(fault.right, fault.wrong), encoding="utf-8")
    options = ("--seed", str(fault.seed), "--account", "0", "--years", str(fault.years))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.billing_simulator", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert f"  seed {fault.seed}: " in ended.stdout, ended.stdout + ended.stderr


BROKEN_BOOKS = (
    """
    INSERT INTO accounts
      (id, timezone, activated_at, opened_at, opening_hash, last_command_at, channel)
    VALUES ('a', 'UTC', '2027-01-01', '2027-01-01', '', '2027-01-01', 'card')
    """,
    """
    INSERT INTO lots (id, account_id, kind, priority, amount, effective_at, created_at, cause)
    VALUES (1, 'a', 'plan', 20, 10, '2027-01-01', '2027-01-01', 'c')
    """,
    """
    INSERT INTO transactions
      (id, account_id, natural_key, cause, description, effective_at, recorded_at)
    VALUES (1, 'a', 'k', 'c', '', '2027-01-01', '2027-01-01')
    """,
    """
    INSERT INTO postings (transaction_id, account_id, ledger_account, unit, amount)
    VALUES (1, 'a', 'lot:1', 'li_minutes', 11)
    """,
)


@pytest.fixture
def empty_books(migrated_file: Path, tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}")


def test_every_check_of_an_invariant_can_be_asked(empty_books: Engine) -> None:
    with empty_books.connect() as conn:
        assert broken(conn) == []
    assert {name.split()[0] for name in CHECKS} >= {"I1", "I2", "I3", "I4", "I5", "I6", "I14"}
    empty_books.dispose()


def test_the_checks_see_what_is_broken_in_a_database(empty_books: Engine) -> None:
    with transaction(empty_books) as conn:
        for statement in BROKEN_BOOKS:
            conn.execute(text(statement))
        found = {each.split()[0] for each in broken(conn)}
    assert found == {"I1", "I2", "I3", "I4", "I18"}
    empty_books.dispose()


def _posted(cause: str, kind: str, **micros: int) -> list[str]:
    """SQL for a transaction that is sound, an amount for each ledger account."""
    key = f"{cause}:{kind}"
    header = f"""
        INSERT INTO transactions
          (account_id, natural_key, cause, description, effective_at, recorded_at)
        VALUES ('a', '{key}', '{cause}', '', '2027-01-01', '2027-01-01')
    """  # noqa: S608 - the test's own words
    lines = [
        f"""
        INSERT INTO postings (transaction_id, account_id, ledger_account, unit, amount)
        SELECT id, 'a', '{name}', 'usd_micros', {amount} FROM transactions
        WHERE natural_key = '{key}'
        """  # noqa: S608 - the test's own words
        for name, amount in micros.items()
    ]
    return [header, *lines]


def _payment(cause: str, usd_micros: int, state: str) -> str:
    return f"""
        INSERT INTO payments (cause, account_id, usd_micros, channel, state, reason, asked_at)
        VALUES ('{cause}', 'a', {usd_micros}, 'card', '{state}', '', '2027-01-01')
    """  # noqa: S608 - the test's own words


CHARGED = _posted("run:r", "start", receivable=10, revenue=-10)
PAID = [*CHARGED, _payment("run:r", 10, "accepted")]
WRONG_MONEY = {
    "a payment that is not in the ledger": (PAID, "I4 an accepted payment"),
    "a payment of another amount": (
        [*PAID, *_posted("run:r", "payment", cash=9, receivable=-9)],
        "I4 an accepted payment",
    ),
    "cash that nobody paid": (_posted("x", "payment", cash=5, receivable=-5), "I4 cash"),
    "more paid than was charged": (
        [
            *_posted("run:r", "start", receivable=9, revenue=-9),
            _payment("run:r", 10, "accepted"),
        ],
        "I4 what was paid for",
    ),
    "a charge that nobody is asked for": (CHARGED, "I4 receivable"),
    "a debt that was never charged": ([_payment("run:r", 10, "declined")], "I4 receivable"),
    "a period's price that was reduced": (
        _posted("subscription:1:period:0", "correction", receivable=-5, revenue=5),
        "I10 less is owed",
    ),
    "money that was sent back": (_posted("x", "refund", cash=-5, receivable=5), "I10 no cash"),
    "a set-off without credit": (
        _posted("run:r", "set-off", credit=5, receivable=-5),
        "I10 no more is set off",
    ),
    "credit without a correction": (
        _posted("run:r", "credit", credit=-5, receivable=5),
        "I10 a run gives",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_MONEY)
def test_the_checks_see_money_that_is_wrong(empty_books: Engine, wrong: str) -> None:
    statements, check = WRONG_MONEY[wrong]
    with transaction(empty_books) as conn:
        for statement in (BROKEN_BOOKS[0], *statements):
            conn.execute(text(statement))
        assert [each for each in broken(conn) if each.startswith(check)]
    empty_books.dispose()


def test_the_checks_let_a_paid_run_pass(empty_books: Engine) -> None:
    booked = [*PAID, *_posted("run:r", "payment", cash=10, receivable=-10)]
    with transaction(empty_books) as conn:
        for statement in (BROKEN_BOOKS[0], *booked):
            conn.execute(text(statement))
        money = [each for each in broken(conn) if each.startswith(("I1 ", "I4", "I10"))]
    assert money == []
    empty_books.dispose()


def test_r13_the_models_own_months_are_those_of_the_calendar() -> None:
    anchor = date(2027, 1, 31)
    assert [month_day(anchor, n).isoformat() for n in range(4)] == [
        "2027-01-31",
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
    ]
    # Cairo skips the midnight that begins 30 April 2027.
    cairo = start_of(date(2027, 1, 30), "Africa/Cairo", 3)
    assert cairo == datetime(2027, 4, 29, 22, tzinfo=UTC)
