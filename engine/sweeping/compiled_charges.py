"""Compiled charges: the first loop of ``kernel`` for numba, as fast as memory delivers the rows.

Where every number on the way is below 2**51 a chunk is computed in doubles, whose vector
instructions divide. Rows in one situation are, in a single loop, which also looks for the largest
numbers: that they were small enough is seen afterwards, and what is not is computed again. That is
exact:

- ``ceil(a / b)`` of whole numbers below 2**53: a quotient that is no whole number is at least
  ``1 / b`` away from one, further than rounding moves it;
- ``floor((n + 0.5) * (1 / d))`` is ``n // d``: it is ``0.5 / d`` away from any whole number, and
  the two roundings move it by less while ``n < 2**51``.

All other chunks are computed in integers. Importing this needs numba, which keeps what it compiled
beside this file until the file changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.sweeping.columns import NONE, Codes, Column
from engine.sweeping.compiled_memory import compiled
from engine.sweeping.known_columns import NUMBERS
from pricing.money import MICROS_PER_CENT, SECONDS_PER_MINUTE

CHUNK_ROWS = 1_024
"""Seven buffers that stay in the inner caches."""

INJECTORS, LI_MINUTES, USD_MICROS = 0, CHUNK_ROWS, 2 * CHUNK_ROWS
"""Where a chunk's results begin in the buffer."""

EXACT_BELOW = 2.0**51

_USERS_MAX = NUMBERS["users"].most
_DURATION_MAX_S = NUMBERS["duration_s"].most
_PAYLOAD_MAX = NUMBERS["users_per_injector"].most
_INJECTORS_MAX = NUMBERS["injectors"].most
_HALF_CENT = MICROS_PER_CENT // 2
_PER_CENT = 1.0 / MICROS_PER_CENT
_PER_MINUTE = 1.0 / SECONDS_PER_MINUTE
_MINUTE_S = SECONDS_PER_MINUTE


Doubles = npt.NDArray[np.float64]


@compiled
def _buffer() -> Doubles:
    """Doubles for one chunk; ones, so that the last chunk computes with something at its end."""
    return np.ones(CHUNK_ROWS, np.float64)


@compiled
def load(column: Column, into: Doubles) -> tuple[int, int]:
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


@compiled
def store(numbers: Doubles, into: Column) -> np.int64:
    """Whole doubles as integers, and the largest."""
    most = np.int64(0)
    for i in range(len(into)):
        each = np.int64(numbers[i])
        most = max(most, each)
        into[i] = each
    return most


@compiled
def _gather(by_code: Column, codes: Codes, into: Doubles) -> None:
    """Doubles of what each row's situation has."""
    if len(codes) == 1:
        into[:] = float(by_code[codes[0]])
        return
    for i in range(len(codes)):
        into[i] = float(by_code[codes[i]])


@compiled
def _injectors_each(u: Doubles, payload: Doubles, n: Doubles, into: Column) -> np.int64:
    """Injectors of a payload for each row, and the largest number of them."""
    most = np.int64(0)
    for i in range(len(into)):
        injectors = np.ceil(u[i] / payload[i])
        whole = np.int64(injectors)
        n[i] = injectors
        into[i] = whole
        most = max(most, whole)
    return most


@compiled
def _li_minutes(
    n: Doubles, d: Doubles, limits: Column, minutes_of: Column, m: Doubles, into: Column
) -> None:
    """Started minutes, at least those of the floor, of all injectors."""
    limit_1, limit_2 = float(limits[0]), float(limits[1])
    floor_1, floor_2, floor_3 = float(minutes_of[0]), float(minutes_of[1]), float(minutes_of[2])
    for i in range(len(into)):
        minutes = np.floor((d[i] + (_MINUTE_S - 0.5)) * _PER_MINUTE)
        least = floor_1
        least = floor_2 if n[i] > limit_1 else least
        least = floor_3 if n[i] > limit_2 else least
        li_minutes = n[i] * max(least, minutes)
        m[i] = li_minutes
        into[i] = np.int64(li_minutes)


@compiled
def _bill_each(m: Doubles, u: Doubles, rate: Doubles, per_user: Doubles, into: Column) -> None:
    """Whole cents in micro-dollars, at a rate for each row."""
    for i in range(len(into)):
        exact = m[i] * rate[i] + u[i] * per_user[i]
        cents = np.floor((exact + (_HALF_CENT + 0.5)) * _PER_CENT)
        into[i] = np.int64(cents * MICROS_PER_CENT)


@compiled
def _bill_large(m: Doubles, u: Doubles, rate: Doubles, per_user: Doubles, into: Column) -> None:
    """The same in integers, for what doubles would not hold exactly."""
    for i in range(len(into)):
        whole = np.int64(m[i]) * np.int64(rate[i]) + np.int64(u[i]) * np.int64(per_user[i])
        into[i] = (whole + _HALF_CENT) // MICROS_PER_CENT * MICROS_PER_CENT


