"""Does the steps of a story with the product's ``Engine``, one account to a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from engine.load.rehearsed import RehearsedLoad
from engine.runs.clouds.cloud import Cloud
from engine.runs.controller import Controller
from engine.runs.model.states import Limits, Outcome, Run, RunState
from engine.scenario import Protocol, Scenario
from engine.scenario.profile import closed
from kernel.clock import ManualClock
from kernel.errors import BadInputError, RefusedError
from loadmuster import Engine
from pricing.accounts.view import AccountView
from tests.independent_model.model.story import Opening, RunTimes, Step
from tests.real_charges import charged_for_real
from tests.run_simulator.cloud import SimulatedCloud

ACCOUNT = "acme"
CARDS = {"pays": "tok_visa", "declines": "test:declines", "delays": "test:delays"}
LIMITS = Limits(launch_s=120.0, release_s=300.0, poll_s=5.0, blind_looks_max=3)
SELLER = "Load Ltd"
NOBODY = "Nobody of the representatives"


class _Onward:
    """A cloud's own clock: it follows another one, and never steps back."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._latest = clock.now()

    def now(self) -> datetime:
        """The latest instant that the other clock has shown."""
        self._latest = max(self._latest, self._clock.now())
        return self._latest

    def sleep(self, duration_s: float) -> None:
        """Wait on the other clock."""
        self._clock.sleep(duration_s)


class Desk:
    """An account of the product, and what can be asked of it.

    Args:
        database_url: An empty, migrated database.
        folder: For the files of runs.
        plans_file: What is sold.
        opening: How the account begins.
        clock: Time; None: one that stands at the opening.
    """

    def __init__(
        self,
        database_url: str,
        folder: Path,
        plans_file: Path,
        opening: Opening,
        *,
        clock: ManualClock | None = None,
    ) -> None:
        self.clock = clock or ManualClock(opening.at)
        self._run_id = ""
        self.engine = Engine(
            database_url,
            clock=self.clock,
            folder=folder,
            new_id=lambda: self._run_id,
            environment={"LOADMUSTER_PLANS": str(plans_file)},
        )
        self._opening = opening
        self._asked = 0
        self._last: tuple[Step, str] | None = None
        self._cloud = SimulatedCloud(
            name="aws",
            chance=Random(0),
            clock=_Onward(self.clock),
            roughness=0.0,
            mishaps=Counter(),
            before_call=lambda _: None,
        )

    def close(self) -> None:
        """Let go of the database."""
        self.engine.close()

    def open(self) -> str:
        """Open the account; the code of the refusal, or nothing."""
        begins = self._opening
        activated = None
        if begins.activated is not None:
            zone = ZoneInfo(begins.timezone)
            activated = datetime.combine(begins.activated, time(12), zone).astimezone(UTC)

        if begins.payment_days is not None:
            self.engine.billing.set_seller(name=SELLER, payment_days=begins.payment_days)

        def ask() -> None:
            self.engine.accounts.open(
                ACCOUNT,
                plan=begins.plan,
                timezone=begins.timezone,
                activated=activated,
                card=CARDS[begins.card],
            )

        return _refusal_of(ask)

    def do(self, step: Step) -> tuple[str, AccountView | None]:
        """Do a step that is no run's: the code of its refusal, and how the account then is."""
        view: list[AccountView | None] = [None]

        def ask() -> None:
            found = self._command(step)
            view[0] = found if isinstance(found, AccountView) else None

        return _refusal_of(ask), view[0]

    def _command(self, step: Step) -> object:
        self._asked += 1
        request = f"request-{self._asked}"
        if step.do == "wait":
            return self.engine.accounts.show(ACCOUNT)
        if step.do == "advance":
            return self.engine.accounts.advance()
        if step.department:
            return self._department(step, request)
        accounts = self.engine.accounts
        named: dict[str, object] = {"request_id": request}
        match step.do:
            case "upgrade" | "downgrade":
                named["plan"] = step.plan
            case "confirm-cancel":
                named["representative"] = NOBODY
            case "card":
                return accounts.set_card(ACCOUNT, CARDS[step.how], request_id=request)
            case "extra-credits":
                return accounts.extra_credits(ACCOUNT, step.amount, request_id=request)
        ask: Callable[..., object] = getattr(accounts, step.do.replace("-", "_"))
        return ask(ACCOUNT, **named)

    def _department(self, step: Step, request: str) -> object:
        departments, name = self.engine.departments, step.department
        if step.do == "add-department":
            return departments.add(ACCOUNT, name, request_id=request)
        if step.do == "allocate":
            return departments.allocate(ACCOUNT, name, step.amount, request_id=request)
        return departments.limit(ACCOUNT, name, step.amount, request_id=request)

    def reserve(self, run_id: str, step: Step) -> str:
        """Accept a run; the code of its refusal."""
        self._run_id = run_id
        scenario = Scenario(
            "checkout", Protocol.HTTP, closed([(0, step.users), (step.duration_s, step.users)])
        )

        def ask() -> None:
            with charged_for_real():
                self.engine.runs.accept(
                    scenario,
                    account=ACCOUNT,
                    department=step.department or None,
                    provider="aws",
                    injectors=step.injectors,
                    dry_run=True,
                    time_scale=1.0,
                )

        return _refusal_of(ask)

    def start(self, run_id: str, how: str) -> RunTimes:
        """Launch a run: until its load flows, it is charged only, or its cloud has no machines."""
        if how == "no-machines":
            self._cloud.shortness = 1.0
        until = RunState.LAUNCHING if how == "charged" else RunState.RUNNING
        try:
            return self._drive(run_id, until)
        finally:
            self._cloud.shortness = 0.0

    def end(self, run_id: str, how: str) -> RunTimes:
        """Cancel a run, or drive it to its end."""
        if how == "cancel":
            self.engine.runs.store.request_cancel(run_id, self.clock.now())
            return self._drive(run_id)
        times = self._drive(run_id, RunState.RUNNING)
        if times.load_from is not None and not times.outcome:
            # Nobody looks until it is over.
            played = timedelta(seconds=self.engine.runs.store.load(run_id).order.quote.duration_s)
            self.clock.move_to(max(self.clock.now(), times.load_from + played))
        return self._drive(run_id)

    def _drive(self, run_id: str, *until: RunState) -> RunTimes:
        store = self.engine.runs.store
        controller = self.engine.runs.controller()
        self._equip(controller)
        controller.stop_wanted = lambda: store.load(run_id).state in until
        return _times_of(controller.drive(run_id))

    def _equip(self, controller: Controller) -> None:
        cloud = Cloud(self._cloud, RehearsedLoad(), LIMITS, {"aws": self._cloud}.__getitem__)
        controller.open_cloud = lambda _: cloud
        controller.lease_clock = self.clock


def _times_of(run: Run) -> RunTimes:
    return RunTimes(
        charged_at=run.intent_at,
        load_from=run.load_started_at,
        cancelled_at=run.cancel_at,
        ended_at=run.ended_at,
        outcome="" if run.outcome is None else Outcome(run.outcome).value,
    )


def _refusal_of(ask: Callable[[], None]) -> str:
    """The code of the refusal; empty where there is none."""
    try:
        ask()
    except (RefusedError, BadInputError) as refusal:
        return refusal.code
    return ""
