"""Cover: the cheapest way to carry a total with pieces of given sizes and prices.

How many of each piece, in whole numbers, so that together they carry at least the target and use
no more of any limited resource than there is? That is a covering knapsack, solved exactly:

- the base is the piece with the best price for what it carries; where a limit binds, the two pieces
  between which the linear program would choose. All others are side pieces;
- what a few side pieces leave to be carried is a state; the base carries the rest. States are taken
  up by the bound of the linear program (``covering_bound``), and once the lowest bound of all is no
  better than the best cover so far, that cover is proven;
- without limits states are few (``covering_freely``), so that is looked at first: where the
  cheapest cover keeps to the limits by itself, it is the cheapest within them;
- where limits leave so many states that the search gives up, an integer program decides
  (``covering_program``).

All numbers are integers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heappop, heappush

from msgspec import Struct

from engine.planning.covering_bound import Edge, Piece, bound_by, edges
from engine.planning.covering_freely import free_cover
from engine.planning.covering_program import solve_cover
from engine.planning.requirement import ImpossibleLoadError
from kernel.division import ceil_div

STATES_MAX = 20_000
"""States that are taken up; after that the best cover so far is returned, with its bound."""

LIMITED_STATES_MAX = 500
"""The same where there are limits: states are many then, and a program is faster."""

ROUGH_STATES_MAX = 10
"""The same where a cover near the cheapest will do: the first states hold it."""

FILLS_MAX = 1_000
"""Ways to share a rest between two base pieces that are looked at."""


class UndecidedCoverError(ImpossibleLoadError):
    """No cover was found within limits, and none is ruled out."""

    code = "undecided_load"


class Cover(Struct, frozen=True):
    """Counts that reach the target.

    Attributes:
        counts: How many of each piece, in the order of the pieces.
        price: Of all of them.
        least_price: No cover costs less: the bound of the linear program, or the price itself (to
            ``covering_program.PRICE_TOLERANCE`` where that decided).
        linear_price: The bound of the linear program, rounded up, for the target rounded up to
            what pieces can carry; and a piece carries no more than the target.
    """

    counts: tuple[int, ...]
    price: int
    least_price: int
    linear_price: int

    @property
    def is_proven(self) -> bool:
        """No cover costs less."""
        return self.least_price == self.price


def cheapest_cover(
    pieces: Sequence[Piece], target: int, limits: tuple[int, ...] = (), *, roughly: bool = False
) -> Cover | None:
    """The cheapest cover of the target; None: there is none that keeps to the limits.

    Of equally cheap covers one with the fewest pieces is taken.

    Args:
        pieces: What there is.
        target: What has to be carried; above zero.
        limits: The most of each resource that may be used.
        roughly: Where limits bind, a cover that is near the cheapest will do.

    Raises:
        UndecidedCoverError: None was found, and it is not proven that there is none.
    """
    if limits:
        free = cheapest_cover([Piece(each.carries, each.price) for each in pieces], target)
        if free is not None and free.is_proven and _keeps_to(limits, free.counts, pieces):
            return free
        if _exceeds(limits, pieces, target):
            return None
    order = _worth_taking(
        [Piece(min(each.carries, target), each.price, each.uses) for each in pieces]
    )
    if not order:
        return None
    unit = math.gcd(*(pieces[i].carries for i in order if pieces[i].carries < target)) or target
    goal = ceil_div(target, unit)
    # A piece costs one more than its scaled price, which decides between equally cheap covers.
    # A power of two above any number of pieces: the same for most targets of these pieces.
    scale = 1 << goal.bit_length()
    scaled = [
        Piece(
            piece.carries // unit if piece.carries < target else goal,
            piece.price * scale + 1,
            piece.uses,
        )
        for piece in (pieces[i] for i in order)
    ]
    hull = edges(scaled, len(limits))
    counts: Sequence[int] | None
    if limits:
        counts, is_proven = _within(limits, scaled, hull, goal, roughly=roughly)
        if not is_proven and (counts is None or not roughly):
            solved = solve_cover([pieces[i] for i in order], target, limits)
            is_proven = solved.is_proven
            counts = _cheaper(scaled, counts, solved.counts)
            if counts is None and not is_proven:
                raise UndecidedCoverError(
                    "whether there are machines within the limits is not known"
                )
    else:
        counts, is_proven = free_cover(scaled, hull[0].ends[0], goal, STATES_MAX)
    if counts is None:
        return None
    linear_price = bound_by(hull)(goal, limits) // scale
    by_piece = dict(zip(order, counts, strict=True))
    price = sum(count * pieces[i].price for i, count in by_piece.items())
    return Cover(
        counts=tuple(by_piece.get(i, 0) for i in range(len(pieces))),
        price=price,
        least_price=price if is_proven else linear_price,
        linear_price=linear_price,
    )


def _keeps_to(limits: tuple[int, ...], counts: Sequence[int], pieces: Sequence[Piece]) -> bool:
    return all(
        sum(count * piece.uses[resource] for count, piece in zip(counts, pieces, strict=True))
        <= limit
        for resource, limit in enumerate(limits)
    )


def _exceeds(limits: tuple[int, ...], pieces: Sequence[Piece], target: int) -> bool:
    """Whether some limit alone is too small, even for the piece that carries most for its use."""
    return any(
        all(limit * min(each.carries, target) < target * each.uses[resource] for each in pieces)
        for resource, limit in enumerate(limits)
    )


def _within(
    limits: tuple[int, ...],
    pieces: Sequence[Piece],
    hull: tuple[Edge, ...],
    goal: int,
    *,
    roughly: bool,
) -> tuple[Sequence[int] | None, bool]:
    """Counts of the cheapest cover within limits, if one was found, and whether that is proven."""
    search = _Search(pieces, hull)
    is_proven = search.run(goal, limits, ROUGH_STATES_MAX if roughly else LIMITED_STATES_MAX)
    return search.counts(), is_proven


def _cheaper(
    pieces: Sequence[Piece], one: Sequence[int] | None, other: Sequence[int] | None
) -> Sequence[int] | None:
    known = [each for each in (one, other) if each is not None]
    return min(
        known,
        key=lambda counts: sum(
            count * each.price for count, each in zip(counts, pieces, strict=True)
        ),
        default=None,
    )


def cheapest_uniform_cover(
    pieces: Sequence[Piece], target: int, limits: tuple[int, ...] = ()
) -> Cover | None:
    """The cheapest cover with pieces of one kind only; otherwise as ``cheapest_cover``."""
    best: tuple[int, int, int] | None = None
    for i, piece in enumerate(pieces):
        count = ceil_div(target, piece.carries)
        price = count * piece.price
        if _less(limits, piece.uses, count) is not None and (
            best is None or (price, count) < best[:2]
        ):
            best = (price, count, i)
    if best is None:
        return None
    price, count, chosen = best
    # Parts of one kind of piece: the same as parts of any kinds.
    linear_price = min(ceil_div(target * each.price, min(target, each.carries)) for each in pieces)
    counts = tuple(count if i == chosen else 0 for i in range(len(pieces)))
    return Cover(counts, price, least_price=price, linear_price=linear_price)


def _worth_taking(pieces: Sequence[Piece]) -> list[int]:
    """Indices of the pieces that no other one beats in everything, by price.

    Without limits they come by what they carry, too.
    """
    kept: list[int] = []
    for i in sorted(range(len(pieces)), key=lambda i: (pieces[i].price, -pieces[i].carries, i)):
        if not pieces[i].uses:
            is_beaten = bool(kept) and pieces[kept[-1]].carries >= pieces[i].carries
        else:
            is_beaten = any(_offers_as_much(pieces[j], pieces[i]) for j in reversed(kept))
        if not is_beaten:
            kept.append(i)
    return kept


def _offers_as_much(one: Piece, other: Piece) -> bool:
    return one.carries >= other.carries and all(
        own <= others for own, others in zip(one.uses, other.uses, strict=True)
    )


class _Search:
    """Best first over what side pieces leave, within limits.

    Args:
        pieces: What there is.
        hull: The edges of the linear program.
    """

    def __init__(self, pieces: Sequence[Piece], hull: tuple[Edge, ...]) -> None:
        self.edges = hull
        self._pieces = pieces
        self.least = bound_by(hull)
        self._taken: list[tuple[int, int]] = [(-1, -1)]
        """By state: the side piece taken last, and the state before; the first has neither."""
        self._left_out = False
        """Some way to fill up a rest was not looked at."""
        self._best_price: float = math.inf
        """Infinite until a cover is found."""
        self._best_state = 0
        self._best_rest: tuple[tuple[int, int], ...] = ()
        """Which pieces carry the rest of the best state, and how many of each."""

    def run(self, goal: int, limits: tuple[int, ...], states_max: int) -> bool:
        """Search; false: it was given up before anything was proven."""
        base = max(self.edges, key=lambda edge: edge.bound(goal, limits)).ends
        worth, least = self.edges[0], self.least
        side = [
            (i, each.carries, each.price, each.uses)
            for i, each in enumerate(self._pieces)
            if i not in base
        ]
        side.sort(key=lambda each: each[2] * worth.denominator - each[1] * worth.carried)
        known: set[tuple[int, ...]] = set()
        """What states left to be carried, and of the resources."""
        states = [(least(goal, limits), -goal, limits, 0, 0)]
        for _ in range(states_max):
            if not states or states[0][0] >= self._best_price:
                return not self._left_out
            _, negative, left, price, state = heappop(states)
            missing = -negative
            if (missing, *left) in known:
                continue
            known.add((missing, *left))
            self._fill(base, missing, left, price, state)
            for i, carries, costs, uses in side:
                remaining = _less(left, uses, 1)
                if remaining is None:
                    continue
                rest, paid = missing - carries, price + costs
                bound = paid + least(rest, remaining)
                if bound >= self._best_price:
                    continue
                if rest <= 0:
                    self._offer(paid, state, ((i, 1),))
                    continue
                if (rest, *remaining) in known:
                    continue
                self._taken.append((i, state))
                heappush(states, (bound, -rest, remaining, paid, len(self._taken) - 1))
        return False

    def counts(self) -> list[int] | None:
        """How many of each piece the best cover takes; None: there is none."""
        if self._best_price == math.inf:
            return None
        counts = [0] * len(self._pieces)
        for i, count in self._best_rest:
            counts[i] += count
        state = self._best_state
        while state:
            i, state = self._taken[state]
            counts[i] += 1
        return counts

    def _offer(self, price: int, state: int, rest: tuple[tuple[int, int], ...]) -> None:
        if price < self._best_price:
            self._best_price, self._best_state, self._best_rest = price, state, rest

    def _fill(
        self, base: tuple[int, ...], missing: int, left: tuple[int, ...], price: int, state: int
    ) -> None:
        """Carry the rest with base pieces: some of the second, and the first for what is left."""
        first = self._pieces[base[0]]
        if len(base) == 1:
            count = ceil_div(missing, first.carries)
            if _less(left, first.uses, count) is not None:
                self._offer(price + count * first.price, state, ((base[0], count),))
            return
        second = self._pieces[base[1]]
        least, most = _least_of(second, first, missing, left), ceil_div(missing, second.carries)
        for count in range(least, most + 1):
            if count - least == FILLS_MAX:
                self._left_out = True
                return
            remaining = _less(left, second.uses, count)
            rest = max(0, missing - count * second.carries)
            paid = price + count * second.price
            if remaining is None:
                return
            if paid + self.least(rest, remaining) >= self._best_price:
                return
            others = ceil_div(rest, first.carries)
            if _less(remaining, first.uses, others) is not None:
                self._offer(
                    paid + others * first.price, state, ((base[0], others), (base[1], count))
                )


def _less(left: tuple[int, ...], uses: tuple[int, ...], count: int) -> tuple[int, ...] | None:
    """What so many of a piece leave of the resources; None: they are not enough."""
    if len(left) == 1:
        only = left[0] - count * uses[0]
        return (only,) if only >= 0 else None
    remaining = tuple(have - count * use for have, use in zip(left, uses, strict=True))
    return None if min(remaining, default=0) < 0 else remaining


def _least_of(second: Piece, first: Piece, missing: int, left: tuple[int, ...]) -> int:
    """With fewer of the second piece, the first could not carry the rest."""
    least = 0
    for resource, have in enumerate(left):
        lacking = missing * first.uses[resource] - have * first.carries
        gain = second.carries * first.uses[resource] - second.uses[resource] * first.carries
        if lacking > 0:
            if gain <= 0:
                return ceil_div(missing, second.carries) + 1  # more than would ever do
            least = max(least, ceil_div(lacking, gain))
    return least
