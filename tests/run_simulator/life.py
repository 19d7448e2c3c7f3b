"""One life: a seed's runs on a simulated cloud, driven by controllers that die or freeze."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from engine.api import Engine
from engine.load.rehearsed import RehearsedLoad
from engine.runs.clouds.cloud import Cloud
from engine.runs.controller import Controller
from engine.runs.leases.lease import Lease
from engine.runs.model.errors import LeaseLostError, ReleaseUnprovenError
from engine.runs.model.states import Limits, Run, RunState
from engine.scenario import Protocol, RegionShare, Scenario
from engine.scenario.profile import closed
from kernel.clock import ManualClock
from kernel.errors import LoadmusterError, ProviderFailedError, RefusedError
from pricing.payments.gateway import REHEARSED_GATEWAY
from tests.billing_simulator.crashes import SimulatedCrashError, Where
from tests.real_charges import charged_for_real
from tests.run_simulator.cloud import SimulatedCloud
from tests.run_simulator.clouds import REGIONS, Clouds, wish_of
from tests.run_simulator.ground import Ground
from tests.run_simulator.invariants import check_run

ACCOUNT = "acme"
START = datetime(2027, 1, 25, 9, 0, tzinfo=UTC)
LIMITS = Limits(launch_s=120.0, release_s=300.0, poll_s=10.0, blind_looks_max=3)
LIVES_MAX = 25
"""So many controllers may fail; then nothing goes wrong any more, and the run must end."""

CALM_LIVES_MAX = 12
IN_TRANSACTION = ("/charged", "/settled")
"""Steps at which nobody else can write: whoever stops there can only die."""


@dataclass
class Report:
    """What became of some seeds."""

    lives: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    mishaps: Counter[str] = field(default_factory=Counter)
    machines: int = 0
    outlived: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Put another's counts on top."""
        self.lives += other.lives
        self.runs += other.runs
        self.mishaps += other.mishaps
        self.machines += other.machines
        self.outlived += other.outlived
        self.violations += other.violations


