"""Deliberate faults in the billing code and the reaper: ``make mutants``. A test must catch each.

Every fault is one line of code, put into a copy of the tree in a temporary folder, where its tests
are run on SQLite. Fails if a fault survives, if a fault no longer fits the code, or if the tests
fail without any fault. With arguments, only the faults whose names contain one of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent
COPIED = (
    *("benchmarks", "docs", "engine", "examples", "kernel", "loadmuster", "pricing", "providers"),
    "tests",
    "pyproject.toml",
)
TIMEOUT_S = 900

PERIODS = "tests/pricing/test_periods.py"
LOTS = "tests/pricing/ledger/test_lots.py"
BALANCES = "tests/pricing/ledger/test_balances.py"
CHARGES = "tests/pricing/run_charges/test_charges.py"
ACCOUNTS = "tests/pricing/accounts/test_accounts.py"
QUOTES = "tests/pricing/plans/test_quotes.py"
TARIFFS = "tests/pricing/tariffs/test_tariffs.py"
USAGE = "tests/pricing/reports/test_usage.py"
ADVISOR = "tests/pricing/reports/test_advisor.py"
DEPARTMENTS = "tests/pricing/departments"
LIFE = "tests/pricing/subscriptions/test_worked_examples.py"
SIMULATOR = "tests/billing_simulator"
RUN_PAYMENTS = "tests/pricing/payments/test_run_payments.py"
REAPING = "tests/engine/runs/reaper/test_reaper.py"
SERVING = "tests/engine/runs/test_serving.py"


class Verdict(StrEnum):
    """What became of a fault; everything but the first is a failure."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    STALE = "STALE: the line is not there exactly once"
    BROKEN = "BROKEN: the tests could not be run"


