"""The model as a whole: a story's steps, and the picture of the books after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from tests.independent_model.model import changes, departments, dunning
from tests.independent_model.model.account import Account, Refused
from tests.independent_model.model.catalogue import PLANS
from tests.independent_model.model.months import local_day
from tests.independent_model.model.picture import DepartmentSeen, Glance, LotSeen, Picture, PlanSeen
from tests.independent_model.model.runs import Run, Runs
from tests.independent_model.model.story import Opening, RunTimes, Step

Change = Callable[[Account, datetime], None]

CHANGES: dict[str, Change] = {
    "to-on-demand": changes.to_on_demand,
    "undo": changes.undo,
    "boost": changes.boost,
    "cancel": changes.cancel,
    "confirm-cancel": changes.confirm_cancel,
    "renew": changes.renew,
    "pay": changes.pay,
}
STATES = {"requested": "requested", "confirmed": "pending"}
"""Once confirmed, a cancellation is pending (R59)."""


@dataclass
class Books:
    """An account and its runs."""

    account: Account
    runs: Runs = field(init=False)

    def __post_init__(self) -> None:
        """The runs are the account's."""
        self.runs = Runs(self.account)

    def do(self, step: Step, at: datetime) -> str:
        """Do a step that is no run's; the reason of its refusal, or nothing."""
        self.account.advance(at)
        try:
            self._do(step, at)
        except Refused as refusal:
            return str(refusal)
        return ""

    def _do(self, step: Step, at: datetime) -> None:
        account = self.account
        match step.do:
            case "upgrade":
                changes.upgrade(account, at, PLANS[step.plan])
            case "downgrade":
                changes.downgrade(account, at, PLANS[step.plan])
            case "card":
                account.money.card = step.how
            case "extra-credits":
                changes.limit_extra_credits(account, step.amount)
            case "add-department":
                departments.add(account, step.department)
            case "allocate":
                departments.allocate(account, step.department, step.amount, at)
            case "limit":
                departments.limit(account, step.department, step.amount)
            case "wait" | "advance":
                pass
            case _:
                CHANGES[step.do](account, at)

    def reserve(self, run_id: str, step: Step, at: datetime) -> str:
        """Accept a run; the reason of its refusal, or nothing."""
        self.account.advance(at)
        try:
            self.runs.reserve(run_id, step, at)
        except Refused as refusal:
            return str(refusal)
        return ""

    def follow(self, run: Run, times: RunTimes) -> None:
        """What the world did with a run."""
        if run.state == "waiting" and times.charged_at is not None:
            self.account.advance(times.charged_at)
            self.runs.charge(run, times)
        if times.ended_at is None:
            return
        self.account.advance(times.ended_at)
        if run.state == "waiting":
            self.runs.give_up(run)
        else:
            self.runs.finish(run, times)

    def glance(self, at: datetime) -> Glance:
        """What ``account show`` ought to tell."""
        account = self.account
        account.advance(at)
        found = account.active
        lots = [] if account.on_demand else account.credits.open()
        lots = [lot for lot in lots if lot.left]
        return Glance(
            plan="on-demand" if account.on_demand else account.last_plan.name,
            status=self._status(),
            period=None if found is None else account.cycle(found),
            balance=sum(lot.left for lot in lots),
            reserved=sum(lot.reserved for lot in lots),
            charged=account.money.charged,
            unpaid=account.unpaid,
            credit=account.money.credit,
            pending=self._pending(),
            next_charge=self._next_charge(),
            lots=tuple(
                sorted(
                    LotSeen(lot.kind, "", lot.since, lot.until, lot.left, lot.reserved)
                    for lot in lots
                )
            ),
        )

    def picture(self, at: datetime) -> Picture:
        """All of the books."""
        account = self.account
        return Picture(
            glance=self.glance(at),
            departments=tuple(self._department(name, at) for name in account.departments),
            history=self._history(),
            charges=tuple(sorted(account.money.charges)),
            invoices=account.money.invoices.seen(at),
        )

    def _history(self) -> tuple[PlanSeen, ...]:
        """PaymentFailure is about a plan's own price (C42)."""
        rows, found = self.account.history, self.account.active
        if found is None or not found.unpaid:
            return tuple(rows)
        return *rows[:-1], replace(rows[-1], status="PaymentFailure")

    def _status(self) -> str:
        account = self.account
        if account.ended:
            return "trial_over" if account.ended == "trial" else "cancelled"
        cancelling = account.active.cancelling if account.active is not None else ""
        if dunning.suspended_at(account) is not None and cancelling != "confirmed":
            return "suspended"
        if account.unpaid and cancelling != "confirmed":
            return "payment_failure"
        return f"cancellation_{STATES[cancelling]}" if cancelling else "active"

    def _pending(self) -> tuple[str, str, datetime | None, str | None] | None:
        account, found = self.account, self.account.subscription
        if found is None:
            return None
        end = account.cycle(found)[1]
        if account.on_demand:
            return "on_demand", "pending", end, found.plan.name
        if found.cancelling == "confirmed":
            return "cancellation", STATES["confirmed"], end, None
        if found.downgrade is not None:
            return "downgrade", "pending", end, found.downgrade.name
        if found.cancelling:
            return "cancellation", STATES["requested"], None, None
        return None

    def _next_charge(self) -> tuple[datetime, int] | None:
        found = self.account.active
        if found is None or found.trial_ends_at is not None or found.cancelling == "confirmed":
            return None
        return self.account.cycle(found)[1], (found.downgrade or found.plan).price

    def _department(self, name: str, at: datetime) -> DepartmentSeen:
        account = self.account
        department = account.departments[name]
        lots = [] if account.on_demand else account.credits.open(name)
        spent, waiting = self.runs.wallet(name, at)
        return DepartmentSeen(
            name,
            department.allocation,
            sum(lot.left for lot in lots),
            sum(lot.reserved for lot in lots),
            department.limit,
            spent,
            waiting,
            departments.wallet_month(account, at),
        )


def opened(opening: Opening) -> tuple[Books, str]:
    """The books of an account that is opened; the reason of its refusal, or nothing."""
    zone = opening.timezone
    activated = opening.activated or local_day(opening.at, zone)
    account = Account(zone, activated)
    account.money.card = opening.card
    account.money.invoices.payment_days = opening.payment_days
    plan = PLANS[opening.plan]
    books = Books(account)
    try:
        if plan.trial_days:
            account.begin_trial(opening.at)
        elif plan.credits:
            changes.buy(account, plan.price)
            # One that was activated elsewhere keeps its day: 12 October is 12th to 12th (W9).
            account.subscribe(plan, opening.at, activated)
        else:
            account.pay_run_by_run(opening.at)
    except Refused as refusal:
        return books, str(refusal)
    return books, ""