class Life:
    """Everything that belongs to one seed."""

    def __init__(self, seed: int, ground: Ground) -> None:
        self.seed = seed
        self.chance = Random(seed)
        self.clock = ManualClock(START)
        self.report = Report(lives=1)
        # The waits between tries are drawn from it, and they move the clock.
        random.seed(seed)
        numbers = count(1)
        self.engine = Engine(
            clock=self.clock,
            folder=ground.folder / "runs",
            new_id=lambda: f"run-{seed}-{next(numbers)}",
        )
        self.engine._context = replace(self.engine._context, open_db=lambda: ground.db)
        self.crashes = ground.crashes
        self.wish = wish_of(seed)
        roughness = self.chance.choice([0.0, 0.02, 0.1, 0.25])
        self.clouds = Clouds(
            {
                name: SimulatedCloud(
                    name=name,
                    chance=self.chance,
                    clock=self.clock,
                    roughness=roughness,
                    shortness=self.wish.shortness if name == self.wish.provider else 0.0,
                    mishaps=self.report.mishaps,
                    before_call=self._at,
                )
                for name in (self.wish.provider, *self.wish.or_on)
            }
        )
        self.controllers = 0
        self.steps_left: int | None = None
        self.freezes = False
        self.dies_after_freezing = False

    def play(self) -> Report:
        """All of it; violations are in the report."""
        plan = self.chance.choice(["on-demand", "starter"])
        self.engine.accounts.open(ACCOUNT, plan=plan)
        self.clock.sleep(60)
        wishes = [self._accept() for _ in range(self.chance.randint(1, 2))]
        accepted = [run for run in wishes if run is not None]
        for run in accepted:
            self._drive_to_the_end(run)
        self.clouds.calm()
        for run in accepted:
            self._settle(run)
        self.report.violations += [f"seed {self.seed}: {each}" for each in self.clouds.violations]
        return self.report

    def _accept(self) -> Run | None:
        users = self.chance.choice([200, 3_000, 9_000])
        regions: tuple[RegionShare, ...] = ()
        if self.chance.random() < 0.4:
            regions = tuple(RegionShare(name, 0.5) for name in REGIONS[self.wish.provider])
        scenario = Scenario(
            "checkout",
            Protocol.HTTP,
            closed([(0, 0), (60, users), (600, users)]),
            regions=regions,
            machines_at_least=self.chance.choice([1.0, 1.0, 0.5]),
        )
        try:
            with charged_for_real():
                return self.engine.runs.accept(
                    scenario,
                    account=ACCOUNT,
                    provider=self.wish.provider,
                    or_on=self.wish.or_on,
                    dry_run=True,
                    time_scale=10.0,
                )
        except RefusedError:
            return None

    def _drive_to_the_end(self, run: Run) -> None:
        if self.chance.random() < 0.03:
            self._cancel(run)
        for number in range(LIVES_MAX + CALM_LIVES_MAX):
            if number == LIVES_MAX:
                self.clouds.calm()
            if self.engine.runs.store.load(run.id).ended:
                return
            self._one_controller(run, calm=number >= LIVES_MAX)
        self._violated(run, f"has not ended after {number + 1} controllers")

    def _one_controller(self, run: Run, *, calm: bool) -> None:
        """One controller drives until it is done, dies, or gives up."""
        if not calm:
            self._plan_a_death()
        try:
            self.controller().drive(run.id)
        except SimulatedCrashError as crash:
            self.report.mishaps[f"died {crash}"] += 1
            self.clock.sleep(self.chance.choice([0, 5, 31, 200, 4_000]))
        except (ReleaseUnprovenError, ProviderFailedError, LeaseLostError):
            self.clock.sleep(60)
        except LoadmusterError as error:
            self._violated(run, f"raised {error.message}")
            self.clock.sleep(60)
        finally:
            self.crashes.arm(None)
            self.steps_left = None

    def controller(self) -> Controller:
        """One more, with a lease of its own; those on this computer would see each other die."""
        self.controllers += 1
        return Controller(
            db=self.engine._context.db,
            open_cloud=lambda run: Cloud(
                self.clouds.by_name[run.order.provider],
                RehearsedLoad(),
                LIMITS,
                self.clouds.by_name.__getitem__,
            ),
            clock=self.clock,
            folder=self.engine.runs.folder,
            lease=Lease(f"elsewhere/1/0.00/{self.controllers}"),
            gateway=REHEARSED_GATEWAY,
            lease_clock=self.clock,
            on_step=self._at,
            watch=lambda seen, _: self._while_it_runs(seen),
        )

    def _plan_a_death(self) -> None:
        kind = self.chance.randrange(6)
        if kind == 0:
            self.crashes.arm(Where.STATEMENT, self.chance.randrange(60))
        elif kind <= 3:
            self.steps_left = self.chance.randrange(30)
            self.freezes = kind >= 2
            self.dies_after_freezing = kind == 3

    def _at(self, place: str) -> None:
        """Before or after a step or a call: the place to die, or to freeze."""
        if self.steps_left is None:
            return
        self.steps_left -= 1
        if self.steps_left >= 0:
            return
        self.steps_left = None
        if not self.freezes or place.endswith(IN_TRANSACTION):
            raise SimulatedCrashError(f"{place}")
        self.report.mishaps["froze while another took over"] += 1
        self.clock.sleep(self.chance.choice([31, 400]))
        for run in self.engine.runs.store.list(open_only=True):
            self._take_over(run)
        if self.dies_after_freezing:
            self.freezes, self.steps_left = False, 0

    def _take_over(self, run: Run) -> None:
        """Another controller, while the first one is frozen in the middle of something."""
        try:
            self.controller().drive(run.id)
        except (ReleaseUnprovenError, ProviderFailedError, LeaseLostError):
            return

    def _while_it_runs(self, run: Run) -> None:
        """What other people and the cloud do meanwhile; and no run ends before its machines."""
        if self.chance.random() < 0.03:
            self._cancel(run)
        if self.clouds.rough and self.chance.random() < 0.02:
            self.clouds.lose_one(run.id)
        ends_now = run.state is not RunState.LAUNCHING and self.engine.runs.store.load(run.id).ended
        if ends_now and self.clouds.left(run.id):
            self._violated(run, "ended before its machines were gone")
        if len(self.clouds.left(run.id)) > run.machines_planned:
            self._violated(run, "has more machines than were wanted")

    def _cancel(self, run: Run) -> None:
        asked = self.engine.runs.store.request_cancel(run.id, self.clock.now())
        self.report.mishaps["cancelled"] += asked

    def _settle(self, run: Run) -> None:
        """At the end of time: the dead man has had the last machine, the books are right."""
        ended = self.engine.runs.store.load(run.id)
        if self.clouds.left(run.id):
            self.report.outlived += 1
        if ended.intent_at is not None:
            longest = timedelta(seconds=LIMITS.lifetime_s(run.order))
            self.clock.move_to(max(self.clock.now(), ended.intent_at + longest))
        self.clock.sleep(1)
        self.report.machines += self.clouds.ever(run.id)
        self.report.runs[str(ended.outcome)] += 1
        self.report.mishaps["went to another cloud"] += len(ended.places) > 1
        if self.clouds.left(run.id):
            self._violated(run, f"left {len(self.clouds.left(run.id))} machines")
        for violation in check_run(self.engine, ended):
            self._violated(run, violation)

    def _violated(self, run: Run, what: str) -> None:
        self.report.violations.append(f"seed {self.seed}: {run.id} {what}")


def live(seed: int, ground: Ground) -> Report:
    """Play one seed on an empty database."""
    ground.renew()
    return Life(seed, ground).play()
