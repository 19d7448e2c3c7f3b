"""Compiled costs: the second loop of ``kernel`` for numba.

Rows that are in one situation and are carried by users are computed in doubles, chunk by chunk, by
the rules of ``compiled_charges``; all others one by one. A rate for so many is paid in one division
where the product is small enough for that, as it is for all but the largest tests; else for whole
multiples first. Importing this needs numba.
"""

from __future__ import annotations

import numpy as np

from engine.planning.machines import MONTH_S
from engine.sweeping import kernel
from engine.sweeping.columns import Codes, Column
from engine.sweeping.compiled_charges import CHUNK_ROWS, EXACT_BELOW
from engine.sweeping.compiled_memory import compiled
from engine.sweeping.machine_prices import COUNT_BITS, COUNT_MASK

_EXACT_INTEGERS = 2**51
_PER_MONTH = 1.0 / MONTH_S
_HALF_MONTH_S = MONTH_S // 2
_SURELY = 1 - 1e-12
"""Of a quotient that was rounded."""

MACHINES, MACHINE_USD_MICROS = 3 * CHUNK_ROWS, 4 * CHUNK_ROWS
"""Where a chunk's results begin in the buffer, behind those of ``compiled_charges``."""

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
_BEYOND = kernel.BEYOND
_EGRESS = kernel.EGRESS
_EGRESS_OF = kernel.EGRESS_OF
_BEFORE = kernel.BEFORE
_NOT_LOOKED_UP = kernel.NOT_LOOKED_UP


@compiled
def is_by_users(own: Column) -> bool:
    """Whether a place's rows can be computed in doubles, as far as their sizes allow it."""
    return bool(
        own[_HAS_MACHINES] == 1
        and own[_BY_INJECTORS] == 0
        and own[_BASE_UNITS] > 0
        and own[_STEP_S] == 1
    )


@compiled
def _only_tier(least: float, most: float, tiers: Column) -> int:
    """The tier of egress that holds all numbers of requests in between; -1: there is none."""
    tier = 0
    while tier + 1 < len(tiers) and least * _SURELY > float(tiers[tier + 1, _BEYOND]):
        tier += 1
    if tier + 1 < len(tiers) and most >= float(tiers[tier + 1, _BEYOND]):
        return -1
    return tier


@compiled
def cost_alike(  # noqa: PLR0913, PLR0917 - numba takes arrays one by one
    users: Column,
    users_low: int,
    duration_s: Column,
    duration_low: int,
    rows: int,
    own: Column,
    tiers: Column,
    entries: Column,
    buffer: Column,
    ends: Column,
) -> bool:
    """A chunk in one situation, into the buffer; false: its numbers are too large for doubles.

    So for those that lie in several tiers of egress. ``ends`` are the least and the most of users
    and lengths.
    """
    at_u, at_d = np.uint64(users_low), np.uint64(duration_low)
    least_u, most_u, least_d, most_d = ends[0], ends[1], ends[2], ends[3]
    unit, base_units = float(own[_UNIT]), float(own[_BASE_UNITS])
    base_price = float(own[_BASE_PRICE])
    start_up_s, minimum_s = float(own[_START_UP_S]), float(own[_MINIMUM_S])
    requests_in, requests_of = float(own[_REQUESTS]), float(own[_REQUESTS_OF])
    requests_least = float(least_u) * float(least_d) * requests_in
    requests_most = float(most_u) * float(most_d) * requests_in + requests_of
    tier = _only_tier(requests_least / requests_of, requests_most / requests_of, tiers)
    if tier < 0:
        return False
    egress, egress_of = float(tiers[tier, _EGRESS]), float(tiers[tier, _EGRESS_OF])
    before = float(tiers[tier, _BEFORE])
    billed_most = max(float(most_d) + start_up_s, minimum_s)
    table_price = float(entries[own[_FIRST_ENTRY] + own[_LAST_UNITS]] >> COUNT_BITS)
    monthly_most = table_price + (float(most_u) / (unit * base_units) + 1.0) * base_price
    paid_most = monthly_most / MONTH_S * billed_most + requests_most / egress_of * egress
    largest = max(monthly_most, requests_most, paid_most + abs(before), MONTH_S * billed_most)
    if max(largest, egress * egress_of) > EXACT_BELOW / 4:
        return False
    _look_up(users, at_u, rows, own, entries, buffer)
    is_small = max(monthly_most * billed_most, requests_most * egress) <= EXACT_BELOW / 2
    half, per_egress, per_requests = np.floor(egress_of / 2), 1.0 / egress_of, 1.0 / requests_of
    machines, paid_for = np.uint64(MACHINES), np.uint64(MACHINE_USD_MICROS)
    if is_small:
        for i in range(np.uint64(rows)):
            entry, more = buffer[machines + i], buffer[paid_for + i]
            price = float(entry >> COUNT_BITS) + float(more) * base_price
            length_s = float(duration_s[at_d + i])
            billed_s = max(minimum_s, length_s + start_up_s)
            paid = np.floor((price * billed_s + (_HALF_MONTH_S + 0.5)) * _PER_MONTH)
            area = float(users[at_u + i]) * length_s * requests_in
            requests = np.floor((area + (requests_of - 0.5)) * per_requests)
            paid += before + np.floor((requests * egress + (half + 0.5)) * per_egress)
            buffer[machines + i] = (entry & COUNT_MASK) + more
            buffer[paid_for + i] = np.int64(paid)
        return True
    for i in range(np.uint64(rows)):
        entry, more = buffer[machines + i], buffer[paid_for + i]
        price = float(entry >> COUNT_BITS) + float(more) * base_price
        length_s = float(duration_s[at_d + i])
        billed_s = max(minimum_s, length_s + start_up_s)
        whole = np.floor((price + 0.5) * _PER_MONTH)
        rest = (price - whole * MONTH_S) * billed_s
        paid = whole * billed_s + np.floor((rest + (_HALF_MONTH_S + 0.5)) * _PER_MONTH)
        area = float(users[at_u + i]) * length_s * requests_in
        requests = np.floor((area + (requests_of - 0.5)) * per_requests)
        whole = np.floor((requests + 0.5) * per_egress)
        rest = (requests - whole * egress_of) * egress
        paid += before + whole * egress + np.floor((rest + (half + 0.5)) * per_egress)
        buffer[machines + i] = (entry & COUNT_MASK) + more
        buffer[paid_for + i] = np.int64(paid)
    return True


