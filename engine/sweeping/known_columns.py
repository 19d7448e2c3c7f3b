"""Known columns: what a sweep reads and what it adds, one row each.

Axes of grids, checks, frames, command line and documents are made from these rows. What a column
does to the estimate is arithmetic: in ``kernel``, and for numba in its compiled twins.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from engine.clouds import CLOUDS
from engine.scenario import Protocol
from kernel.durations import MAX_DURATION_S
from pricing.tariffs import USERS_MAX

PLAN = "on-demand"
"""By which a row is billed that does not say."""

DURATION = "duration"
"""Lengths of time as people write them, in place of ``duration_s``."""


class Kind(StrEnum):
    """What the entries of a column are.

    COUNT: Whole numbers.
    SECONDS: Whole seconds; on a grid written with their units.
    WORD: Names.
    """

    COUNT = "count"
    SECONDS = "seconds"
    WORD = "word"


class InputColumn(Struct, frozen=True, kw_only=True):
    """A column that a sweep reads; each is an axis of grids too.

    Attributes:
        name: In files, frames and Python.
        meaning: For people.
        kind: What its entries are.
        most: Of a number, which is from 1 to so many.
        is_required: Every row has one. Rows may have none of the others.
        choices: The only words there are; empty: whatever the catalogue or the plans know.
        default: The word of rows that have none.
        on_grid: What an axis is called beside ``name``.
        heading: Above it in tables for people, if not its name.
        fixes_size: Says itself how many injectors or users on each; a row has at most one such.
        in_scenario: A scenario has a field of this name, which the single estimate takes it from.
    """

    name: str
    meaning: str
    kind: Kind = Kind.COUNT
    most: int = 0
    is_required: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""
    on_grid: str = ""
    heading: str = ""
    fixes_size: bool = False
    in_scenario: bool = False

    @property
    def axis(self) -> str:
        """What people call it on a grid."""
        return self.on_grid or self.name


class OutputColumn(Struct, frozen=True, kw_only=True):
    """A column that a sweep adds; ``kernel.Filled`` has a field of its name.

    Attributes:
        name: In files, frames and Python.
        meaning: For people.
        heading: Above it in tables for people, if not its name.
        of_machines: Only there where rows name a place.
        in_dollars: Its name where it is shown in dollars, since it holds micro-dollars; empty: it
            is no money.
    """

    name: str
    meaning: str
    heading: str = ""
    of_machines: bool = False
    in_dollars: str = ""


INPUTS = (
    InputColumn(name="users", meaning="most users at once", most=USERS_MAX, is_required=True),
    InputColumn(
        name="duration_s",
        meaning="planned length in seconds, or duration with units as 10m",
        kind=Kind.SECONDS,
        most=MAX_DURATION_S,
        is_required=True,
        on_grid=DURATION,
        heading="duration",
    ),
    InputColumn(
        name="users_per_injector",
        meaning="fixed payload",
        most=USERS_MAX,
        heading="users per injector",
        fixes_size=True,
        in_scenario=True,
    ),
    InputColumn(
        name="injectors",
        meaning="fixed number of injectors",
        most=1_000_000,
        fixes_size=True,
        in_scenario=True,
    ),
    InputColumn(
        name="protocol",
        meaning="what the users speak",
        kind=Kind.WORD,
        choices=tuple(Protocol),
        default="http",
    ),
    InputColumn(name="provider", meaning="whose machines", kind=Kind.WORD, choices=tuple(CLOUDS)),
    InputColumn(name="region", meaning="where the load comes from", kind=Kind.WORD),
    InputColumn(
        name="instance_type",
        meaning="the only machine type that may be taken",
        kind=Kind.WORD,
        on_grid="type",
        heading="type",
    ),
    InputColumn(
        name="plan",
        meaning="plan or tariff that bills the run",
        kind=Kind.WORD,
        default=PLAN,
    ),
)
"""Numbers first: on a grid the first ones vary fastest, of the words the last."""

OUTPUTS = (
    OutputColumn(name="injectors", meaning="standard injectors"),
    OutputColumn(
        name="li_minutes",
        meaning="LI-minutes with the floor for the fleet's size",
        heading="LI-minutes",
    ),
    OutputColumn(
        name="usd_micros",
        meaning="what the plan or tariff bills",
        heading="USD charged",
        in_dollars="usd",
    ),
    OutputColumn(
        name="machines", meaning="the cheapest machines, where a place is named", of_machines=True
    ),
    OutputColumn(
        name="machine_usd_micros",
        meaning="what they and all around them cost",
        heading="USD of machines",
        of_machines=True,
        in_dollars="machine_usd",
    ),
)

NUMBERS = {each.name: each for each in INPUTS if each.kind is not Kind.WORD}
"""The input columns of whole numbers, by name."""

WORDS = {each.name: each for each in INPUTS if each.kind is Kind.WORD}
"""The input columns of names, by name."""

OPTIONAL_NUMBERS = tuple(name for name, each in NUMBERS.items() if not each.is_required)
"""Those of which a row may have none."""

SIZES = tuple(each.name for each in INPUTS if each.fixes_size)
"""Of these a row has at most one."""

READ = (*NUMBERS, DURATION, *WORDS)
"""All names that a sweep looks for."""

ESTIMATES = tuple(each.name for each in OUTPUTS)
IN_DOLLARS = {each.name: each.in_dollars for each in OUTPUTS if each.in_dollars}
"""From columns of micro-dollars to their names in dollars."""

HEADINGS = {each.name: each.heading for each in (*INPUTS, *OUTPUTS) if each.heading}
