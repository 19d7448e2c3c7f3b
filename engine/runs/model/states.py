"""The values of a run's life.

    accepted ──> launching ──> starting ──> running ──> releasing ──> ended
        │            │             │                        ▲           ▲
        │            └─────────────┴── cancel or failure ───┘           │
        └── cancel before anything was asked for ──────────────────────-┘

``accepted``: quoted and reserved; nothing was asked of any cloud.
``launching``: the intent is on record and the quote is charged; the create call may have been sent.
``starting``: the machines exist; the injectors get ready and wait for each other.
``running``: load flows.
``releasing``: the end was asked for; machines may still exist and cost money.
``ended``: proven gone and settled; written last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from msgspec import Struct, field

from engine.load.driver import LoadResult
from engine.runs.model.sighting import Sighting
from engine.scenario import Scenario
from pricing.plans.quotes import Quote
from providers.contract import Machine


class RunState(StrEnum):
    """Where a run is; see the module's picture."""

    ACCEPTED = "accepted"
    LAUNCHING = "launching"
    STARTING = "starting"
    RUNNING = "running"
    RELEASING = "releasing"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a run ended, or will end once its machines are gone."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    STOPPED = "stopped"
    """Ended by a rule: it put on load that nobody quoted."""


LATE_SHARE = 0.5
"""Of the time that injectors have to get ready; then those that are there will do, if they may."""


class Placement(Struct, frozen=True):
    """The machines wanted in one region.

    Attributes:
        provider: ``local``, ``aws`` or ``azure``.
        region: Where; ``local`` on this machine.
        machine_types: In order of preference.
        count: How many.
        hourly_usd_micros: List price of one machine of each type.
        users: Most users at once that they carry together.
        elsewhere: Where the same load may come from instead, in order of preference.
        around_monthly_usd_micros: What one machine's disk and address cost for 730 hours.
    """

    provider: str
    region: str
    machine_types: tuple[str, ...]
    count: int
    hourly_usd_micros: tuple[int, ...]
    users: int = 1
    elsewhere: tuple[Placement, ...] = ()
    around_monthly_usd_micros: int = 0

    @property
    def options(self) -> tuple[Placement, ...]:
        """This place, then the others."""
        return (self, *self.elsewhere)


class RunOrder(Struct, frozen=True):
    """What was accepted; it never changes afterwards.

    Attributes:
        run_id: The run.
        account_id: Who pays.
        scenario: What is run.
        quote: What it will be charged, at the tariff version it was quoted with.
        provider: ``local``, ``aws`` or ``azure``: the first choice, and where injectors meet.
        placements: Which machines.
        rehearsal: The cloud is a rehearsal: no machine is real.
        time_scale: Seconds of the test that one second plays; above 1 only in rehearsals.
        accepted_at: When.
        department: Name of the department that runs; None: the account itself.
        puts_load: The machines put load on the target; in a rehearsal only where it was asked for.
        spot: The machines are spot machines, which the cloud may take away at any moment.
        queued: It was asked for to wait for whoever serves, and starts with nobody else.
    """

    run_id: str
    account_id: str
    scenario: Scenario
    quote: Quote
    provider: str
    placements: tuple[Placement, ...]
    rehearsal: bool
    time_scale: float
    accepted_at: datetime
    department: str | None = None
    puts_load: bool = True
    spot: bool = False
    queued: bool = False

    @property
    def options(self) -> tuple[Placement, ...]:
        """All places that its machines may come from."""
        return tuple(option for placement in self.placements for option in placement.options)

    @property
    def other_providers(self) -> tuple[str, ...]:
        """The clouds that it may go to besides the first."""
        providers = dict.fromkeys(option.provider for option in self.options)
        return tuple(name for name in providers if name != self.provider)

    def least_of(self, machines: int) -> int:
        """With how many of so many machines the test may go ahead."""
        return max(1, math.ceil(machines * Fraction(str(self.scenario.machines_at_least))))

    @property
    def quoted_users(self) -> int | None:
        """Most users at once that the quote is for; None: arrivals that nobody can run."""
        return self.scenario.profile.peak_users

    @property
    def load_s(self) -> float:
        """How long the load flows, on the controller's clock."""
        return self.scenario.profile.duration_s / self.time_scale