@compiled
def charge_alike(  # noqa: PLR0913, PLR0917 - numba takes arrays one by one
    users: Column,
    users_low: int,
    duration_s: Column,
    duration_low: int,
    payload: Column,
    payload_low: int,
    rows: int,
    rate: float,
    per_user: float,
    limits: Column,
    minutes_of: Column,
    buffer: Column,
    ends: Column,
) -> bool:
    """A chunk in one situation, into the buffer; false: something is out of range, or too large.

    The columns are read from the entries named ``low`` on. What is the least and the most of users
    and lengths is left in ``ends``.
    """
    limit_1, limit_2 = float(limits[0]), float(limits[1])
    floor_1, floor_2, floor_3 = float(minutes_of[0]), float(minutes_of[1]), float(minutes_of[2])
    at_u, at_d, at_p = np.uint64(users_low), np.uint64(duration_low), np.uint64(payload_low)
    least_u = most_u = users[at_u]
    least_d = most_d = duration_s[at_d]
    least_p = most_p = payload[at_p]
    most_n = np.int64(0)
    for i in range(np.uint64(rows)):
        user, length_s, each = users[at_u + i], duration_s[at_d + i], payload[at_p + i]
        least_u, most_u = min(least_u, user), max(most_u, user)
        least_d, most_d = min(least_d, length_s), max(most_d, length_s)
        least_p, most_p = min(least_p, each), max(most_p, each)
        injectors = np.ceil(float(user) / float(each))
        minutes = np.floor((float(length_s) + (_MINUTE_S - 0.5)) * _PER_MINUTE)
        least = floor_1
        least = floor_2 if injectors > limit_1 else least
        least = floor_3 if injectors > limit_2 else least
        li_minutes = injectors * max(least, minutes)
        exact = li_minutes * rate + float(user) * per_user
        cents = np.floor((exact + (_HALF_CENT + 0.5)) * _PER_CENT)
        whole = np.int64(injectors)
        most_n = max(most_n, whole)
        buffer[np.uint64(INJECTORS) + i] = whole
        buffer[np.uint64(LI_MINUTES) + i] = np.int64(li_minutes)
        buffer[np.uint64(USD_MICROS) + i] = np.int64(cents * MICROS_PER_CENT)
    ends[0], ends[1], ends[2], ends[3] = least_u, most_u, least_d, most_d
    if least_u < 1 or most_u > _USERS_MAX or least_d < 1 or most_d > _DURATION_MAX_S:
        return False
    if least_p <= NONE or most_p > _PAYLOAD_MAX or most_n > _INJECTORS_MAX:
        return False
    longest = max(float(most_d) / _MINUTE_S + 1.0, floor_1, floor_2, floor_3)
    bound = most_n * longest * rate + most_u * per_user + MICROS_PER_CENT
    return bool(bound <= EXACT_BELOW)


@compiled
def charge_rows(  # noqa: C901, PLR0912, PLR0913, PLR0917 - numba takes arrays one by one, and is fast in one function
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
    """Rows of any kind; false: some number is out of range."""
    rows = len(out_injectors)
    u, d, p = _buffer(), _buffer(), _buffer()
    rate, per_user = _buffer(), _buffer()
    n, m = _buffer(), _buffer()
    most_floor = float(minutes_of.max())
    most_rate, most_per_user = float(rate_of.max()), float(per_user_of.max())
    is_alike = len(codes) == 1
    least_u = most_u = least_d = most_d = 0
    for low in range(0, rows, CHUNK_ROWS):
        high = min(low + CHUNK_ROWS, rows)
        if low == 0 or len(users) > 1:
            least_u, most_u = load(users if len(users) == 1 else users[low:high], u)
        if low == 0 or len(duration_s) > 1:
            least_d, most_d = load(duration_s if len(duration_s) == 1 else duration_s[low:high], d)
        if least_u < 1 or most_u > _USERS_MAX or least_d < 1 or most_d > _DURATION_MAX_S:
            return False
        chunk_codes = codes if is_alike else codes[low:high]
        if low == 0 or not is_alike:
            _gather(rate_of, chunk_codes, rate)
            _gather(per_user_of, chunk_codes, per_user)
            _gather(payload_of, chunk_codes, p)
        if len(payload):
            least, most = load(payload if len(payload) == 1 else payload[low:high], p)
            if least < NONE or most > _PAYLOAD_MAX:
                return False
            if least == NONE:
                _gather(payload_of, chunk_codes, m)
                for i in range(CHUNK_ROWS):
                    p[i] = p[i] if p[i] > NONE else m[i]
        into = out_injectors[low:high]
        most_n = _injectors_each(u, p, n, into)
        if len(fixed):
            least, most = load(fixed if len(fixed) == 1 else fixed[low:high], m)
            if least < NONE or most > _INJECTORS_MAX:
                return False
            for i in range(CHUNK_ROWS):
                n[i] = m[i] if m[i] > NONE else n[i]
            most_n = store(n, into)
        if most_n > _INJECTORS_MAX:
            return False
        _li_minutes(n, d, limits, minutes_of, m, out_li_minutes[low:high])
        longest = max(float(most_d) / _MINUTE_S + 1.0, most_floor)
        bound = most_n * longest * most_rate + most_u * most_per_user + MICROS_PER_CENT
        into = out_usd_micros[low:high]
        if bound > EXACT_BELOW:
            _bill_large(m, u, rate, per_user, into)
        else:
            _bill_each(m, u, rate, per_user, into)
    return True
