"""Compiled: the loops of ``kernel`` for numba, as fast as memory delivers the rows.

Where every number on the way is below 2**51 a chunk is computed in doubles, whose vector
instructions divide. That is exact:

- ``ceil(a / b)`` of whole numbers below 2**53: a quotient that is no whole number is at least
  ``1 / b`` away from one, further than rounding moves it;
- ``floor((n + 0.5) * (1 / d))`` is ``n // d``: it is ``0.5 / d`` away from any whole number, and
  the two roundings move it by less while ``n < 2**51``.

All other chunks are computed in integers. Importing this needs numba.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.planning.costs import MONTH_S
from engine.sweeping import kernel
from engine.sweeping.columns import NONE, NUMBERS, Codes, Column, LoadTests
from engine.sweeping.kernel import Constants, Filled
from engine.sweeping.machine_prices import COUNT_BITS, COUNT_MASK
from pricing.money import MICROS_PER_CENT

CHUNK_ROWS = 512
"""Seven buffers of doubles that stay in the innermost cache."""

EXACT_BELOW = 2.0**51
_EXACT_INTEGERS = 2**51
_PER_MONTH = 1.0 / MONTH_S
_HALF_MONTH_S = MONTH_S // 2

_USERS_MAX = NUMBERS["users"]
_DURATION_MAX_S = NUMBERS["duration_s"]
_PAYLOAD_MAX = NUMBERS["users_per_injector"]
_INJECTORS_MAX = NUMBERS["injectors"]
_HALF_CENT = MICROS_PER_CENT // 2
_PER_CENT = 1.0 / MICROS_PER_CENT
_PER_MINUTE = 1.0 / kernel.SECONDS_PER_MINUTE
_MINUTE_S = kernel.SECONDS_PER_MINUTE

_HAS_MACHINES = kernel.HAS_MACHINES
_FIRST_ENTRY = kernel.FIRST_ENTRY
_LAST_UNITS = kernel.LAST_UNITS
_UNIT = kernel.UNIT
_BASE_UNITS = kernel.BASE_UNITS
_BASE_PRICE = kernel.BASE_PRICE
_BY_INJECTORS = kernel.BY_INJECTORS
_FIRST_SHARE = kernel.FIRST_SHARE
_SHARES = kernel.SHARES
_START_UP_S = kernel.START_UP_S
_MINIMUM_S = kernel.MINIMUM_S
_STEP_S = kernel.STEP_S
_REQUESTS = kernel.REQUESTS
_REQUESTS_OF = kernel.REQUESTS_OF
_EGRESS = kernel.EGRESS
_EGRESS_OF = kernel.EGRESS_OF
_NOT_LOOKED_UP = kernel.NOT_LOOKED_UP

Doubles = npt.NDArray[np.float64]
_ABSENT = np.zeros(0, np.int64)


def charge(tests: LoadTests, codes: Codes, constants: Constants, out: Filled) -> bool:
    """As ``kernel.charge``."""
    return bool(
        _charge(
            tests.users,
            tests.duration_s,
            _ABSENT if tests.users_per_injector is None else tests.users_per_injector,
            _ABSENT if tests.injectors is None else tests.injectors,
            codes,
            constants.payload,
            constants.rate,
            constants.per_user,
            constants.limits,
            constants.minutes,
            out.injectors,
            out.li_minutes,
            out.usd_micros,
        )
    )


def cost(tests: LoadTests, codes: Codes, constants: Constants, out: Filled) -> int:
    """As ``kernel.cost``."""
    assert out.machines is not None, "there is a place"
    assert out.machine_usd_micros is not None, "likewise"
    return int(
        _cost(
            tests.users,
            tests.duration_s,
            out.injectors,
            codes,
            constants.machines,
            constants.entries,
            constants.shares,
            out.machines,
            out.machine_usd_micros,
        )
    )


_compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "ninf", "nsz"})
"""No number is infinite or none at all, so the order in which a largest one is looked for is free:
that alone is what ``fastmath`` may change here."""


@_compiled
def _buffer() -> Doubles:
    """Doubles for one chunk; ones, so that the last chunk computes with something at its end."""
    return np.ones(CHUNK_ROWS, np.float64)


@_compiled
def _load(column: Column, into: Doubles) -> tuple[int, int]:
    """Doubles of a chunk, and its least and largest number; one number stands for all."""
    least, most = column[0], column[0]
    if len(column) == 1:
        into[:] = float(least)
        return least, most
    for i in range(len(column)):
        each = column[i]
        least = min(least, each)
        most = max(most, each)
        into[i] = float(each)
    for i in range(len(column), CHUNK_ROWS):
        into[i] = 1.0
    return least, most


@_compiled
def _store(numbers: Doubles, into: Column) -> np.int64:
    """Whole doubles as integers, and the largest."""
    most = np.int64(0)
    for i in range(len(into)):
        each = np.int64(numbers[i])
        most = max(most, each)
        into[i] = each
    return most


@_compiled
def _gather(by_code: Column, codes: Codes, into: Doubles) -> None:
    """Doubles of what each row's situation has."""
    if len(codes) == 1:
        into[:] = float(by_code[codes[0]])
        return
    for i in range(len(codes)):
        into[i] = float(by_code[codes[i]])


