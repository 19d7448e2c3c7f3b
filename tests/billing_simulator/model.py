"""The model of one account: what its books should say, kept by plain counters.

It is told which commands the books accepted, and when; it knows the plans, and counts months by
its own arithmetic. It shares no code with what it checks but the plan file's figures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pricing.payments.gateway import DECLINES, DELAYS
from pricing.plans.model import Plan
from tests.billing_simulator.credits import NEVER, SHARED, Credits, Lot, take
from tests.billing_simulator.debts import Money
from tests.billing_simulator.months import anchor_day, day_of, number_at, start_of

GOOD = "tok_good"
ANSWERS = {DECLINES: "declined", DELAYS: "delayed"}
"""What the rehearsed gateway says to a card, if it does not accept it."""


@dataclass
class Department:
    """What a department gets of each grant, and may spend a month."""

    name: str
    allocation: int = 0
    limit_usd_micros: int = 0


@dataclass
class Account:
    """An account as it should be.

    Attributes:
        unpaid: Numbers of the periods that could not be collected.
        waiting: Plan and instant of what will happen at the boundary, by kind; a cancellation
            that was only asked for has no instant. Whatever waited when the account went on demand
            waits beneath that.
        revenue: Micro-dollars charged so far, by kind, corrections taken off.
        periods: Periods charged and granted, over all subscriptions.
        next_n: The first period of the subscription that has not begun.
    """

    zone: str
    activated: datetime
    plan: Plan
    card: str | None
    channel: str
    credits: Credits = field(default_factory=Credits)
    money: Money = field(default_factory=Money)
    departments: dict[str, Department] = field(default_factory=dict)
    unpaid: list[int] = field(default_factory=list)
    waiting: dict[str, tuple[Plan | None, datetime | None]] = field(default_factory=dict)
    revenue: Counter[str] = field(default_factory=Counter)
    anchor: date = date.max
    started: datetime = NEVER
    subscriptions: int = 0
    next_n: int = 0
    periods: int = 0
    ended: bool = True
    deleted: bool = False
    suspended: bool = False
    extra_limit: int = 0

    @property
    def is_monthly(self) -> bool:
        return not self.ended and self.plan.has_periods

    @property
    def answer(self) -> str:
        """What the rehearsed gateway says to whatever it is asked for."""
        return ANSWERS.get(self.card or "", "accepted") if self.channel == "card" else "accepted"

    def collect(self, n: int | None, price: int) -> bool:
        """Whether a price is paid, by what is in credit or by the rehearsed gateway."""
        sets_off = self.channel != "aws-marketplace"
        return self.money.collect(n, price, self.answer, sets_off=sets_off) == "accepted"

    def would_pay(self) -> bool:
        """Whether the first of what is owed would be paid if it were asked for."""
        if self.answer == "accepted":
            return True
        if self.payable:
            n = self.payable[0]
            kept = self.money.wanted[n] if n in self.money.delayed else 0
            return self.money.free + kept >= self.plan.monthly_usd_micros
        debt = self.money.debts[self.money.uncollected[0]]
        return debt.state == "declined" and self.money.free >= debt.usd_micros

    def give_up_periods(self) -> None:
        """What was not paid of the plan is never asked for again."""
        self.money.forget(*self.unpaid)
        self.unpaid = []

    @property
    def is_overdue(self) -> bool:
        """Whether a period or a run could not be collected: nothing is sold for money then."""
        return bool(self.payable or self.money.uncollected)

    @property
    def payable(self) -> list[int]:
        """Numbers of the periods that paying now would pay for."""
        return self.unpaid if self.is_monthly else []

    def subscribe(self, plan: Plan, at: datetime) -> None:
        """A plan with an anchor of its own; its first period, or its trial, begins."""
        bought = day_of(at if self.subscriptions else self.activated, self.zone)
        self.anchor = anchor_day(day_of(self.activated, self.zone), bought)
        self.plan, self.started, self.ended = plan, at, False
        self.subscriptions += 1
        self.next_n = number_at(self.anchor, self.zone, at)
        self.give_up_periods()
        self.waiting = {}
        if plan.trial_days is not None:
            ends = at + timedelta(days=plan.trial_days)
            self._grant(self.credits.grant("trial", plan.li_minutes, at, ends), at)
            self.waiting["trial_end"] = (None, ends)
        elif plan.has_periods:
            self.collect(self.next_n, plan.monthly_usd_micros)
            self.pay_period(self.next_n, at)
            self.next_n += 1

    def advance(self, to: datetime) -> None:
        """Cross the boundaries up to an instant, one by one; then ask for what runs owe."""
        while self.is_monthly and (start := self.start_of(self.next_n)) <= to:
            self._cross(start)
        if not self.ended and not self.is_monthly:
            self._apply_waiting(to)
        self.credits.expire(to)
        self.money.collect_due_runs(self.answer)

    def _cross(self, start: datetime) -> None:
        """The beginning of a period: what waits for it, then its charge and its grant."""
        self.credits.expire(start)
        self._apply_waiting(start)
        if self.ended:
            return
        if not self.plan.rollover:
            self.give_up_periods()
        if self.collect(self.next_n, self.plan.monthly_usd_micros):
            self.pay_period(self.next_n, start)
        else:
            self.unpaid.append(self.next_n)
        self.next_n += 1

    def _apply_waiting(self, until: datetime) -> None:
        kinds = self.waiting.keys() & {"on_demand"} or set(self.waiting)
        due = [
            (kind, plan)
            for kind, (plan, at) in self.waiting.items()
            if kind in kinds and at is not None and at <= until
        ]
        for kind, plan in due:
            del self.waiting[kind]
            if kind != "trial_end":
                self.credits.void_all()
                self.give_up_periods()
            if kind == "downgrade":
                assert plan is not None
                self.plan = plan
            elif kind == "on_demand":
                self.suspended, self.waiting = False, {}
            else:
                self.ended, self.waiting = True, {}

    def start_of(self, n: int) -> datetime:
        return start_of(self.anchor, self.zone, n)

    def pay_period(self, n: int, at: datetime) -> None:
        """One charge and one grant, of which the departments get their shares."""
        self.revenue["subscription"] += self.plan.monthly_usd_micros
        self.periods += 1
        expires = None if self.plan.rollover else self.start_of(n + 1)
        self._grant(self.credits.grant("plan", self.plan.li_minutes, at, expires), at)

    def _grant(self, lot: Lot, at: datetime) -> None:
        """What a plan grants; the departments get their shares of it."""
        for department in self.departments.values():
            amount = min(department.allocation, lot.free)
            if amount:
                self.credits.share(lot, department.name, amount, at)

    def pay_overdue(self, at: datetime, n: int) -> None:
        self.pay_period(n, at)
        self.unpaid.remove(n)

    def pay(self, at: datetime) -> None:
        """What could not be collected is asked for, periods first, up to the first that is not."""
        for n in list(self.payable):
            if not self.collect(n, self.plan.monthly_usd_micros):
                return
            self.pay_overdue(at, n)
        for run in self.money.uncollected:
            if not self.money.ask_again(run, self.answer):
                return

    def cycle(self, at: datetime) -> tuple[datetime, datetime] | None:
        """The billing period, or the trial; None where there is none."""
        if self.ended or not self.plan.is_subscription:
            return None
        if self.plan.trial_days is not None:
            return self.started, self.started + timedelta(days=self.plan.trial_days)
        n = number_at(self.anchor, self.zone, at)
        return self.start_of(n), self.start_of(n + 1)

    def spending_month(self, at: datetime) -> tuple[datetime, datetime]:
        cycle = self.cycle(at)
        if cycle is None and "on_demand" in self.waiting:
            left, self.plan = self.plan, self.waiting["on_demand"][0] or self.plan
            cycle, self.plan = self.cycle(at), left
        if cycle is not None:
            return cycle
        first = day_of(at, self.zone).replace(day=1)
        return start_of(first, self.zone, 0), start_of(first, self.zone, 1)

    def period_end(self, at: datetime) -> datetime:
        cycle = self.cycle(at)
        assert cycle is not None
        return cycle[1]

    def buy(self, kind: str, plan: Plan, usd_micros: int, li_minutes: int, at: datetime) -> None:
        """Something between two billing days."""
        self.revenue["boost" if kind == "boost" else "subscription"] += usd_micros
        self.collect(None, usd_micros)
        if li_minutes > 0:
            expires = None if plan.rollover else self.period_end(at)
            self.credits.grant(kind, li_minutes, at, expires)

    def top_up(self, department: Department, at: datetime) -> None:
        """A raised allocation is given at once, as far as this period's grants go."""
        cycle = self.cycle(at)
        assert cycle is not None
        own = [
            lot
            for lot in self.credits.usable(None)
            if lot.kind in SHARED and lot.effective >= cycle[0]
        ]
        given = sum(
            lot.amount
            for lot in self.credits.lots
            if lot.owner == department.name and _source(lot) >= cycle[0]
        )
        for lot, amount in take(own, max(department.allocation - given, 0)):
            self.credits.share(lot, department.name, amount, at)


def _source(lot: Lot) -> datetime:
    assert lot.source_effective is not None
    return lot.source_effective
