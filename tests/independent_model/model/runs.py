"""Runs in the books: who pays, what is set aside, charged and given back (R1, R10, R70-R76)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from tests.independent_model.model import dunning
from tests.independent_model.model.account import Account, Refused
from tests.independent_model.model.catalogue import LI_MINUTE_USD_MICROS, ON_DEMAND
from tests.independent_model.model.departments import department_of, wallet_month
from tests.independent_model.model.lots import Part
from tests.independent_model.model.quotes import Quote, quote
from tests.independent_model.model.story import RunTimes, Step


@dataclass
class Run:
    """A run that was accepted.

    Attributes:
        parts: What was set aside of which lots.
        bought: Extra credits that it buys besides.
        state: ``waiting``, ``started`` or ``over``.
        kept: What stays charged of it.
    """

    id: str
    department: str
    quote: Quote
    parts: list[Part] = field(default_factory=list)
    bought: int = 0
    state: str = "waiting"
    charged_at: datetime | None = None
    kept: int = 0
    lines: list[int] = field(default_factory=list)


@dataclass
class Runs:
    """All runs of an account."""

    account: Account
    all: dict[str, Run] = field(default_factory=dict)

    def in_state(self, *states: str) -> list[Run]:
        """Those in a state, oldest first."""
        return [run for run in self.all.values() if run.state in states]

    def reserve(self, run_id: str, step: Step, at: datetime) -> None:
        """Accept a run: it is known who pays, and that is set aside (C11, C12, C20)."""
        account = self.account
        if account.active is None and not account.on_demand:
            raise Refused("ended")
        if dunning.suspended_at(account) is not None:
            # Not even with the credits that it has (C70).
            raise Refused("suspended")
        size = step.injectors, step.users, step.duration_s
        asked = quote(account.plan, *size)
        if step.department:
            run = self._by_department(run_id, step, asked, at)
        elif asked.in_money:
            account.check_paid()
            run = Run(run_id, "", asked)
        else:
            run = self._by_credits(run_id, asked)
        self.all[run_id] = run

    def _by_department(self, run_id: str, step: Step, asked: Quote, at: datetime) -> Run:
        """Its share first; if that does not cover the run, all of it by its wallet (R70-R73)."""
        account = self.account
        department = department_of(account, step.department)
        if not asked.in_money and asked.total <= account.credits.free(department.name):
            parts = account.credits.set_aside(department.name, asked.total)
            return Run(run_id, department.name, asked, parts)
        money = quote(ON_DEMAND, step.injectors, step.users, step.duration_s)
        spent, waiting = self.wallet(department.name, at)
        if spent + waiting + money.total > department.limit:
            raise Refused("wallet")
        account.check_paid()
        return Run(run_id, department.name, money)

    def _by_credits(self, run_id: str, asked: Quote) -> Run:
        """The account's own lots, then extra credits within their limit (C19, C20)."""
        account = self.account
        missing = max(0, asked.total - account.credits.free(""))
        if missing:
            if self.extra_used() + missing > account.extra_limit:
                raise Refused("credits")
            account.check_paid()
        parts = account.credits.set_aside("", asked.total - missing)
        return Run(run_id, "", asked, parts, missing)

    def extra_used(self) -> int:
        """Extra credits of this cycle, with those of runs that wait."""
        assert self.account.active is not None
        start, end = self.account.cycle(self.account.active)
        return sum(run.bought for run in _counted(self.all.values(), start, end))

    def wallet(self, department: str, at: datetime) -> tuple[int, int]:
        """What a department spent in its month, and what is set aside of its wallet (C13)."""
        start, end = wallet_month(self.account, at)
        mine = [
            run for run in self.all.values() if run.department == department and run.quote.in_money
        ]
        spent = sum(
            run.kept for run in mine if run.charged_at is not None and start <= run.charged_at < end
        )
        return spent, sum(run.quote.total for run in mine if run.state == "waiting")

    def charge(self, run: Run, times: RunTimes) -> None:
        """The whole quote, when the launch is intended (R1, C41)."""
        account, at = self.account, times.charged_at
        assert at is not None
        run.state, run.charged_at, run.kept = "started", at, run.quote.total
        if run.quote.in_money:
            account.money.charge(at, "start-up", run.quote.startup)
            account.money.charge(at, "use", run.quote.use)
            run.lines = [run.quote.startup, run.quote.use]
            account.money.owe(run.id, run.quote.total)
            return
        account.credits.take(run.parts)
        if run.bought:
            price = run.bought * LI_MINUTE_USD_MICROS
            account.money.charge(at, "extra-credits", price)
            run.lines = [price]
            account.money.owe(run.id, price)
            lot = account.credits.add("extra", run.bought, at)
            lot.left = 0
            run.parts.append((lot, run.bought))

    def give_up(self, run: Run) -> None:
        """Cancelled before anything was requested: it costs nothing (C5)."""
        self.account.credits.release(run.parts)
        run.state = "over"

    def finish(self, run: Run, times: RunTimes) -> None:
        """It is over: what is not kept of it comes back, and what it cost in money is invoiced."""
        at = times.ended_at
        assert at is not None
        startup, use = _kept(run.quote, times)
        run.state, run.kept = "over", startup + use
        back = run.quote.total - run.kept
        if run.quote.in_money:
            for what, line in (
                ("start-up", run.quote.startup - startup),
                ("use", run.quote.use - use),
            ):
                self.account.money.charge(at, what, -line)
                run.lines.append(-line)
            self.account.money.give_back(run.id, back)
        else:
            self.account.credits.give_back(run.parts, back)
        lines = tuple(line for line in run.lines if line)
        if lines:
            self._invoice(run.id, at, lines)

    def _invoice(self, run_id: str, at: datetime, lines: tuple[int, ...]) -> None:
        money = self.account.money
        invoice = money.invoices.issue(at, *lines, asked=lambda: money.runs[run_id].state)
        money.runs[run_id].invoice = invoice


def _kept(asked: Quote, times: RunTimes) -> tuple[int, int]:
    """What stays charged of the start-up and of the use (R10, R11, C5)."""
    if times.outcome == "completed":
        return asked.startup, asked.use
    if times.outcome == "cancelled":
        played_s = 0.0
        if times.load_from is not None and times.cancelled_at is not None:
            played_s = max(0.0, (times.cancelled_at - times.load_from).total_seconds())
        return asked.startup, asked.kept_after_cancel(played_s)
    # It failed before load flowed, and the cloud charged nothing.
    return 0, 0


def _counted(runs: Iterable[Run], start: datetime, end: datetime) -> list[Run]:
    return [
        run
        for run in runs
        if run.state == "waiting" or (run.charged_at is not None and start <= run.charged_at < end)
    ]