@_compiled
def _charge(  # noqa: C901, PLR0912, PLR0913, PLR0917 - numba takes arrays one by one, and is fast in one function
    users: Column,
    duration_s: Column,
    payload: Column,
    fixed: Column,
    codes: Codes,
    payload_of: Column,
    rate_of: Column,
    per_user_of: Column,
    limits: Column,
    minutes_of: Column,
    out_injectors: Column,
    out_li_minutes: Column,
    out_usd_micros: Column,
) -> bool:
    rows = len(out_injectors)
    u, d, p = _buffer(), _buffer(), _buffer()
    rate, per_user = _buffer(), _buffer()
    n, m = _buffer(), _buffer()
    limit_1, limit_2 = float(limits[0]), float(limits[1])
    floor_1, floor_2, floor_3 = float(minutes_of[0]), float(minutes_of[1]), float(minutes_of[2])
    most_floor = max(floor_1, floor_2, floor_3)
    most_rate, most_per_user = float(rate_of.max()), float(per_user_of.max())
    least_u = most_u = least_d = most_d = 0
    for low in range(0, rows, CHUNK_ROWS):
        high = min(low + CHUNK_ROWS, rows)
        count = high - low
        if low == 0 or len(users) > 1:
            least_u, most_u = _load(users if len(users) == 1 else users[low:high], u)
        if low == 0 or len(duration_s) > 1:
            least_d, most_d = _load(duration_s if len(duration_s) == 1 else duration_s[low:high], d)
        if least_u < 1 or most_u > _USERS_MAX or least_d < 1 or most_d > _DURATION_MAX_S:
            return False
        if low == 0 or len(codes) > 1:
            chunk_codes = codes if len(codes) == 1 else codes[low:high]
            _gather(rate_of, chunk_codes, rate)
            _gather(per_user_of, chunk_codes, per_user)
        if low == 0 or len(codes) > 1 or len(payload):
            _gather(payload_of, codes if len(codes) == 1 else codes[low:high], p)
        if len(payload):
            least, most = _load(payload if len(payload) == 1 else payload[low:high], n)
            if least < NONE or most > _PAYLOAD_MAX:
                return False
            for i in range(CHUNK_ROWS):
                p[i] = n[i] if n[i] > NONE else p[i]
        for i in range(CHUNK_ROWS):
            n[i] = np.ceil(u[i] / p[i])
        if len(fixed):
            least, most = _load(fixed if len(fixed) == 1 else fixed[low:high], m)
            if least < NONE or most > _INJECTORS_MAX:
                return False
            for i in range(CHUNK_ROWS):
                n[i] = m[i] if m[i] > NONE else n[i]
        most_n = _store(n, out_injectors[low:high])
        if most_n > _INJECTORS_MAX:
            return False
        for i in range(CHUNK_ROWS):
            minutes = np.floor((d[i] + (_MINUTE_S - 0.5)) * _PER_MINUTE)
            least_m = floor_1
            least_m = floor_2 if n[i] > limit_1 else least_m
            least_m = floor_3 if n[i] > limit_2 else least_m
            m[i] = n[i] * (max(least_m, minutes))
        longest = max(float(most_d) / _MINUTE_S + 1.0, most_floor)
        bound = most_n * longest * most_rate + most_u * most_per_user + MICROS_PER_CENT
        _store(m, out_li_minutes[low:high])
        into = out_usd_micros[low:high]
        if bound < EXACT_BELOW:
            for i in range(CHUNK_ROWS):
                exact = m[i] * rate[i] + u[i] * per_user[i]
                n[i] = np.floor((exact + (_HALF_CENT + 0.5)) * _PER_CENT) * MICROS_PER_CENT
            _store(n, into)
        else:
            for i in range(count):
                whole = np.int64(m[i]) * np.int64(rate[i]) + np.int64(u[i]) * np.int64(per_user[i])
                into[i] = (whole + _HALF_CENT) // MICROS_PER_CENT * MICROS_PER_CENT
    return True