class Fault(Struct, frozen=True):
    """One wrong line.

    Attributes:
        name: What is wrong, for people.
        file: Where, below the root.
        right: Text that stands there exactly once.
        wrong: What stands there instead.
        tests: Paths below the root; one of their tests must fail.
        only: An expression that selects among them, as for ``pytest -k``; empty: all.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]
    only: str = ""

    def fits(self, tree: Path) -> bool:
        """Whether the right text stands in its place exactly once."""
        file = tree / self.file
        return file.is_file() and file.read_text(encoding="utf-8").count(self.right) == 1


FAULTS = (
    Fault(
        "each month is counted from the month before",
        "pricing/periods.py",
        "min(anchor.day.day, calendar",
        "min((_first_day(anchor, n - 1) if n > 0 else anchor.day).day, calendar",
        (PERIODS,),
        "short_month or 48",
    ),
    Fault(
        "a period lasts 30 days",
        "pricing/periods.py",
        "end=first_instant(next_first_day, anchor.zone)",
        "end=first_instant(first_day, anchor.zone) + timedelta(days=30)",
        (PERIODS,),
    ),
    Fault(
        "an account of 11 October 2021 is not legacy",
        "pricing/periods.py",
        "date(2021, 10, 12)",
        "date(2021, 10, 11)",
        (PERIODS,),
        "r17 or r18",
    ),
    Fault(
        "the day of activation is the one in UTC",
        "pricing/periods.py",
        "day = activated_at.astimezone(zoneinfo.ZoneInfo(timezone)).date()",
        "day = activated_at.astimezone(UTC).date()",
        (PERIODS,),
        "r12",
    ),
    Fault(
        "the first instant of a period belongs to the one before",
        "pricing/periods.py",
        "anchor.zone) <= instant",
        "anchor.zone) < instant",
        (PERIODS, "tests/pricing/accounts/clock"),
        "tile or every_hour",
    ),
    Fault(
        "a skipped midnight is taken for an hour that there is",
        "pricing/periods.py",
        "if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):",
        "if instant is not None:",
        (PERIODS,),
        "cairo or first_instant",
    ),
    Fault(
        "the floor of 100 injectors ends at 99",
        "pricing/tariffs/model.py",
        "injectors <= floor.up_to_injectors",
        "injectors < floor.up_to_injectors",
        (TARIFFS,),
    ),
    Fault(
        "halves are rounded down",
        "pricing/money.py",
        "return (2 * numerator + denominator) // (2 * denominator)",
        "return numerator // denominator",
        (QUOTES, TARIFFS),
    ),
    Fault(
        "halves of a cent go to the even cent",
        "pricing/money.py",
        "to_integral_value(ROUND_HALF_UP)",
        "to_integral_value()",
        (ADVISOR,),
        "rounded",
    ),
    Fault(
        "a started minute does not count after a cancel",
        "pricing/plans/quotes.py",
        "quote.injectors * math.ceil(",
        "quote.injectors * math.floor(",
        (QUOTES,),
    ),
    Fault(
        "a cancel within the floor still pays for use",
        "pricing/plans/quotes.py",
        "used = min(started, quote.li_minutes) - quote.startup_li_minutes",
        "used = min(started, quote.li_minutes)",
        (QUOTES,),
    ),
    Fault(
        "a subscription's runs are quoted in money",
        "pricing/plans/quotes.py",
        "if plan.is_subscription:",
        "if plan.li_minutes < 0:",
        (QUOTES,),
    ),
    Fault(
        "what is left below one run's need counts as a run",
        "pricing/plans/quotes.py",
        "return max(balance_li_minutes, 0) // required_li_minutes",
        "return -(-max(balance_li_minutes, 0) // required_li_minutes)",
        (ADVISOR,),
        "w4",
    ),
    Fault(
        "lots burn in the reverse order of their priorities",
        "pricing/ledger/lots.py",
        "            LOTS.c.priority,",
        "            LOTS.c.priority.desc(),",
        (LOTS,),
    ),
    Fault(
        "lots that never expire burn first",
        "pricing/ledger/lots.py",
        "            LOTS.c.expires_at.is_(None),\n",
        "            LOTS.c.expires_at.is_not(None),\n",
        (LOTS,),
    ),
    Fault(
        "a lot can be used at the instant at which it expires",
        "pricing/ledger/lots.py",
        "LOTS.c.expires_at > at",
        "LOTS.c.expires_at >= at",
        (LOTS, ACCOUNTS),
    ),
    Fault(
        "reserved credits can be reserved again",
        "pricing/ledger/lots.py",
        "return self.remaining - self.reserved",
        "return self.remaining",
        (CHARGES,),
        "reservations_count",
    ),
    Fault(
        "credits come back to the lot that was taken first",
        "pricing/ledger/lots.py",
        "for taken in reversed(tuple(slices)):",
        "for taken in tuple(slices):",
        (LOTS, CHARGES),
    ),
    Fault(
        "a lot may hold more than was granted",
        "pricing/ledger/lots.py",
        "if not 0 <= held <= amount:",
        "if held < 0:",
        (LOTS, CHARGES),
    ),
    Fault(
        "a run's charge has no key of its own",
        "pricing/run_charges/charges.py",
        'natural_key=f"{cause}:{key}"',
        'natural_key=f"{cause}:{key}:{object()!r}"',
        (CHARGES,),
    ),
    Fault(
        "a run that is never launched keeps its reservation",
        "pricing/run_charges/charges.py",
        "end_reservation(conn, run_id, ReservationState.VOID, instant)",
        "pass",
        (CHARGES,),
    ),
    Fault(
        "a correction gives the start-up line back too",
        "pricing/run_charges/charges.py",
        "returned = (quote.startup - keep_startup) + (quote.use - keep_use)",
        "returned = (quote.startup - (keep_startup := 0)) + (quote.use - keep_use)",
        (CHARGES,),
        "r10",
    ),
    Fault(
        "a transaction need not sum to zero",
        "pricing/ledger/ledger.py",
        "if not self.postings or any(sums.values()) or",
        "if not self.postings or",
        ("tests/pricing/ledger/test_ledger.py",),
    ),
    Fault(
        "the same key may stand for something else",
        "pricing/ledger/ledger.py",
        "        _check_same(conn, transaction)\n        return False",
        "        return False",
        ("tests/pricing/ledger/test_ledger.py",),
    ),
    Fault(
        "one of many transactions may stand for something else",
        "pricing/ledger/ledger.py",
        "        _check_same(conn, wanted[key])",
        "        pass",
        ("tests/pricing/ledger/test_ledger.py",),
    ),
    Fault(
        "the posting at the mark counts twice",
        "pricing/ledger/balances.py",
        '_Postings.id > bindparam("mark")',
        '_Postings.id >= bindparam("mark")',
        (BALANCES,),
    ),
    Fault(
        "a second fold forgets the first",
        "pricing/ledger/balances.py",
        "_Snapshots.amount + snapshots.excluded.amount",
        "snapshots.excluded.amount",
        (BALANCES,),
    ),
    Fault(
        "a snapshot goes and its mark stays",
        "engine/database/migrations/versions/0005_snapshots.py",
        " BEGIN DELETE FROM snapshot_marks WHERE account_id = OLD.account_id; END",
        " BEGIN DELETE FROM snapshot_marks WHERE account_id = ''; END",
        (BALANCES,),
    ),
    Fault(
        "commands never fold",
        "pricing/accounts/advance.py",
        "    fold(conn, account_id)\n",
        "",
        (BALANCES,),
    ),
    Fault(
        "an account that fails holds up the others",
        "pricing/accounts/advance.py",
        "    except LoadmusterError as failure:",
        "    except KeyError as failure:",
        ("tests/pricing/accounts/test_account_commands.py",),
    ),
    Fault(
        "invoice numbers have gaps",
        "pricing/ledger/invoices.py",
        "scalar_one() + 1",
        "scalar_one() + 2",
        ("tests/pricing/ledger/test_invoices.py",),
    ),
    Fault(
        "an invoice's text is not escaped",
        "pricing/reports/invoices_page.py",
        "autoescape=True",
        "autoescape=False",
        ("tests/pricing/reports/test_invoice_page.py",),
    ),
    Fault(
        "a request id may stand for another request",
        "pricing/ledger/idempotency.py",
        "if done._asdict() != asked:",
        "if done is None:",
        (ACCOUNTS,),
        "request_id",
    ),
    Fault(
        "a request is noted before it is done",
        "pricing/ledger/idempotency.py",
        '"made_at": now}):\n        return True',
        '"made_at": now}):\n        conn.exec_driver_sql("COMMIT")\n'
        '        conn.exec_driver_sql("BEGIN IMMEDIATE")\n        return True',
        (SIMULATOR,),
        "i18",
    ),
    Fault(
        "a late message pays for what is void",
        "pricing/subscriptions/subscriptions.py",
        "PERIODS.c.payment == PeriodPayment.UNPAID",
        "PERIODS.c.payment != PeriodPayment.PAID",
        (SIMULATOR, "tests/pricing/subscriptions/test_ends_and_payments.py"),
        "i18 or c24 or never_collected",
    ),
    Fault(
        "a late message pays for the next subscription",
        "pricing/accounts/overdue.py",
        "unpaid = {subscription.cause_of(n): n for",
        "unpaid = {f\"subscription:{key.split(':')[1]}:period:{n}\": n for",
        ("tests/pricing/subscriptions/test_ends_and_payments.py",),
        "old_subscription",
    ),
    Fault(
        "an allocation may be given twice",
        "pricing/ledger/allocations.py",
        "department.allocation_li_minutes - given, 0",
        "department.allocation_li_minutes, 0",
        (DEPARTMENTS,),
    ),
    Fault(
        "a clock may go backwards",
        "pricing/accounts/advance.py",
        "if now < last - CLOCK_TOLERANCE:",
        "if now < last - 1_000 * CLOCK_TOLERANCE:",
        (ACCOUNTS,),
        "backwards or tolerance",
    ),
    Fault(
        "the day of a run is the one in UTC",
        "pricing/reports/usage.py",
        "run.at.astimezone(zone).date()",
        "run.at.date()",
        (USAGE,),
    ),
    Fault(
        "a run at the boundary is used in both cycles",
        "pricing/reports/usage_records.py",
        "RESERVATIONS.c.ended_at < end",
        "RESERVATIONS.c.ended_at <= end",
        (USAGE, ADVISOR),
    ),
    Fault(
        "a plan that costs the same is called cheaper",
        "pricing/reports/break_even.py",
        "max(cost // run_usd_micros,",
        "max((cost - 1) // run_usd_micros,",
        (ADVISOR,),
        "cheaper",
    ),
    Fault(
        "a wallet's limit may not be reached",
        "pricing/run_charges/funding.py",
        "if money.total > wallet.available_usd_micros:",
        "if money.total >= wallet.available_usd_micros:",
        (DEPARTMENTS,),
        "c13",
    ),
    Fault(
        "runs that wait do not count against the wallet",
        "pricing/departments/wallet.py",
        "self.spent_usd_micros - self.reserved_usd_micros",
        "self.spent_usd_micros",
        (DEPARTMENTS,),
    ),
    Fault(
        "allocations may exceed the grant by one",
        "pricing/ledger/allocations.py",
        "if allocated > grant_li_minutes:",
        "if allocated > grant_li_minutes + 1:",
        (DEPARTMENTS,),
        "c31",
    ),
    Fault(
        "a department needs one LI-minute more than its run",
        "pricing/run_charges/funding.py",
        "if quote.total <= free:",
        "if quote.total < free:",
        (DEPARTMENTS,),
    ),
    Fault(
        "extra credits are one fewer than the limit",
        "pricing/run_charges/funding.py",
        "missing > extra.available_li_minutes:",
        "missing >= extra.available_li_minutes:",
        (DEPARTMENTS,),
        "extra or r107 or r108",
    ),
    Fault(
        "credits do not roll over",
        "pricing/subscriptions/subscriptions.py",
        "expires_at=None if plan.rollover else due.end",
        "expires_at=due.end",
        (ACCOUNTS,),
        "r21 or w1",
    ),
    Fault(
        "a grant is twice what the plan says",
        "pricing/subscriptions/subscriptions.py",
        "amount=plan.li_minutes,",
        "amount=2 * plan.li_minutes,",
        (ACCOUNTS,),
        "w1",
    ),
    Fault(
        "the last period that is due is left out",
        "pricing/subscriptions/subscriptions.py",
        "due = range(first, period_number(subscription.anchor, now) + 1)",
        "due = range(first, period_number(subscription.anchor, now))",
        (ACCOUNTS,),
        "w1",
    ),
    Fault(
        "an upgrade charges the whole new price",
        "pricing/accounts/plan_changes.py",
        "usd_micros=wanted.monthly_usd_micros - plan.monthly_usd_micros",
        "usd_micros=wanted.monthly_usd_micros",
        (LIFE,),
        "w2",
    ),
    Fault(
        "an upgrade grants the whole new plan",
        "pricing/accounts/plan_changes.py",
        "difference = wanted.li_minutes - plan.li_minutes",
        "difference = wanted.li_minutes",
        (LIFE,),
        "w2 or w5",
    ),
    Fault(
        "a downgrade takes effect at once",
        "pricing/accounts/plan_changes.py",
        "plan=wanted,\n        effective_at=context.period.end,",
        "plan=wanted,\n        effective_at=context.at,",
        (LIFE,),
        "w6",
    ),
    Fault(
        "a downgrade keeps the credits",
        "pricing/subscriptions/boundaries.py",
        "        void_all(conn, account_id, at=at, now=now)\n",
        "",
        (LIFE,),
        "w6 or w7",
    ),
    Fault(
        "an upgrade is prorated",
        "pricing/accounts/plan_changes.py",
        "usd_micros=wanted.monthly_usd_micros - plan.monthly_usd_micros",
        "usd_micros=(wanted.monthly_usd_micros - plan.monthly_usd_micros) // 2",
        (LIFE,),
        "w2",
    ),
    Fault(
        "a period is charged before the downgrade is applied",
        "pricing/subscriptions/boundaries.py",
        "change.effective_at <= start:",
        "change.effective_at < start:",
        (LIFE,),
        "w6",
    ),
    Fault(
        "on demand, the credits can still be used",
        "pricing/accounts/on_demand.py",
        "    _suspend(conn, account_id, context.at)",
        "    _suspend(conn, account_id, None)",
        (LIFE,),
        "w7",
    ),
    Fault(
        "an undo leaves the credits suspended",
        "pricing/accounts/on_demand.py",
        "        _suspend(conn, account_id, None)",
        "        _suspend(conn, account_id, context.at)",
        (LIFE,),
        "w7",
    ),
    Fault(
        "a cancellation counts without a confirmation",
        "pricing/accounts/cancellations.py",
        "        effective_at=None,\n        requested_by=by,",
        "        effective_at=context.period.end,\n        requested_by=by,",
        (LIFE,),
        "w8",
    ),
    Fault(
        "a renewal is possible at the last instant too",
        "pricing/accounts/cancellations.py",
        "context.at >= until:",
        "context.at > until:",
        (LIFE,),
        "w8",
    ),
    Fault(
        "a boost is free",
        "pricing/accounts/boosts.py",
        "usd_micros=plan.price_of_boost_usd_micros",
        "usd_micros=0",
        (LIFE,),
        "w5",
    ),
    Fault(
        "a trial lasts a day longer",
        "pricing/subscriptions/activation.py",
        "timedelta(days=plan.trial_days)",
        "timedelta(days=plan.trial_days + 1)",
        (LIFE,),
        "w10",
    ),
    Fault(
        "what a run owes is not collected",
        "pricing/accounts/advance.py",
        "    collect_due_runs(conn, account_id, gateway=gateway, now=instant)\n",
        "",
        (RUN_PAYMENTS,),
        "r1",
    ),
    Fault(
        "a payment does not reach the ledger",
        "pricing/payments/collecting.py",
        "    post(conn, paid)\n",
        "",
        (RUN_PAYMENTS,),
        "r1",
    ),
    Fault(
        "what a paid run gives back is forgotten",
        "pricing/payments/run_payments.py",
        "setting_off = min(usd_micros, credit_of(conn, account_id))",
        "setting_off = 0",
        (RUN_PAYMENTS,),
        "set_off",
    ),
    Fault(
        "who has not paid for a run may start the next",
        "pricing/run_charges/funding.py",
        "if payment.quote.unit is Unit.USD or payment.extra_usd_micros:",
        "if payment.extra_usd_micros:",
        (RUN_PAYMENTS,),
        "c24",
    ),
    Fault(
        "a run that was launched is no longer at once with others",
        "pricing/ledger/reservations.py",
        "RESERVATIONS.c.account_id == account_id, RESERVATIONS.c.run_ended_at.is_(None)",
        "RESERVATIONS.c.account_id == account_id, RESERVATIONS.c.ended_at.is_(None)",
        ("tests/pricing/run_charges/test_caps.py",),
    ),
    Fault(
        "the reaper reads the store first and the cloud second",
        "engine/runs/reaper/reaper.py",
        "    machines = provider.observe_all(place.regions)\n"
        "    known = ended({machine.run_id for machine in machines})\n",
        "    known = ended({each.run_id for each in provider.observe_all(place.regions)})\n"
        "    machines = provider.observe_all(place.regions)\n",
        (REAPING,),
        "between_the_two",
    ),
    Fault(
        "the reaper takes machines of any age",
        "engine/runs/reaper/orphans.py",
        "<= born_by",
        "<= now",
        (REAPING,),
        "younger",
    ),
    Fault(
        "an open run's machines are reaped when one of them is out of time",
        "engine/runs/reaper/orphans.py",
        "if all(machine.expires_at",
        "if any(machine.expires_at",
        (REAPING,),
        "has_time_left",
    ),
    Fault(
        "what serves takes runs that a living controller holds",
        "engine/runs/leases/claims.py",
        'RUNS.c.lease_until <= bindparam("now"),',
        "RUNS.c.lease_until.is_not(None),",
        (SERVING,),
        "lease or accepted",
    ),
)


def main(wanted: Sequence[str]) -> int:
    """Run the faults; 1 if any of them was not caught."""
    faults = [each for each in FAULTS if not wanted or any(word in each.name for word in wanted)]
    with _copy_of_the_tree() as tree:
        paths = sorted({test for each in faults for test in each.tests})
        sound = _run_tests(tree, [*paths, "-n", str(os.cpu_count())], "")
    if sound.returncode:
        _say(sound.stdout)
        _say("without any fault, the tests fail already")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = []
        for fault, verdict in zip(faults, pool.map(_try, faults), strict=True):
            _say(f"{verdict:9} {fault.name}")
            verdicts.append(verdict)
    caught = verdicts.count(Verdict.CAUGHT)
    _say(f"\n{caught} of {len(faults)} faults were caught.")
    return 0 if caught == len(faults) else 1


def _try(fault: Fault) -> Verdict:
    with _copy_of_the_tree() as tree:
        if not fault.fits(tree):
            return Verdict.STALE
        file = tree / fault.file
        code = file.read_text(encoding="utf-8")
        file.write_text(code.replace(fault.right, fault.wrong), encoding="utf-8")
        ended = _run_tests(tree, fault.tests, fault.only)
    return {0: Verdict.SURVIVED, 1: Verdict.CAUGHT}.get(ended.returncode, Verdict.BROKEN)


def _run_tests(tree: Path, arguments: Iterable[str], only: str) -> subprocess.CompletedProcess[str]:
    chosen = f"({only}) and not postgres" if only else "not postgres"
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-qx",
            "-p",
            "no:cacheprovider",
            "-m",
            "",
            "-k",
            chosen,
            *arguments,
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@contextmanager
def _copy_of_the_tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loadmuster-fault-") as folder:
        tree = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__", ".mypy_cache")
                shutil.copytree(ROOT / name, tree / name, ignore=ignored)
            else:
                shutil.copy(ROOT / name, tree / name)
        yield tree


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
