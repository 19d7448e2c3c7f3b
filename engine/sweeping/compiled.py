"""Compiled: the loops of ``kernel`` for numba, under the same names.

Each chunk is charged and costed while it is in the inner caches. Importing this needs numba, which
keeps what it compiled beside this file until this file changes: who changes another one that is
compiled into it removes ``__pycache__``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.sweeping.columns import Codes, Column, LoadTests
from engine.sweeping.compiled_charges import (
    CHUNK_ROWS,
    INJECTORS,
    LI_MINUTES,
    USD_MICROS,
    charge_alike,
    charge_rows,
)
from engine.sweeping.compiled_costs import (
    MACHINE_USD_MICROS,
    MACHINES,
    cost_alike,
    cost_rows,
    find_ends,
    is_by_users,
)
from engine.sweeping.compiled_memory import PAST_CACHES_ROWS, compiled, send, settle
from engine.sweeping.kernel import OUT_OF_RANGE, Constants, Filled

__all__ = ["CHUNK_ROWS", "cost", "fill"]

_BUFFERS = 5
_ABSENT = np.zeros(0, np.int64)
_OUT_OF_RANGE = OUT_OF_RANGE


def fill(tests: LoadTests, codes: Codes, constants: Constants, out: Filled) -> int:
    """As ``kernel.fill``."""
    return _passed(tests, codes, constants, out, charges=True)


def cost(tests: LoadTests, codes: Codes, constants: Constants, out: Filled) -> int:
    """As ``kernel.cost``."""
    return _passed(tests, codes, constants, out, charges=False)


def _passed(
    tests: LoadTests, codes: Codes, constants: Constants, out: Filled, *, charges: bool
) -> int:
    columns = [each for _, each in out.columns() if each is not None]
    past = len(out.injectors) >= PAST_CACHES_ROWS and all(
        each.flags.c_contiguous for each in columns
    )
    return int(
        _pass(
            tests.users,
            tests.duration_s,
            tests.numbers.get("users_per_injector", _ABSENT),
            tests.numbers.get("injectors", _ABSENT),
            codes,
            constants.payload,
            constants.rate,
            constants.per_user,
            constants.limits,
            constants.minutes,
            constants.machines,
            constants.entries,
            constants.shares,
            constants.egress,
            out.injectors,
            out.li_minutes,
            out.usd_micros,
            _ABSENT if out.machines is None else out.machines,
            _ABSENT if out.machine_usd_micros is None else out.machine_usd_micros,
            charges,
            past,
        )
    )


@compiled
def _pass(  # noqa: PLR0913, PLR0917 - numba takes arrays one by one
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
    machines: Column,
    entries: Column,
    shares: Column,
    egress: Column,
    out_injectors: Column,
    out_li_minutes: Column,
    out_usd_micros: Column,
    out_machines: Column,
    out_machine_usd_micros: Column,
    charges: bool,
    past: bool,
) -> int:
    """Charges if wanted, then machines if there is a place for them, chunk by chunk."""
    rows = len(out_injectors)
    if not rows:
        return 0
    code = codes[0]
    is_charged_alike = charges and len(codes) == 1 and not len(fixed)
    is_costed_alike = len(codes) == 1 and is_by_users(machines[code])
    own, tiers = machines[code], egress[code]
    rate, per_user = float(rate_of[code]), float(per_user_of[code])
    u, u_step = _chunked(users)
    d, d_step = _chunked(duration_s)
    p, p_step = _chunked(payload if len(payload) else payload_of[code : code + 1])
    buffer, ends = np.empty(_BUFFERS * CHUNK_ROWS, np.int64), np.empty(4, np.int64)
    left = 0
    for low in range(0, rows, CHUNK_ROWS):
        high = min(low + CHUNK_ROWS, rows)
        count = high - low
        at_u, at_d, at_p = low * u_step, low * d_step, low * p_step
        if is_charged_alike and charge_alike(
            u, at_u, d, at_d, p, at_p, count, rate, per_user, limits, minutes_of, buffer, ends
        ):
            send(buffer, INJECTORS, out_injectors, low, count, past)
            send(buffer, LI_MINUTES, out_li_minutes, low, count, past)
            send(buffer, USD_MICROS, out_usd_micros, low, count, past)
        elif charges and not charge_rows(
            _some(users, low, high),
            _some(duration_s, low, high),
            _some(payload, low, high),
            _some(fixed, low, high),
            _some(codes, low, high),
            payload_of,
            rate_of,
            per_user_of,
            limits,
            minutes_of,
            out_injectors[low:high],
            out_li_minutes[low:high],
            out_usd_micros[low:high],
        ):
            return _OUT_OF_RANGE
        if not len(out_machines):
            continue
        if is_costed_alike and not is_charged_alike:
            find_ends(u, at_u, count, ends[:2])
            find_ends(d, at_d, count, ends[2:])
        if is_costed_alike and cost_alike(
            u, at_u, d, at_d, count, own, tiers, entries, buffer, ends
        ):
            send(buffer, MACHINES, out_machines, low, count, past)
            send(buffer, MACHINE_USD_MICROS, out_machine_usd_micros, low, count, past)
            continue
        left += cost_rows(
            _some(users, low, high),
            _some(duration_s, low, high),
            out_injectors[low:high],
            _some(codes, low, high),
            machines,
            entries,
            shares,
            egress,
            out_machines[low:high],
            out_machine_usd_micros[low:high],
        )
    if past:
        settle()
    return left


@compiled
def _chunked(column: Column) -> tuple[Column, int]:
    """The column and 1; of one number for all rows a chunk of it and 0, to be read each time."""
    if len(column) > 1:
        return column, 1
    return np.full(CHUNK_ROWS, column[0], np.int64), 0


@compiled
def _some(column: Any, low: int, high: int) -> Any:  # noqa: ANN401 - numbers or codes
    """Some rows; all of a column that is not there, or has one number for all rows."""
    return column[low:high] if len(column) > 1 else column