class Run(Struct, frozen=True):
    """A run as the store holds it.

    Attributes:
        order: What was accepted.
        state: Where it is.
        cancel_at: When its end was asked for, if it was.
        outcome: How it ends; known from ``releasing`` on.
        reason: Why, for people; empty when all went as planned.
        attempt: Counts the intents to launch.
        intent_at: When the intent was recorded and the quote charged.
        launched_at: When the provider's answer was recorded.
        load_started_at: When load began to flow.
        release_at: When the release began; load counts until then.
        ended_at: When the machines were proven gone.
        machines: As last recorded.
        result: What the load measured; of a run in a list without its tables of requests and
            windows.
        endpoint: Address of the rehearsal's cloud, or of the bucket that its injectors meet in; of
            a local run, the computer's name.
        other_endpoints: The same of the other clouds that it went to, by provider.
        routes: For each placement, which of its options each try to launch it took; empty: the
            first try of all is still under way.
        last_seen: At its controller's last look; None: no controller has looked at it.
    """

    order: RunOrder
    state: RunState
    cancel_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    attempt: int = 0
    intent_at: datetime | None = None
    launched_at: datetime | None = None
    load_started_at: datetime | None = None
    release_at: datetime | None = None
    ended_at: datetime | None = None
    machines: tuple[Machine, ...] = ()
    result: LoadResult | None = None
    endpoint: str | None = None
    other_endpoints: Mapping[str, str] = field(default_factory=dict)
    routes: tuple[tuple[int, ...], ...] = ()
    last_seen: Sighting | None = None

    @property
    def placements(self) -> tuple[Placement, ...]:
        """Where its machines are launched now."""
        return tuple(
            placement.options[route[-1]]
            for placement, route in zip(self.order.placements, self.all_routes, strict=True)
        )

    @property
    def all_routes(self) -> tuple[tuple[int, ...], ...]:
        """The tries of each placement; the first is at its first option."""
        return self.routes or ((0,),) * len(self.order.placements)

    @property
    def regions(self) -> tuple[str, ...]:
        """Where its machines can be, those of earlier tries included."""
        tried = [
            placement.options[option].region
            for placement, route in zip(self.order.placements, self.all_routes, strict=True)
            for option in route
        ]
        return tuple(dict.fromkeys(tried))

    @property
    def places(self) -> Mapping[str, tuple[str, ...]]:
        """The regions where its machines can be, by provider."""
        found: dict[str, tuple[str, ...]] = {}
        for region in self.regions:
            name = self.provider_of(region)
            found[name] = (*found.get(name, ()), region)
        return found

    def provider_of(self, region: str) -> str:
        """Whose region it is, of those that the run may be in: no two clouds share a name."""
        return next(each.provider for each in self.order.options if each.region == region)

    def endpoint_of(self, provider: str) -> str | None:
        """Where one of the run's clouds is reached; None: it has not been there."""
        first = provider == self.order.provider
        return self.endpoint if first else self.other_endpoints.get(provider)

    @property
    def machines_planned(self) -> int:
        """How many are asked for where its placements are launched now."""
        return sum(placement.count for placement in self.placements)

    @property
    def machines_wanted(self) -> int:
        """How many there should be: those that were launched, once they were."""
        return self.machines_planned if self.launched_at is None else len(self.machines)

    @property
    def failed_by_load(self) -> bool:
        """It failed, and the load did so of itself; else its machines did."""
        at_fault = self.last_seen is not None and self.last_seen.load_at_fault
        return self.outcome is Outcome.FAILED and at_fault

    @property
    def id(self) -> str:
        """The run's id."""
        return self.order.run_id

    @property
    def is_queued(self) -> bool:
        """It waits for whoever serves, and nobody has begun it."""
        return self.order.queued and self.state is RunState.ACCEPTED

    @property
    def ended(self) -> bool:
        """Nothing more will happen."""
        return self.state is RunState.ENDED

    def played_s(self, now: datetime) -> float:
        """Seconds of the test that have been played by ``now``: 0 before load flowed."""
        if self.load_started_at is None:
            return 0.0
        until = self.release_at or now
        return max(0.0, (until - self.load_started_at).total_seconds()) * self.order.time_scale


class Event(Struct, frozen=True):
    """One line of a run's timeline."""

    at: datetime
    name: str
    detail: str = ""


class Limits(Struct, frozen=True):
    """Bounds on every phase; all in seconds on the controller's clock.

    Attributes:
        launch_s: From the intent to the provider's answer, retries included.
        start_s: From machines to flowing load.
        overrun_s: How much longer than planned the load may take.
        release_s: From asking for the end to proof of it; then the controller gives up loudly.
        stop_s: How long machines that are stopping are waited for before they are asked again.
        visibility_s: How long a machine may exist before the provider shows it. A run whose launch
            was never answered counts as gone only after nothing was seen for that long.
        expiry_margin_s: Added to all of the above for the dead man on each machine.
        poll_s: Between two looks.
        blind_looks_max: Looks that may fail in a row; then the controller stops, and the run stays
            open for the next.
    """

    launch_s: float = 600.0
    start_s: float = 300.0
    overrun_s: float = 120.0
    release_s: float = 900.0
    stop_s: float = 120.0
    visibility_s: float = 30.0
    expiry_margin_s: float = 300.0
    poll_s: float = 2.0
    blind_looks_max: int = 30

    def expires_at(self, order: RunOrder, intent_at: datetime) -> datetime:
        """The instant at which each machine ends itself, whatever happened to its controller."""
        return intent_at + timedelta(seconds=self.lifetime_s(order))

    def late_at(self, run: Run) -> datetime | None:
        """From when on a load that may start with fewer injectors does; None: not launched yet."""
        if run.launched_at is None:
            return None
        return run.launched_at + timedelta(seconds=self.start_s * LATE_SHARE)

    def lifetime_s(self, order: RunOrder) -> float:
        """From the intent to launch until each machine ends itself."""
        return self.lifetime_with_s(order.load_s)

    def lifetime_with_s(self, load_s: float) -> float:
        """The same for a load of so many seconds."""
        phases_s = self.launch_s + self.start_s + load_s + self.overrun_s
        return phases_s + self.expiry_margin_s