@compiled
def find_ends(column: Column, low: int, rows: int, ends: Column) -> None:
    """The least and the most of some numbers."""
    at = np.uint64(low)
    least = most = column[at]
    for i in range(np.uint64(rows)):
        least, most = min(least, column[at + i]), max(most, column[at + i])
    ends[0], ends[1] = least, most


@compiled
def _look_up(
    users: Column, low: np.uint64, rows: int, own: Column, entries: Column, buffer: Column
) -> None:
    """Entries of the table, and how many more of the base machine, where the results will be."""
    unit, base_units = float(own[_UNIT]), float(own[_BASE_UNITS])
    per_unit, per_base = 1.0 / unit, 1.0 / base_units
    beyond_last = base_units - 0.5 - float(own[_LAST_UNITS])
    found, others = np.uint64(MACHINES), np.uint64(MACHINE_USD_MICROS)
    for i in range(np.uint64(rows)):
        units = np.floor((float(users[low + i]) + (unit - 0.5)) * per_unit)
        more = max(0.0, np.floor((units + beyond_last) * per_base))
        buffer[found + i] = np.int64(max(0.0, units - more * base_units))
        buffer[others + i] = np.int64(more)
    first = np.uint64(own[_FIRST_ENTRY])
    for i in range(np.uint64(rows)):
        buffer[found + i] = entries[first + np.uint64(buffer[found + i])]


@compiled
def _over(number: np.int64, by: np.int64) -> np.int64:
    """The whole quotient of numbers from 0 on; doubles divide much faster than integers."""
    if number < _EXACT_INTEGERS:
        return np.int64(float(number) / float(by))
    return number // by


@compiled
def _egress(requests: np.int64, tiers: Column) -> np.int64:
    """What the requests cost to send."""
    tier = 0
    while tier + 1 < len(tiers) and requests > tiers[tier + 1, _BEYOND]:
        tier += 1
    rate, of = tiers[tier, _EGRESS], tiers[tier, _EGRESS_OF]
    whole = _over(requests, of)
    rest = (requests - whole * of) * rate
    paid: np.int64 = tiers[tier, _BEFORE] + whole * rate + _over(rest + of // 2, of)
    return paid


@compiled
def cost_rows(  # noqa: PLR0913, PLR0917 - numba takes arrays one by one
    users: Column,
    duration_s: Column,
    injectors: Column,
    codes: Codes,
    machines: Column,
    entries: Column,
    shares: Column,
    egress: Column,
    out_machines: Column,
    out_usd_micros: Column,
) -> int:
    """Rows of any kind, one by one; how many of them have to be estimated by themselves."""
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
        paid += _egress(requests, egress[codes[i] if len(codes) > 1 else codes[0]])
        out_usd_micros[i] = paid
    return left
