"""What a tariff is: the rule by which a load-testing service turns a test into units and money.

Nearly all services bill capacity that they reserve, in steps and with a floor. One shape holds all:

    quantity = counted x billed time / time of a unit x multiplier, but at least the floor

where *counted* is injectors, users, or the users that whole injectors have room for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from kernel.division import ceil_div
from kernel.durations import MAX_DURATION_S
from kernel.errors import BadInputError
from kernel.near_names import meant
from pricing.tariffs.contract_rate import ContractRate
from pricing.tariffs.published import PublishedPrice, UnitTier

# The words for what a virtual user speaks; the engine's scenarios use the same.
PROTOCOLS = (
    "http",
    "browser",
    "websocket",
    "grpc",
    "jmeter",
    "postman",
    "selenium",
    "streaming",
)

INJECTORS_MAX = 1_000_000
USERS_MAX = 1_000_000_000
SENT_BYTES_MAX = 10**18
MACHINES_USD_MICROS_MAX = 10**15


class UsageError(BadInputError):
    """The size of the test is impossible, or says too little for the tariff."""

    code = "bad_usage"


class UnknownTariffError(BadInputError):
    """No tariff of that name."""

    code = "unknown_tariff"


class NotInLiMinutesError(BadInputError):
    """The tariff does not count injectors by the minute, so it has no LI-minutes."""

    code = "not_in_li_minutes"


class CancellationPolicy(StrEnum):
    """What stays charged of a run that is cancelled once injectors were requested (C5).

    STARTUP_ONLY: The start-up cost, however long the test ran (R10, R11).
    STARTUP_THEN_USED: The start-up cost, and the minutes started beyond it.
    FULL_QUOTE: Everything that was quoted.
    """

    STARTUP_ONLY = "startup_only"
    STARTUP_THEN_USED = "startup_then_used"
    FULL_QUOTE = "full_quote"


class Counted(StrEnum):
    """What a tariff multiplies by time.

    INJECTORS: The servers that put the load on.
    USERS: The virtual users that the test reaches at most.
    RESERVED_USERS: The users that the whole injectors have room for.
    """

    INJECTORS = "injectors"
    USERS = "users"
    RESERVED_USERS = "reserved_users"


class Rounding(StrEnum):
    """What becomes of a part of a quantum of time.

    UP: Each started quantum counts whole.
    NEAREST: Half a quantum or more counts whole, less not at all; the first always does.
    """

    UP = "up"
    NEAREST = "nearest"


class LoadSize(Struct, frozen=True):
    """The size of one test.

    Attributes:
        injectors: Servers that put the load on; None: as many as the users need.
        users: Virtual users at most at once; None: not said.
        duration_s: Planned length in seconds.
        protocol: One of ``PROTOCOLS``.
        machines_usd_micros: What an hour of all the machines together costs; None: not said. Only
            services that pass the machines' price on look at it.
        sent_bytes: What the test sends; None: not said. Likewise.

    Raises:
        UsageError: A number is not positive or beyond all sense, or neither is given.
    """

    injectors: int | None
    users: int | None
    duration_s: int
    protocol: str = "http"
    machines_usd_micros: int | None = None
    sent_bytes: int | None = None

    def __post_init__(self) -> None:
        """Refuse the impossible where it enters."""
        if self.injectors is None and self.users is None:
            raise UsageError("the test needs a number of users, or of injectors")
        _check_range("injectors", self.injectors, INJECTORS_MAX)
        _check_range("users", self.users, USERS_MAX)
        _check_range("duration in seconds", self.duration_s, MAX_DURATION_S)
        _check_range(
            "machines' price in micro-dollars",
            self.machines_usd_micros,
            MACHINES_USD_MICROS_MAX,
            minimum=0,
        )
        _check_range("bytes sent", self.sent_bytes, SENT_BYTES_MAX, minimum=0)
        if self.protocol not in PROTOCOLS:
            raise UsageError(
                f"unknown protocol {self.protocol!r}{meant(self.protocol, PROTOCOLS)}; there are "
                f"{', '.join(PROTOCOLS)}",
                protocol=self.protocol,
            )


class Floor(Struct, frozen=True):
    """The least time that each injector counts for, in a fleet of up to so many.

    ``up_to_injectors`` is None for the last floor: any larger fleet.
    """

    up_to_injectors: int | None
    minimum_s: int


class Example(Struct, frozen=True):
    """The vendor's own published arithmetic for one test.

    Attributes:
        source: Address of the page.
        says: What it says, in short.
        usage: The test.
        quantity: The units that it takes, to the decimals that the page prints.
        usd_micros: What it costs; None: the page does not say.
    """

    source: str
    says: str
    usage: LoadSize
    quantity: Decimal
    usd_micros: int | None = None


class Tariff(Struct, frozen=True):
    """One dated version of one service's rule.

    Attributes:
        name: On the command line.
        title: For people.
        version: The day from which it holds, as far as is known; its identity on a bill.
        as_of: The day on which the sources were read, or their own date.
        unit: What is counted, in the singular.
        counts: What is multiplied by time.
        unit_s: Seconds of time in one unit: 60 for minutes, 3600 for hours.
        quantum_s: Time counts in steps of so many seconds.
        cancellation: What a cancelled run costs.
        rounding: What becomes of a part of a step.
        floors: By size of the fleet; empty: none.
        floor_users_per_injector: The floor counts so many users for each injector, whatever the
            test has; None: the floor counts what the tariff counts.
        extra_injectors: Servers beside the injectors that count too: a controller.
        users_per_injector: What one injector carries, by protocol; absent: nothing that holds is
            published.
        theoretical_users_per_injector: What the vendor calls the limit of one that does next to
            nothing, by protocol; nobody is to count on it.
        multipliers: By protocol; absent: 1.
        usd_micros_per_unit: None: not found, or see ``machines_of``.
        unit_tiers: Its price beyond so many units of a month; empty: the same for all.
        price_from: Who says so, and where; None: there is no price, or it is a contract's.
        listed_on: The cloud whose price list has the price of a unit, too; None: none has.
        usd_micros_per_user: Beside the units, once a run; 0: nothing.
        machines_of: The cloud an hour of whose machine is a unit, at the machine's own price.
        usd_micros_per_sent_gb: Beside the units, for each 10**9 bytes that are sent; 0: nothing.
        no_price: Why there is no price per unit; None where there is one.
        superseded_by: The tariff that the service has now in its place; None: it is in force.
        sources: Addresses of the pages.
        notes: What a reader should know besides.
        examples: The vendor's own arithmetic.
        no_example: Why there is none in any version; None where there is.
        contract_rate: The customer's own, which then is the price of a unit; None: it is the
            published one.
    """

    name: str
    title: str
    version: date
    as_of: date
    unit: str
    counts: Counted
    unit_s: int
    quantum_s: int
    cancellation: CancellationPolicy
    rounding: Rounding = Rounding.UP
    floors: tuple[Floor, ...] = ()
    floor_users_per_injector: int | None = None
    extra_injectors: int = 0
    users_per_injector: Mapping[str, int] = field(default_factory=dict)
    multipliers: Mapping[str, int] = field(default_factory=dict)
    theoretical_users_per_injector: Mapping[str, int] = field(default_factory=dict)
    usd_micros_per_unit: int | None = None
    unit_tiers: tuple[UnitTier, ...] = ()
    price_from: PublishedPrice | None = None
    listed_on: str | None = None
    usd_micros_per_user: int = 0
    machines_of: str | None = None
    usd_micros_per_sent_gb: int = 0
    no_price: str | None = None
    superseded_by: str | None = None
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    no_example: str | None = None
    contract_rate: ContractRate | None = None

    @property
    def counts_li_minutes(self) -> bool:
        """Whether its unit is one injector for one started minute, whatever it calls it."""
        by_the_minute = self.unit_s == self.quantum_s == 60  # noqa: PLR2004 - a minute
        plain = not self.multipliers and not self.extra_injectors and self.rounding is Rounding.UP
        return self.counts is Counted.INJECTORS and by_the_minute and plain

    def billed_s(self, duration_s: int) -> int:
        """A duration in whole steps, without the floor."""
        if self.rounding is Rounding.NEAREST:
            steps = max(1, (2 * duration_s + self.quantum_s) // (2 * self.quantum_s))
        else:
            steps = ceil_div(duration_s, self.quantum_s)
        return steps * self.quantum_s

    @property
    def looks_at_injectors(self) -> bool:
        """Whether the number of servers changes the quantity."""
        return self.counts is not Counted.USERS or self.floor_users_per_injector is not None

    def floor_for(self, injectors: int) -> Floor | None:
        """The floor of a fleet of that size, if the tariff has any."""
        for floor in self.floors:
            if floor.up_to_injectors is None or injectors <= floor.up_to_injectors:
                return floor
        return None


class TariffPrice(Struct, frozen=True):
    """What a service bills for a test.

    Attributes:
        tariff: Its name.
        version: The version that was applied.
        unit: What the quantities count.
        quantity: Units in all, exact to four decimals.
        startup_quantity: The part that is due once injectors are requested: the floor.
        injectors: Servers that it counted on; None: it does not look at them.
        usd_micros: The charge, in whole cents; None: see ``unknown``.
        startup_usd_micros: The part of it that the start-up quantity makes; None likewise.
        unknown: Why there is no price.
        as_of: The tariff's.
        steps: The arithmetic, for people.
    """

    tariff: str
    version: date
    unit: str
    quantity: int | Decimal
    startup_quantity: int | Decimal
    injectors: int | None
    usd_micros: int | None
    startup_usd_micros: int | None
    unknown: str | None
    as_of: date
    steps: tuple[str, ...]


def _check_range(name: str, number: int | None, maximum: int, *, minimum: int = 1) -> None:
    if number is not None and not minimum <= number <= maximum:
        raise UsageError(
            f"{name} must be from {minimum} to {maximum}, not {number}", field=name, value=number
        )
