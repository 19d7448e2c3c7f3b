"""A bound on the price of a cover: what it costs if parts of pieces may be taken.

That is a linear program. Its dual says: so much for each unit that is carried, less so much for
each unit of a resource that may be used, such that no piece costs less than it is worth. The best
such prices, for one resource at a time, are the edges of a convex hull: price over what is carried,
both for one unit of the resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from msgspec import Struct

from kernel.division import ceil_div


class Piece(Struct, frozen=True):
    """Something of which any number may be taken.

    Attributes:
        carries: Towards the target; above zero.
        price: Above zero.
        uses: Of each limited resource; above zero.
    """

    carries: int
    price: int
    uses: tuple[int, ...] = ()


class Edge(Struct, frozen=True):
    """Prices at which no piece costs less than it is worth.

    Attributes:
        carried: For each unit carried, as a part of ``denominator``.
        resource: Which resource the edge is about.
        unused: Less so much for each unit of it that may be used, as a part of ``denominator``.
        denominator: Above zero.
        ends: The pieces that cost what they are worth.
    """

    carried: int
    resource: int
    unused: int
    denominator: int
    ends: tuple[int, ...]

    def bound(self, missing: int, left: Sequence[int]) -> int:
        """The least that carrying what is missing costs with what is left of the resources."""
        may_use = left[self.resource] * self.unused if self.unused else 0
        return -((may_use - missing * self.carried) // self.denominator)


def edges(pieces: Sequence[Piece], resources: int) -> tuple[Edge, ...]:
    """The edges of all hulls: first from nothing to the best value, then on to denser pieces."""
    best = best_value(pieces)
    first = Edge(pieces[best].price, 0, 0, pieces[best].carries, (best,))
    return (first, *(edge for each in range(resources) for edge in _hull(pieces, best, each)))


def best_value(pieces: Sequence[Piece]) -> int:
    """Which of the pieces has the least price for what it carries."""
    best = 0
    for i, piece in enumerate(pieces):
        if piece.price * pieces[best].carries < pieces[best].price * piece.carries:
            best = i
    return best


def bound_by(edges: Sequence[Edge]) -> Callable[[int, Sequence[int]], int]:
    """The least that what is missing costs with what is left: the best bound that any edge gives.

    Asked hundreds of times for a cover, so the usual one, of a single edge, is one expression, and
    others go through ``Edge.bound`` without calling it.
    """
    first = edges[0]
    carried, denominator = first.carried, first.denominator
    if len(edges) == 1 and not first.unused:
        return lambda missing, _: ceil_div(missing * carried, denominator)
    others = [(each.carried, each.resource, each.unused, each.denominator) for each in edges[1:]]

    def least(missing: int, left: Sequence[int]) -> int:
        if first.unused:
            bound = first.bound(missing, left)
        else:
            bound = ceil_div(missing * carried, denominator)
        for each, resource, unused, whole in others:
            other = -((left[resource] * unused - missing * each) // whole)
            bound = max(bound, other)
        return bound

    return least


def _hull(pieces: Sequence[Piece], start: int, resource: int) -> Iterator[Edge]:
    """From the best value on, always to the piece with the least rise in price."""
    at = start
    for _ in pieces:
        low = pieces[at]
        steps = []
        for i, high in enumerate(pieces):
            own, others = low.uses[resource], high.uses[resource]
            run = high.carries * own - low.carries * others
            if run > 0:
                rise = Fraction(high.price * own - low.price * others, run)
                steps.append((rise, Fraction(-high.carries, others), i))
        if not steps:
            return
        rise, _, i = min(steps)
        own = low.uses[resource]
        yield Edge(
            carried=rise.numerator * own,
            resource=resource,
            unused=rise.numerator * low.carries - rise.denominator * low.price,
            denominator=rise.denominator * own,
            ends=(at, i),
        )
        at = i
