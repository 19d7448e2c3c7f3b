"""A cover by an integer program, where the search has not ended: limits make many states.

HiGHS (https://highs.dev) solves the same problem: whole numbers of pieces, at the least price, that
carry the goal and keep to the limits. It counts in doubles, so prices are equal to it that differ
by less than ``PRICE_TOLERANCE`` of each other; whether a cover carries the goal and keeps to the
limits is checked in whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.planning.covering_bound import Piece
from kernel.division import ceil_div

NODES_MAX = 200_000
"""Of its tree. A number of nodes and not of seconds, so that every machine finds the same."""

PRICE_TOLERANCE = 1e-8
"""Part of a price: of a million dollars a month, a cent."""


class ProgramCover(Struct, frozen=True):
    """What the program says.

    Attributes:
        counts: How many of each piece; None: no cover was found.
        is_proven: That there is none, or that none is cheaper.
    """

    counts: tuple[int, ...] | None
    is_proven: bool


def solve_cover(pieces: Sequence[Piece], goal: int, limits: Sequence[int]) -> ProgramCover:
    """The cheapest cover, or the proof that there is none.

    Args:
        pieces: What there is.
        goal: What has to be carried; above zero.
        limits: The most of each resource that may be used.
    """
    import highspy  # only few loads need it, and it takes long to import

    class Silent(highspy.Highs):
        """Without callbacks, of which version 1.16 tells standard output that they are there."""

        def enableCallbacks(self) -> None:  # noqa: N802 - its name
            pass

    highs = Silent()  # type: ignore[no-untyped-call]
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("random_seed", 0),
        ("mip_max_nodes", NODES_MAX),
        ("mip_rel_gap", PRICE_TOLERANCE / 10),
        ("mip_abs_gap", 0.0),
    ):
        highs.setOptionValue(option, value)
    dearest = max(each.price for each in pieces)
    counts = [
        highs.addIntegral(lb=0, ub=ceil_div(goal, each.carries), obj=each.price / dearest)
        for each in pieces
    ]
    carried = zip(counts, (each.carries for each in pieces), strict=True)
    highs.addConstr(sum(count * carries for count, carries in carried) >= goal)
    for resource, limit in enumerate(limits):
        used = zip(counts, (each.uses[resource] for each in pieces), strict=True)
        highs.addConstr(sum(count * uses for count, uses in used) <= limit)
    highs.run()
    status = highs.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return ProgramCover(None, is_proven=True)
    found = tuple(round(value) for value in highs.getSolution().col_value)
    if len(found) != len(pieces) or not _holds(pieces, found, goal, limits):
        return ProgramCover(None, is_proven=False)
    return ProgramCover(found, is_proven=status == highspy.HighsModelStatus.kOptimal)


def _holds(
    pieces: Sequence[Piece], counts: Sequence[int], goal: int, limits: Sequence[int]
) -> bool:
    both = list(zip(pieces, counts, strict=True))
    return sum(count * piece.carries for piece, count in both) >= goal and all(
        sum(count * piece.uses[resource] for piece, count in both) <= limit
        for resource, limit in enumerate(limits)
    )
