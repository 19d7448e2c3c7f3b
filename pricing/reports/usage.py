"""Usage: how the credits and the money of a billing cycle were used, by day, department and run.

Pure: the facts come from the ledger (``usage_records``), and are only added up here. A run belongs
to the day and to the cycle in which it was charged; what a later correction gave back is taken off
it there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct

from pricing.accounts.clock import AsOf
from pricing.periods import Period
from pricing.reports.billing_cycles import BillingCycles
from pricing.taxes.model import Taxation

_Key = TypeVar("_Key", bound=Hashable)


class RunUse(Struct, frozen=True):
    """What one run used, after its correction.

    Attributes:
        run_id: The run.
        at: When it was charged, which is as it was launched.
        department: Whose it was; None: the account's own.
        injectors: Standard injectors.
        users: Virtual users at most at once.
        duration_s: Planned length.
        li_minutes: LI-minutes that it is billed for, whoever paid.
        credits_li_minutes: Those of them that were debited from credits; the others cost money.
        usd_micros: Money that it cost.
        corrected: Whether anything came back.
        rehearsal: Whether nothing real was launched.
        tariff: What it was quoted by.
        tariff_version: The version of that tariff.
    """

    run_id: str
    at: datetime
    department: str | None
    injectors: int
    users: int
    duration_s: int
    li_minutes: int
    credits_li_minutes: int
    usd_micros: int
    corrected: bool
    rehearsal: bool
    tariff: str
    tariff_version: date


class PurchaseRow(Struct, frozen=True):
    """Money charged for anything but a run: a period of a plan, an upgrade, a boost.

    Attributes:
        key: The natural key of its transaction.
        what: The part of revenue that it is: ``subscription``, ``boost``.
        description: One line for people.
        at: When it was charged.
        usd_micros: How much.
    """

    key: str
    what: str
    description: str
    at: datetime
    usd_micros: int

    @property
    def recurs(self) -> bool:
        """Whether it is the price of a period, and not bought in between."""
        return ":period:" in self.key


class TaxRow(Struct, frozen=True):
    """The tax on one charge or correction.

    Attributes:
        key: The natural key of its transaction.
        at: When that counts.
        taxation: How it is taxed.
        net_usd_micros: What is taxed.
        tax_usd_micros: The tax.
    """

    key: str
    at: datetime
    taxation: Taxation
    net_usd_micros: int
    tax_usd_micros: int


class Total(Struct, frozen=True):
    """What a number of runs used together."""

    runs: int = 0
    li_minutes: int = 0
    credits_li_minutes: int = 0
    usd_micros: int = 0

    def __add__(self, run: RunUse) -> Total:
        """The total with one more run."""
        return Total(
            self.runs + 1,
            self.li_minutes + run.li_minutes,
            self.credits_li_minutes + run.credits_li_minutes,
            self.usd_micros + run.usd_micros,
        )


class CycleUsage(Struct, frozen=True):
    """One account's usage of one billing cycle, or of any period (R95, R102, R103).

    Attributes:
        account_id: Whose.
        plan: What it is on.
        timezone: Decides which day is which.
        cycle: The billing period; on demand the calendar month (C8); or any days in a row.
        remaining_li_minutes: Credits that are left now.
        runs: In the order in which they were charged.
        purchases: Likewise.
        cycles: Which cycle each charge belongs to; None: all of them to ``cycle``.
        as_of: What instant the books were seen at.
        is_cycle: ``cycle`` is a billing cycle; false: it is the period that was asked for.
        taxes: The tax on each charge and correction; of a run it counts when that was charged.
    """

    account_id: str
    plan: str
    timezone: str
    cycle: Period
    remaining_li_minutes: int
    runs: tuple[RunUse, ...]
    purchases: tuple[PurchaseRow, ...]
    cycles: BillingCycles | None = None
    as_of: AsOf | None = None
    is_cycle: bool = True
    taxes: tuple[TaxRow, ...] = ()

    @property
    def total(self) -> Total:
        """All runs together; ``credits_li_minutes`` is what was consumed of the credits."""
        return _add_up(self.runs, lambda _: None).get(None, Total())

    @property
    def li_minutes(self) -> int:
        """What the runs are billed for, whoever paid."""
        return self.total.li_minutes

    @property
    def consumed_li_minutes(self) -> int:
        """What the runs consumed of the credits."""
        return self.total.credits_li_minutes

    @property
    def runs_usd_micros(self) -> int:
        """What the runs cost in money."""
        return self.total.usd_micros

    @property
    def charged_usd_micros(self) -> int:
        """All money of the cycle, net: runs and purchases."""
        return self.runs_usd_micros + sum(each.usd_micros for each in self.purchases)

    @property
    def tax_usd_micros(self) -> int:
        """The tax on it."""
        return sum(each.tax_usd_micros for each in self.taxes)

    def cycle_at(self, instant: datetime) -> Period:
        """The billing cycle that a charge belongs to."""
        return self.cycle if self.cycles is None else self.cycles.at(instant)

    def by_day(self) -> Mapping[date, Total]:
        """Every day of the cycle in order, days without a run too."""
        zone = ZoneInfo(self.timezone)
        used = _add_up(self.runs, lambda run: run.at.astimezone(zone).date())
        length = (self.cycle.last_day - self.cycle.first_day).days + 1
        days = (self.cycle.first_day + timedelta(days=number) for number in range(length))
        return {day: used.get(day, Total()) for day in days}

    def by_department(self) -> Mapping[str | None, Total]:
        """Departments by name after the account's own runs; only those with runs."""
        used = _add_up(self.runs, lambda run: run.department)
        return {name: used[name] for name in sorted(used, key=lambda name: name or "")}


def _add_up(runs: Iterable[RunUse], key: Callable[[RunUse], _Key]) -> Mapping[_Key, Total]:
    totals: defaultdict[_Key, Total] = defaultdict(Total)
    for run in runs:
        totals[key(run)] += run
    return dict(totals)