@_compiled
def _cost(  # noqa: PLR0913, PLR0917 - numba takes arrays one by one
    users: Column,
    duration_s: Column,
    injectors: Column,
    codes: Codes,
    machines: Column,
    entries: Column,
    shares: Column,
    out_machines: Column,
    out_usd_micros: Column,
) -> int:
    rows = len(out_machines)
    own = machines[codes[0]]
    is_alike = len(codes) == 1 and _is_exact(own)
    buffers = np.ones((6, CHUNK_ROWS), np.float64)
    left = 0
    for low in range(0, rows, CHUNK_ROWS):
        high = min(low + CHUNK_ROWS, rows)
        u = users if len(users) == 1 else users[low:high]
        d = duration_s if len(duration_s) == 1 else duration_s[low:high]
        into, into_usd = out_machines[low:high], out_usd_micros[low:high]
        if is_alike and _cost_alike(u, d, own, entries, buffers, into, into_usd):
            continue
        left += _cost_rows(
            u,
            d,
            injectors[low:high],
            codes if len(codes) == 1 else codes[low:high],
            machines,
            entries,
            shares,
            into,
            into_usd,
        )
    return left


@_compiled
def _is_exact(own: Column) -> bool:
    """Whether a place's rows by users can be computed in doubles, as far as their sizes do."""
    return (
        own[_HAS_MACHINES] == 1
        and own[_BY_INJECTORS] == 0
        and own[_BASE_UNITS] > 0
        and own[_STEP_S] == 1
        and float(own[_EGRESS]) * float(own[_EGRESS_OF]) < EXACT_BELOW / 2
    )


@_compiled
def _cost_alike(
    users: Column,
    duration_s: Column,
    own: Column,
    entries: Column,
    buffers: Doubles,
    out_machines: Column,
    out_usd_micros: Column,
) -> bool:
    """A chunk in one situation, in doubles; false: its numbers are too large for that."""
    u, d, units, more, paid = buffers[0], buffers[1], buffers[2], buffers[3], buffers[4]
    monthly = buffers[5]
    _, most_u = _load(users, u)
    _, most_d = _load(duration_s, d)
    unit, last = float(own[_UNIT]), float(own[_LAST_UNITS])
    base_units, base_price = float(own[_BASE_UNITS]), float(own[_BASE_PRICE])
    start_up_s, minimum_s = float(own[_START_UP_S]), float(own[_MINIMUM_S])
    requests_in, requests_of = float(own[_REQUESTS]), float(own[_REQUESTS_OF])
    egress, egress_of = float(own[_EGRESS]), float(own[_EGRESS_OF])
    billed_most = max(float(most_d) + start_up_s, minimum_s)
    table_price = float(entries[own[_FIRST_ENTRY] + own[_LAST_UNITS]] >> COUNT_BITS)
    monthly_most = table_price + (float(most_u) / (unit * base_units) + 1.0) * base_price
    requests_most = float(most_u) * float(most_d) * requests_in + requests_of
    paid_most = monthly_most / MONTH_S * billed_most + requests_most / egress_of * egress
    if max(monthly_most, requests_most, paid_most, MONTH_S * billed_most) > EXACT_BELOW / 4:
        return False
    per_unit, per_base = 1.0 / unit, 1.0 / base_units
    for i in range(CHUNK_ROWS):
        units[i] = np.floor((u[i] + (unit - 0.5)) * per_unit)
        beyond = np.floor((units[i] - last + (base_units - 0.5)) * per_base)
        more[i] = max(0.0, beyond)
        within = units[i] - more[i] * base_units
        units[i] = max(0.0, within)
    table = entries[own[_FIRST_ENTRY] : own[_FIRST_ENTRY] + own[_LAST_UNITS] + 1]
    for i in range(len(out_machines)):
        entry = table[np.uint64(units[i])]
        monthly[i] = float(entry >> COUNT_BITS)
        out_machines[i] = (entry & COUNT_MASK) + np.int64(more[i])
    for i in range(CHUNK_ROWS):
        price = monthly[i] + more[i] * base_price
        run_s = d[i] + start_up_s
        billed_s = max(minimum_s, run_s)
        whole = np.floor((price + 0.5) * _PER_MONTH)
        rest = (price - whole * MONTH_S) * billed_s
        paid[i] = whole * billed_s + np.floor((rest + (_HALF_MONTH_S + 0.5)) * _PER_MONTH)
    half, per_egress, per_requests = np.floor(egress_of / 2), 1.0 / egress_of, 1.0 / requests_of
    for i in range(CHUNK_ROWS):
        area = u[i] * d[i] * requests_in
        requests = np.floor((area + (requests_of - 0.5)) * per_requests)
        whole = np.floor((requests + 0.5) * per_egress)
        rest = (requests - whole * egress_of) * egress
        paid[i] += whole * egress + np.floor((rest + (half + 0.5)) * per_egress)
    _store(paid, out_usd_micros)
    return True


