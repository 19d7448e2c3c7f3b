"""Whole numbers divided, rounded up: how many boxes hold all the things.

Exact for numbers of any size, which ``math.ceil(a / b)`` is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Column = npt.NDArray[np.int64]


@overload
def ceil_div(dividend: int, divisor: int) -> int: ...


@overload
def ceil_div(dividend: Column, divisor: Column | int) -> Column: ...


@overload
def ceil_div(dividend: int, divisor: Column) -> Column: ...


def ceil_div(dividend: int | Column, divisor: int | Column) -> int | Column:
    """The least whole number that is not below ``dividend / divisor``.

    Args:
        dividend: A whole number, or a column of them.
        divisor: Likewise; positive.
    """
    return -(-dividend // divisor)
