"""An account, and what time does to it: boundaries, grants, charges, voids (section 4, R12-R23)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.independent_model.model import dunning
from tests.independent_model.model.catalogue import ON_DEMAND, TRIAL, Plan
from tests.independent_model.model.invoices import Invoice
from tests.independent_model.model.lots import Credits, Lot
from tests.independent_model.model.money import Money
from tests.independent_model.model.months import (
    LEGACY_BEFORE,
    cycle_start,
    local_day,
)
from tests.independent_model.model.picture import PlanSeen


class Refused(Exception):  # noqa: N818 - it is no error of the model
    """A rule refuses what was asked; the word says which."""


@dataclass
class Unpaid:
    """A cycle that was not paid: what it costs and grants, and the invoice that asks for it.

    Attributes:
        state: ``declined``, or ``delayed`` while the bank has not answered.
    """

    plan: Plan
    invoice: Invoice
    state: str


@dataclass
class Subscription:
    """A subscription or a trial.

    Attributes:
        number: How many there were before, and one.
        anchor: The day that its cycles are counted from.
        cycle: The number of the one that it is in.
        unpaid: Cycles that were not paid.
        trial_ends_at: Of a trial.
        downgrade: What it will be from the next boundary on.
        cancelling: ``requested``, ``confirmed``, or nothing.
        unpaid_since: When the first was due of the cycles after the last that was paid.
    """

    number: int
    plan: Plan
    anchor: date
    cycle: int = 0
    unpaid: dict[int, Unpaid] = field(default_factory=dict)
    trial_began_at: datetime | None = None
    trial_ends_at: datetime | None = None
    downgrade: Plan | None = None
    cancelling: str = ""
    unpaid_since: datetime | None = None


@dataclass
class Department:
    """Whose share of each grant is ``allocation``, and whose wallet holds ``limit``."""

    name: str
    allocation: int = 0
    limit: int = 0


@dataclass
class Account:
    """Everything there is to know of one.

    Attributes:
        zone: Its IANA zone.
        activated: The day that decides whether it has calendar months (C10).
        subscription: What it has; None: it is on demand for good, or has nothing.
        on_demand: It pays run by run; a subscription beneath is suspended until its boundary (C2).
        ended_at: When its last subscription, or trial, ended and nothing came after.
        ended: What ended: ``cancelled`` or ``trial``.
        last_plan: What it has, or had last.
        brought_to: Up to when all that happens by itself has happened.
    """

    zone: str
    activated: date
    subscription: Subscription | None = None
    on_demand: bool = False
    ended_at: datetime | None = None
    ended: str = ""
    last_plan: Plan = ON_DEMAND
    had_trial: bool = False
    subscriptions: int = 0
    extra_limit: int = 0
    credits: Credits = field(default_factory=Credits)
    money: Money = field(default_factory=Money)
    departments: dict[str, Department] = field(default_factory=dict)
    history: list[PlanSeen] = field(default_factory=list)
    dunned: dunning.Dunned = field(default_factory=dunning.Dunned)
    brought_to: datetime | None = None

    @property
    def legacy(self) -> bool:
        """Whether its cycles are calendar months, for ever (C10)."""
        return self.activated < LEGACY_BEFORE

    @property
    def active(self) -> Subscription | None:
        """The subscription that is in force: none while the account is on demand."""
        return None if self.on_demand else self.subscription

    @property
    def plan(self) -> Plan:
        """What runs are quoted by."""
        return ON_DEMAND if self.on_demand else self.last_plan

    def cycle(self, subscription: Subscription) -> tuple[datetime, datetime]:
        """The cycle that a subscription is in, half-open (C9)."""
        if subscription.trial_ends_at is not None and subscription.trial_began_at is not None:
            return subscription.trial_began_at, subscription.trial_ends_at
        return (
            self.boundary(subscription, subscription.cycle),
            self.boundary(subscription, subscription.cycle + 1),
        )

    def boundary(self, subscription: Subscription, number: int) -> datetime:
        """When the cycle of that number begins."""
        return cycle_start(subscription.anchor, number, self.zone, legacy=self.legacy)

    @property
    def unpaid(self) -> int:
        """What is overdue; a period beneath a switch to on demand is not owed (C42)."""
        periods = self.active.unpaid.values() if self.active else ()
        return sum(each.plan.price for each in periods) + self.money.overdue_runs

    def check_paid(self) -> None:
        """Nothing is sold for money before what is overdue was paid (C42)."""
        if self.unpaid:
            raise Refused("overdue")

    def next_event(self) -> datetime | None:
        """When something happens by itself next."""
        times = [lot.until for lot in self.credits.lots if lot.until and not lot.closed]
        if self.subscription is not None:
            times.append(self.cycle(self.subscription)[1])
        return min(times, default=None)

    def advance(self, now: datetime) -> None:
        """All that happens by itself until now, in its order."""
        before = changed = self.brought_to or now
        while True:
            # What was due before what is owed became what it is was never said of it.
            after = max(before, changed - timedelta.resolution)
            at, step = self.next_event(), dunning.next_step(self, after, changed)
            if step is not None and step[0] <= now and (at is None or step[0] < at):
                dunning.take(self, *step)
                changed = step[0]
                continue
            if at is None or at > now:
                break
            self._expire(at)
            if self.subscription is not None and self.cycle(self.subscription)[1] == at:
                self._cross(self.subscription, at)
                changed = max(changed, at)
        self.brought_to = max(before, now)

    def _expire(self, at: datetime) -> None:
        self.credits.void(
            lot for lot in self.credits.lots if lot.until and lot.until <= at and not lot.closed
        )

    def _cross(self, subscription: Subscription, at: datetime) -> None:
        """A boundary: change, void, charge, grant, open (section 4)."""
        if self.on_demand:
            # What was suspended is void for good, and what waited beneath goes with it (C38).
            self.credits.void(self.credits.open())
            self._give_up(subscription, at)
            self.subscription = None
            return
        if subscription.trial_ends_at is not None:
            self._end(at, "trial")
            return
        if subscription.cancelling == "confirmed":
            self.credits.void(self.credits.open())
            self._give_up(subscription, at)
            self._end(at, "cancelled")
            return
        if subscription.downgrade is None and dunning.ends(self, subscription, at):
            self.credits.void(self.credits.open())
            self._give_up(subscription, at)
            self._end(at, "cancelled")
            return
        if not subscription.plan.rolls_over or subscription.downgrade is not None:
            # What an unpaid cycle would have granted is void by now, and nobody owes for it (C24).
            self._give_up(subscription, at)
        subscription.cycle += 1
        if subscription.downgrade is not None:
            self.credits.void(self.credits.open())
            self.close_history(at)
            self.last_plan = subscription.plan = subscription.downgrade
            subscription.downgrade = None
            self.open_history(at, subscription.plan)
        self.charge_cycle(subscription, at)

    def _give_up(self, subscription: Subscription, at: datetime) -> None:
        """Nobody owes for what was not paid any more; a credit note takes each back (C59, C67)."""
        for cycle, period in sorted(subscription.unpaid.items()):
            self.money.invoices.take_back(at, period.invoice)
            self.money.kept.pop((subscription.number, cycle), None)
        subscription.unpaid.clear()

    def charge_cycle(self, subscription: Subscription, at: datetime) -> None:
        """Charge what a cycle costs and grant what it brings; unpaid, it grants nothing (C24).

        What is not paid has its invoice all the same, from its start (C59).
        """
        unpaid, cycle, plan = subscription.unpaid, subscription.cycle, subscription.plan
        answer = self.money.ask((subscription.number, cycle), plan.price)
        if answer != "paid":
            invoice = self.money.invoices.issue(
                at, plan.price, asked=lambda: self._asked(cycle in unpaid)
            )
            unpaid[cycle] = Unpaid(plan, invoice, answer)
            subscription.unpaid_since = subscription.unpaid_since or invoice.due_at or at
            return
        subscription.unpaid_since = None
        self.money.sell(at, "subscription", subscription.plan.price)
        self.grant(subscription, subscription.plan, subscription.cycle, at)

    def _asked(self, is_unpaid: bool) -> str:
        """Beneath a switch to on demand a cycle is not owed: it will be void (C42)."""
        if not is_unpaid:
            return "paid"
        return "void" if self.on_demand else "declined"

    def ask_cycle(self, subscription: Subscription, cycle: int, at: datetime) -> bool:
        """A cycle is asked for again; whether it was paid."""
        period = subscription.unpaid[cycle]
        period.state = self.money.ask((subscription.number, cycle), period.plan.price)
        if period.state == "paid":
            self.pay_cycle(subscription, cycle, at)
        return period.state == "paid"

    def pay_cycle(self, subscription: Subscription, cycle: int, at: datetime) -> None:
        """A cycle is paid late: its invoice was issued as it began, and is the same (C59)."""
        period = subscription.unpaid.pop(cycle)
        if not any(other > cycle for other in subscription.unpaid):
            subscription.unpaid_since = None
        self.money.charge(at, "subscription", period.plan.price)
        self.grant(subscription, period.plan, cycle, at)

    def grant(self, subscription: Subscription, plan: Plan, cycle: int, at: datetime) -> None:
        """A cycle's credits, of which departments get their shares (R19, C31)."""
        until = None
        if not plan.rolls_over:
            # Each cycle starts with its grant alone (C21).
            until = self.boundary(subscription, cycle + 1)
        lot = self.credits.add("plan", plan.credits, at, until, cycle=(subscription.number, cycle))
        self.share_out(lot)
        if until is not None and until <= at:
            self.credits.void([each for each in self.credits.lots if each.cycle == lot.cycle])

    def share_out(self, lot: Lot) -> None:
        """Departments get their shares of a grant, in the order in which they were added."""
        for department in self.departments.values():
            self.hand_over(lot, department, min(department.allocation, lot.free), lot.since)

    def hand_over(self, lot: Lot, department: Department, amount: int, at: datetime) -> None:
        """A share of a lot becomes a lot of a department's own, from then on."""
        if amount > 0:
            lot.left -= amount
            self.credits.add(
                lot.kind, amount, at, lot.until, owner=department.name, cycle=lot.cycle
            )

    def subscribe(self, plan: Plan, at: datetime, anchor: date | None = None) -> None:
        """A first subscription, or a new one on a new anchor (R12, C26).

        Args:
            plan: To what.
            at: When.
            anchor: The day that its cycles are counted from; None: today.
        """
        self.subscriptions += 1
        self.close_history(at)
        subscription = Subscription(self.subscriptions, plan, anchor or local_day(at, self.zone))
        while self.boundary(subscription, subscription.cycle + 1) <= at:
            subscription.cycle += 1
        self._hold(subscription, plan, at)
        self.money.sell(at, "subscription", plan.price)
        self.grant(subscription, plan, subscription.cycle, at)

    def begin_trial(self, at: datetime) -> None:
        """Trial credits, usable for exactly 14 times 24 hours (R104, C17)."""
        self.subscriptions += 1
        self.had_trial = True
        ends_at = at + timedelta(hours=24 * TRIAL.trial_days)
        subscription = Subscription(
            self.subscriptions,
            TRIAL,
            local_day(at, self.zone),
            trial_began_at=at,
            trial_ends_at=ends_at,
        )
        self.close_history(at)
        self._hold(subscription, TRIAL, at)
        lot = self.credits.add("trial", TRIAL.credits, at, ends_at, cycle=(self.subscriptions, 0))
        self.share_out(lot)

    def pay_run_by_run(self, at: datetime) -> None:
        """On demand from now on."""
        self.close_history(at)
        self.on_demand = True
        self.ended, self.ended_at = "", None
        self.open_history(at, ON_DEMAND)

    def _hold(self, subscription: Subscription, plan: Plan, at: datetime) -> None:
        self.subscription, self.last_plan = subscription, plan
        self.on_demand, self.ended, self.ended_at = False, "", None
        self.open_history(at, plan)

    def _end(self, at: datetime, what: str) -> None:
        self.close_history(at)
        self.subscription, self.ended, self.ended_at = None, what, at

    def open_history(self, at: datetime, plan: Plan) -> None:
        """A plan holds from now on (R111)."""
        self.history.append(PlanSeen(plan.name, "Active", at, None, plan.credits, plan.price))

    def close_history(self, at: datetime) -> None:
        """And no longer (R112)."""
        if self.history and self.history[-1].until is None:
            last = self.history.pop()
            self.history.append(
                PlanSeen(last.plan, "Terminated", last.since, at, last.credits, last.usd_micros)
            )