@_compiled
def _over(number: np.int64, by: np.int64) -> np.int64:
    """The whole quotient of numbers from 0 on; doubles divide much faster than integers."""
    if number < _EXACT_INTEGERS:
        return np.int64(float(number) / float(by))
    return number // by


@_compiled
def _cost_rows(  # noqa: PLR0913, PLR0917 - numba takes arrays one by one
    users: Column,
    duration_s: Column,
    injectors: Column,
    codes: Codes,
    machines: Column,
    entries: Column,
    shares: Column,
    out_machines: Column,
    out_usd_micros: Column,
) -> int:
    left = 0
    for i in range(len(out_machines)):
        own = machines[codes[i] if len(codes) > 1 else codes[0]]
        if own[_HAS_MACHINES] == 0:
            out_machines[i] = 0
            out_usd_micros[i] = 0
            continue
        user = users[i] if len(users) > 1 else users[0]
        length_s = duration_s[i] if len(duration_s) > 1 else duration_s[0]
        load = injectors[i] if own[_BY_INJECTORS] else user
        units = _over(load + own[_UNIT] - 1, own[_UNIT])
        more = np.int64(0)
        is_known = True
        if units > own[_LAST_UNITS]:
            if own[_BASE_UNITS]:
                more = _over(units - own[_LAST_UNITS] + own[_BASE_UNITS] - 1, own[_BASE_UNITS])
            else:
                is_known = False
        for number in range(own[_FIRST_SHARE], own[_FIRST_SHARE] + own[_SHARES]):
            if (
                user * shares[number, 0] > injectors[i] * shares[number, 1]
                and user > shares[number, 1]
            ):
                is_known = False
        if not is_known:
            out_machines[i] = _NOT_LOOKED_UP
            out_usd_micros[i] = 0
            left += 1
            continue
        entry = entries[own[_FIRST_ENTRY] + max(0, units - more * own[_BASE_UNITS])]
        out_machines[i] = (entry & COUNT_MASK) + more
        monthly = (entry >> COUNT_BITS) + more * own[_BASE_PRICE]
        run_s = length_s + own[_START_UP_S]
        if own[_STEP_S] > 1:
            run_s = _over(run_s + own[_STEP_S] - 1, own[_STEP_S]) * own[_STEP_S]
        billed_s = max(run_s, own[_MINIMUM_S])
        whole = monthly // MONTH_S
        paid = whole * billed_s
        paid += ((monthly - whole * MONTH_S) * billed_s + MONTH_S // 2) // MONTH_S
        requests = np.int64(float(user) * float(length_s)) * own[_REQUESTS]
        if own[_REQUESTS_OF] > 1:
            requests = _over(requests + own[_REQUESTS_OF] - 1, own[_REQUESTS_OF])
        whole = _over(requests, own[_EGRESS_OF])
        rest = (requests - whole * own[_EGRESS_OF]) * own[_EGRESS]
        paid += whole * own[_EGRESS] + _over(rest + own[_EGRESS_OF] // 2, own[_EGRESS_OF])
        out_usd_micros[i] = paid
    return left
