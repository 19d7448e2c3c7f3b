"""Shares of grants, wallets, extra credits."""

from __future__ import annotations

from tests.faults.fault import Fault

SHARES = "tests/pricing/subscriptions/test_shares_of_grants.py"
EXTRA = "tests/pricing/departments/test_extra_credits.py"
DEPARTMENT_RUNS = "tests/pricing/departments/test_department_runs.py"
DEPARTMENTS = "tests/pricing/departments"

FAULTS = (
    Fault(
        "an allocation may be given twice",
        "pricing/ledger/allocations.py",
        "department.allocation_li_minutes - given, 0",
        "department.allocation_li_minutes, 0",
        (DEPARTMENTS,),
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
        "if allocated > plan.li_minutes:",
        "if allocated > plan.li_minutes + 1:",
        (DEPARTMENTS,),
        "c31",
    ),
    Fault(
        "sharing out forgets what it gave to the first",
        "pricing/ledger/allocations.py",
        "                free -= amount\n",
        "",
        (SHARES,),
        "oldest",
    ),
    Fault(
        "a raise takes from the grants of earlier periods",
        "pricing/ledger/allocations.py",
        " and lot.effective_at >= period.start\n",
        "\n",
        (SHARES,),
        "earlier_periods",
    ),
    Fault(
        "what was given of an earlier grant counts against a raise",
        "pricing/ledger/allocations.py",
        "            source.c.effective_at >= start,\n",
        "",
        (SHARES,),
        "earlier_grant",
    ),
    Fault(
        "boosts are shared",
        "pricing/ledger/allocations.py",
        "LotKind.PLAN, LotKind.UPGRADE})",
        "LotKind.PLAN, LotKind.UPGRADE, LotKind.BOOST})",
        (SHARES,),
        "boosts",
    ),
    Fault(
        "extra credits are shared",
        "pricing/ledger/allocations.py",
        "LotKind.PLAN, LotKind.UPGRADE})",
        "LotKind.PLAN, LotKind.UPGRADE, LotKind.EXTRA})",
        (SHARES,),
        "extra",
    ),
    Fault(
        "an upgrade's difference is not there for raises",
        "pricing/ledger/allocations.py",
        "LotKind.PLAN, LotKind.UPGRADE})",
        "LotKind.PLAN})",
        (SHARES,),
        "difference",
    ),
    Fault(
        "the grant that a downgrade brings is not looked at",
        "pricing/departments/commands.py",
        "for kind in (ChangeKind.DOWNGRADE, ChangeKind.NEW_TERMS)]",
        "for kind in (ChangeKind.NEW_TERMS,)]",
        (SHARES,),
        "c31",
    ),
    Fault(
        "shares outlive what they were taken from",
        "pricing/ledger/allocations.py",
        '            "expires_at": source.expires_at,\n',
        '            "expires_at": None,\n',
        (DEPARTMENTS,),
        "i14",
    ),
    Fault(
        "extra credits that wait do not count against the limit",
        "pricing/departments/extra_credits.py",
        "taken = self.bought_li_minutes + self.reserved_li_minutes",
        "taken = self.bought_li_minutes",
        (EXTRA,),
        "r107",
    ),
    Fault(
        "extra credits bought at a boundary count twice",
        "pricing/departments/extra_credits.py",
        "RESERVATIONS.c.ended_at < period.end",
        "RESERVATIONS.c.ended_at <= period.end",
        (EXTRA,),
        "c19",
    ),
    Fault(
        "a run at the boundary is spent in both months",
        "pricing/departments/wallet.py",
        "RESERVATIONS.c.ended_at < month.end",
        "RESERVATIONS.c.ended_at <= month.end",
        (DEPARTMENT_RUNS,),
        "c8",
    ),
    Fault(
        "another department's runs are spent from a wallet",
        "pricing/departments/wallet.py",
        "            DEPARTMENT_RUNS.c.department_id == department.id,\n"
        "            DEPARTMENT_RUNS.c.wallet",
        "            DEPARTMENT_RUNS.c.wallet",
        (DEPARTMENT_RUNS,),
        "own",
    ),
    Fault(
        "another department's waiting runs are held against a wallet",
        "pricing/departments/wallet.py",
        "            DEPARTMENT_RUNS.c.department_id == department.id,\n"
        "            RESERVATIONS.c.state",
        "            RESERVATIONS.c.state",
        (DEPARTMENT_RUNS,),
        "own",
    ),
)
