"""Compiled memory: results that are written past the caches, a whole line at once.

Where a store is to replace a part of a line, the processor reads that line first. Lines that are
written as a whole need not be read, and leave in the caches what is about to be read again: columns
that are larger than the caches take two thirds of the time. The loops write a chunk's results into
a buffer, which this sends on. Importing this needs numba.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from engine.sweeping.columns import Column

LANES = 8
"""Numbers of 64 bits in a line."""

LINE_BYTES = 64

PAST_CACHES_ROWS = 1 << 17
"""Columns of so many rows are larger than a core's own caches; smaller ones are read soon."""

compiled = njit(nogil=True, cache=True, error_model="numpy", fastmath={"nnan", "ninf", "nsz"})
"""No number is infinite or none at all, so the order in which a largest one is looked for is free:
that alone is what ``fastmath`` may change here."""

_INT64 = ir.IntType(64)


@compiled
def send(buffer: Column, first: int, into: Column, low: int, rows: int, past: bool) -> None:
    """Write some numbers of a buffer into a column.

    Args:
        buffer: Holds them, from ``first`` on.
        first: Where they begin.
        into: The column, whose entries lie side by side where they are to go past the caches.
        low: Where they go.
        rows: How many.
        past: Past the caches. ``settle`` has to be called before others read them.
    """
    if not past:
        into[low : low + rows] = buffer[first : first + rows]
        return
    head = min(((-(into.ctypes.data + 8 * low)) % LINE_BYTES) // 8, rows)
    lines = (rows - head) // LANES
    for i in range(head):
        into[low + i] = buffer[first + i]
    for line in range(lines):
        i = head + line * LANES
        _send_line(buffer, first + i, into, low + i)
    for i in range(head + lines * LANES, rows):
        into[low + i] = buffer[first + i]


def _line_sent(_typing: Any, buffer: Any, first: Any, into: Any, low: Any) -> Any:  # noqa: ANN401, ARG001 - numba's own types
    """``into[low : low + LANES] = buffer[first : first + LANES]``, where a line begins."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401 - likewise
        source, at, target, to = arguments
        line = ir.VectorType(_INT64, LANES).as_pointer()
        read = context.make_array(signature.args[0])(context, builder, source).data
        written = context.make_array(signature.args[2])(context, builder, target).data
        numbers = builder.load(builder.bitcast(builder.gep(read, [at]), line), align=8)
        stored = builder.store(
            numbers, builder.bitcast(builder.gep(written, [to]), line), align=LINE_BYTES
        )
        one = ir.Constant(ir.IntType(32), 1)
        stored.set_metadata("nontemporal", builder.module.add_metadata([one]))
        return context.get_dummy_value()

    return types.void(buffer, types.intp, into, types.intp), generate


_send_line: Any = intrinsic(_line_sent)


def _settled(_typing: Any) -> Any:  # noqa: ANN401 - likewise
    """A fence."""

    def generate(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:  # noqa: ANN401 - likewise
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


settle: Any = intrinsic(_settled)
"""Called in a compiled loop without arguments: others see all that was sent past the caches."""
