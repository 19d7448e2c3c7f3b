"""Kernel: the arithmetic of a sweep in numpy, whole numbers only.

``compiled`` holds the same loops for numba, and gives the same to the last micro-dollar. Rows
go through in chunks that stay in the processor's cache, about twice as fast as whole columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from engine.planning.machines import MONTH_S
from engine.planning.requirement import HOUSE_TARIFF
from engine.sweeping.columns import NONE, Codes, Column, LoadTests, Mask, bounds_of, part
from engine.sweeping.known_columns import ESTIMATES, NUMBERS
from engine.sweeping.machine_prices import COUNT_BITS, COUNT_MASK
from engine.sweeping.row_keys import Figures
from pricing.money import MICROS_PER_CENT, SECONDS_PER_MINUTE
from pricing.tariffs import Tariff, load_tariff

CHUNK_ROWS = 16_384
FLOORS = 3
INJECTORS_MAX = NUMBERS["injectors"].most

NOT_LOOKED_UP = -1
"""In the column of machines: the row has to be estimated by itself."""

OUT_OF_RANGE = -1
"""Returned by a loop: a number of some row is."""

(
    HAS_MACHINES,
    FIRST_ENTRY,
    LAST_UNITS,
    UNIT,
    BASE_UNITS,
    BASE_PRICE,
    BY_INJECTORS,
    FIRST_SHARE,
    SHARES,
    START_UP_S,
    MINIMUM_S,
    STEP_S,
    REQUESTS,
    REQUESTS_OF,
) = range(14)
"""The columns of ``Constants.machines``."""

BEYOND, EGRESS, EGRESS_OF, BEFORE = range(4)
"""The last axis of ``Constants.egress``, as ``situations.EgressStep`` has it."""

NEVER = 2**63 - 1


class Constants(Struct, frozen=True, eq=False):
    """What the loops compute with, by situation.

    Attributes:
        payload: Users on a standard injector.
        rate: Micro-dollars of an LI-minute; 0 where ``billing`` bills the rows.
        per_user: Micro-dollars of a user.
        limits: Injectors up to which the first and the second floor of the LI-minutes hold.
        minutes: The three floors.
        machines: A row for each situation; its columns are named above.
        entries: All tables of ``machine_prices``, one after the other.
        shares: All of their shares likewise: hosted injectors, and room for users.
        egress: By situation, tier and the columns named above; tiers that are not there begin
            ``NEVER``.
    """

    payload: Column
    rate: Column
    per_user: Column
    limits: Column
    minutes: Column
    machines: Column
    entries: Column
    shares: Column
    egress: Column


class Filled(Struct, frozen=True, eq=False):
    """The columns that the loops fill, one for each of ``known_columns.OUTPUTS``.

    Attributes:
        injectors: Standard injectors.
        li_minutes: LI-minutes with the floor for the fleet's size.
        usd_micros: The charge in micro-dollars, in whole cents.
        machines: Machines; None: no row has any.
        machine_usd_micros: What they cost, in micro-dollars; likewise.
    """

    injectors: Column
    li_minutes: Column
    usd_micros: Column
    machines: Column | None
    machine_usd_micros: Column | None

    def part(self, rows: slice) -> Filled:
        """Some of the rows, as views."""
        every: dict[str, Any] = {
            name: column if column is None else column[rows] for name, column in self.columns()
        }
        return Filled(**every)

    def columns(self) -> Iterator[tuple[str, Column | None]]:
        """Its columns by name."""
        for name in ESTIMATES:
            yield name, getattr(self, name)


def constants_of(figures: Sequence[Figures], house: Tariff | None = None) -> Constants:
    """The figures of all situations as arrays."""
    house = house or load_tariff(HOUSE_TARIFF)
    limits, minutes = _floors(house)
    entries: list[Column] = [np.zeros(1, np.int64)]
    shares: list[tuple[int, int]] = []
    machines = np.zeros((len(figures), REQUESTS_OF + 1), np.int64)
    first = 1
    for number, each in enumerate(figures):
        if each.machines is None:
            continue
        own, prices = each.machines, each.machines.prices
        machines[number] = (
            1,
            first,
            len(prices.entries) - 1,
            prices.unit,
            prices.base_units,
            prices.base_entry >> COUNT_BITS,
            prices.by_injectors,
            len(shares),
            len(prices.shares),
            own.start_up_s,
            own.minimum_s,
            own.step_s,
            own.requests,
            own.requests_of,
        )
        entries.append(prices.entries)
        shares.extend(prices.shares)
        first += len(prices.entries)
    plain = [each.billing.tariff if each.billing.is_plain else None for each in figures]
    return Constants(
        payload=np.array([each.payload for each in figures], np.int64),
        rate=np.array([each.usd_micros_per_unit or 0 if each else 0 for each in plain], np.int64),
        per_user=np.array([each.usd_micros_per_user if each else 0 for each in plain], np.int64),
        limits=limits,
        minutes=minutes,
        machines=machines,
        entries=np.concatenate(entries),
        shares=np.array(shares or [(0, 1)], np.int64),
        egress=_egress_tiers(figures),
    )


def _egress_tiers(figures: Sequence[Figures]) -> Column:
    """The tiers of all situations; those with fewer than others get some that never begin."""
    steps = [each.machines.egress if each.machines else () for each in figures]
    tiers = np.zeros((len(figures), max(1, *map(len, steps)), 4), np.int64)
    tiers[:, :, BEYOND], tiers[:, :, EGRESS_OF] = NEVER, 1
    for number, own in enumerate(steps):
        for tier, step in enumerate(own):
            tiers[number, tier] = (
                step.beyond,
                step.usd_micros,
                step.requests,
                step.before_usd_micros,
            )
    return tiers


def fill(tests: LoadTests, codes: Codes, constants: Constants, out: Filled) -> int:
    """Injectors, LI-minutes and plain charges; machines where there is a place for them.

    Returns:
        As ``cost``; or ``OUT_OF_RANGE``, and whatever is in the columns means nothing.
    """
    if not _charge(tests, codes, constants, out):
        return OUT_OF_RANGE
    return 0 if out.machines is None else cost(tests, codes, constants, out)


def _charge(tests: LoadTests, codes: Codes, constants: Constants, out: Filled) -> bool:
    """Injectors, LI-minutes and plain charges; false: some number is out of range."""
    for name, column in tests.numbers.items():
        least, most = bounds_of(name)
        if len(column) and (column.min() < least or column.max() > most):
            return False
    for start in range(0, tests.rows, CHUNK_ROWS):
        rows = slice(start, min(start + CHUNK_ROWS, tests.rows))
        _charge_chunk(tests.part(rows), part(codes, rows), constants, out.part(rows))
    return not tests.rows or bool(out.injectors.max() <= INJECTORS_MAX)


def cost(tests: LoadTests, codes: Codes, constants: Constants, out: Filled) -> int:
    """Machines and what they cost.

    Returns:
        How many rows have to be estimated by themselves; they have ``NOT_LOOKED_UP`` machines.
    """
    assert out.machines is not None, "there is a place"
    for start in range(0, tests.rows, CHUNK_ROWS):
        rows = slice(start, min(start + CHUNK_ROWS, tests.rows))
        _cost_chunk(tests.part(rows), part(codes, rows), constants, out.part(rows))
    return int(np.count_nonzero(out.machines == NOT_LOOKED_UP))


def count_injectors(tests: LoadTests, codes: Codes, constants: Constants, out: Column) -> None:
    """Standard injectors of each row, however many; the numbers are in range."""
    payload = constants.payload[codes]
    given = tests.numbers.get("users_per_injector")
    if given is not None:
        payload = np.where(given == NONE, payload, given)
    np.floor_divide(tests.users + (payload - 1), payload, out=out)
    fixed = tests.numbers.get("injectors")
    if fixed is not None:
        np.copyto(out, np.where(fixed == NONE, out, fixed))


def _charge_chunk(tests: LoadTests, code: Codes, constants: Constants, out: Filled) -> None:
    users, duration_s = tests.users, tests.duration_s
    count_injectors(tests, code, constants, out.injectors)
    minutes = (duration_s + (SECONDS_PER_MINUTE - 1)) // SECONDS_PER_MINUTE
    least = np.where(
        out.injectors > constants.limits[1],
        constants.minutes[2],
        np.where(out.injectors > constants.limits[0], constants.minutes[1], constants.minutes[0]),
    )
    np.multiply(out.injectors, np.maximum(minutes, least), out=out.li_minutes)
    exact = out.li_minutes * constants.rate[code]
    exact += users * constants.per_user[code]
    exact += MICROS_PER_CENT // 2
    exact //= MICROS_PER_CENT
    np.multiply(exact, MICROS_PER_CENT, out=out.usd_micros)


def _cost_chunk(tests: LoadTests, code: Codes, constants: Constants, out: Filled) -> None:
    assert out.machines is not None, "there is a place"
    assert out.machine_usd_micros is not None, "likewise"
    own = constants.machines[code].T
    users, duration_s = tests.users, tests.duration_s
    load = np.where(own[BY_INJECTORS] == 1, out.injectors, users)
    unit = np.maximum(own[UNIT], 1)
    units = (load + (unit - 1)) // unit
    base = own[BASE_UNITS]
    beyond = np.maximum(units - own[LAST_UNITS], 0)
    more = np.where(base > 0, (beyond + (base - 1)) // np.maximum(base, 1), 0)
    index = np.clip(units - more * base, 0, own[LAST_UNITS])
    entry = constants.entries[own[FIRST_ENTRY] + index]
    monthly = (entry >> COUNT_BITS) + more * own[BASE_PRICE]
    step_s = np.maximum(own[STEP_S], 1)
    billed_s = np.maximum(
        (duration_s + (own[START_UP_S] + step_s - 1)) // step_s * step_s, own[MINIMUM_S]
    )
    whole, rest = np.divmod(monthly, MONTH_S)
    usd_micros = whole * billed_s + (rest * billed_s + MONTH_S // 2) // MONTH_S
    usd_micros += _egress(users, duration_s, own, constants.egress[code])
    is_unknown = ((base == 0) & (beyond > 0)) | _lacks_room(users, out.injectors, own, constants)
    count = (entry & COUNT_MASK) + more
    has = own[HAS_MACHINES] == 1
    np.copyto(out.machines, np.where(has, np.where(is_unknown, NOT_LOOKED_UP, count), 0))
    np.copyto(out.machine_usd_micros, np.where(has & ~is_unknown, usd_micros, 0))


def _egress(users: Column, duration_s: Column, own: Column, tiers: Column) -> Column:
    """Of all requests, as ``planning.costs`` has it; the area is a float there, too."""
    area = (users.astype(np.float64) * duration_s.astype(np.float64)).astype(np.int64)
    requests_of = np.maximum(own[REQUESTS_OF], 1)
    requests = (area * own[REQUESTS] + (requests_of - 1)) // requests_of
    _, egress, egress_of, before = tiers[:, 0].T
    for tier in range(1, tiers.shape[1]):
        beyond = requests > tiers[:, tier, BEYOND]
        egress = np.where(beyond, tiers[:, tier, EGRESS], egress)
        egress_of = np.where(beyond, tiers[:, tier, EGRESS_OF], egress_of)
        before = np.where(beyond, tiers[:, tier, BEFORE], before)
    whole, rest = np.divmod(requests, egress_of)
    paid: Column = before + whole * egress + (rest * egress + egress_of // 2) // egress_of
    return paid


def _lacks_room(users: Column, injectors: Column, own: Column, constants: Constants) -> Mask:
    """Rows for which ``MachinePrices.holds_for`` is false."""
    lacks: Mask = np.zeros(np.broadcast_shapes(users.shape, injectors.shape), np.bool_)
    for number in range(int(own[SHARES].max(initial=0))):
        index = np.minimum(own[FIRST_SHARE] + number, len(constants.shares) - 1)
        hosted, room = constants.shares[index].T
        lacks |= (own[SHARES] > number) & (users * hosted > injectors * room) & (users > room)
    return lacks


def _floors(house: Tariff) -> tuple[Column, Column]:
    """Limits and minutes of three floors; fewer are repeated."""
    assert house.counts_li_minutes, house.name
    assert len(house.floors) <= FLOORS, "the loops know three floors"
    limits, minutes = [], []
    for floor in house.floors:
        assert floor.minimum_s % SECONDS_PER_MINUTE == 0, floor
        minutes.append(floor.minimum_s // SECONDS_PER_MINUTE)
        if floor.up_to_injectors is not None:
            limits.append(floor.up_to_injectors)
    while len(minutes) < FLOORS:
        # A floor that ends is followed by none.
        minutes.append(0 if len(limits) == len(minutes) else minutes[-1])
    limits += [INJECTORS_MAX] * (FLOORS - 1 - len(limits))
    return np.array(limits[: FLOORS - 1], np.int64), np.array(minutes, np.int64)
