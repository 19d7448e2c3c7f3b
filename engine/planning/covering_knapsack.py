"""Cover: the cheapest way to carry a total with pieces of given sizes and prices.

How many of each piece, in whole numbers, so that together they carry at least the target and use
no more of any limited resource than there is? That is a covering knapsack, solved exactly:

- the base is the piece with the best price for what it carries; where a limit binds, the two pieces
  between which the linear program would choose. All others are side pieces;
- what a few side pieces leave to be carried is a state; the base carries the rest. States are taken
  up by the bound of the linear program (``cover_bound``), and once the lowest bound of all is no
  better than the best cover so far, that cover is proven;
- where limits leave so many states that the search gives up, an integer program decides
  (``covering_program``);
- without limits, of two states whose rests differ by whole base pieces only one is needed: side
  pieces that carry as much as some base pieces never cost less. So there are no more states than
  sizes of a rest, and in practice a handful.

All numbers are integers.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from heapq import heappop, heappush

from msgspec import Struct

from engine.planning.covering_bound import Piece, bound_by, edges
from engine.planning.covering_program import solve_cover
from engine.planning.requirement import ImpossibleLoadError
from kernel.division import ceil_div

STATES_MAX = 20_000
"""States that are taken up; after that the best cover so far is returned, with its bound."""

LIMITED_STATES_MAX = 500
"""The same where there are limits: states are many then, and a program is faster."""

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


def cheapest_cover(
    pieces: Sequence[Piece], target: int, limits: tuple[int, ...] = ()
) -> Cover | None:
    """The cheapest cover of the target; None: there is none that keeps to the limits.

    Of equally cheap covers one with the fewest pieces is taken.

    Args:
        pieces: What there is.
        target: What has to be carried; above zero.
        limits: The most of each resource that may be used.

    Raises:
        UndecidedCoverError: None was found, and it is not proven that there is none.
    """
    order = _worth_taking(
        [Piece(min(each.carries, target), each.price, each.uses) for each in pieces]
    )
    if not order:
        return None
    unit = math.gcd(*(pieces[i].carries for i in order if pieces[i].carries < target)) or target
    goal = ceil_div(target, unit)
    # A piece costs one more than its scaled price, which decides between equally cheap covers.
    scale = goal + 1
    scaled = [
        Piece(
            piece.carries // unit if piece.carries < target else goal,
            piece.price * scale + 1,
            piece.uses,
        )
        for piece in (pieces[i] for i in order)
    ]
    search = _Search(scaled, limits)
    is_proven = search.run(goal, limits)
    counts: Sequence[int] | None = search.counts()
    if limits and not is_proven:
        solved = solve_cover([pieces[i] for i in order], target, limits)
        is_proven = solved.is_proven
        counts = _cheaper(scaled, counts, solved.counts)
        if counts is None and not is_proven:
            raise UndecidedCoverError("whether there are machines within the limits is not known")
    if counts is None:
        return None
    linear_price = search.least(goal, limits) // scale
    by_piece = dict(zip(order, counts, strict=True))
    price = sum(count * pieces[i].price for i, count in by_piece.items())
    return Cover(
        counts=tuple(by_piece.get(i, 0) for i in range(len(pieces))),
        price=price,
        least_price=price if is_proven else linear_price,
        linear_price=linear_price,
    )


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
        if not any(_offers_as_much(pieces[j], pieces[i]) for j in reversed(kept)):
            kept.append(i)
    return kept


def _offers_as_much(one: Piece, other: Piece) -> bool:
    return one.carries >= other.carries and (
        not one.uses or all(own <= others for own, others in zip(one.uses, other.uses, strict=True))
    )


class _Search:
    """Best first over what side pieces leave.

    Attributes:
        edges: Of the linear program.
    """

    def __init__(self, pieces: Sequence[Piece], limits: tuple[int, ...]) -> None:
        self.edges = edges(pieces, len(limits))
        self._pieces = pieces
        self._carries = [each.carries for each in pieces]
        self.least = bound_by(self.edges)
        self._states_max = LIMITED_STATES_MAX if limits else STATES_MAX
        self._taken: list[tuple[int, int]] = [(-1, -1)]
        """By state: the side piece taken last, and the state before; the first has neither."""
        self._left_out = False
        """Some way to fill up a rest was not looked at."""
        self._best_price: float = math.inf
        """Infinite until a cover is found."""
        self._best_state = 0
        self._best_rest: tuple[tuple[int, int], ...] = ()
        """Which pieces carry the rest of the best state, and how many of each."""

    def run(self, goal: int, limits: tuple[int, ...]) -> bool:
        """Search; false: it was given up before anything was proven."""
        base = max(self.edges, key=lambda edge: edge.bound(goal, limits)).ends
        worth, least = self.edges[0], self.least
        side = [
            (i, each.carries, each.price, each.uses)
            for i, each in enumerate(self._pieces)
            if i not in base
        ]
        side.sort(key=lambda each: each[2] * worth.denominator - each[1] * worth.carried)
        cycle = 0 if limits else self._pieces[base[0]].carries
        known: dict[tuple[int, ...], int] = {}
        """By rest, what state with it has the most to be carried; without limits by whole bases."""
        states = [(least(goal, limits), -goal, limits, 0, 0)]
        for _ in range(self._states_max):
            if not states or states[0][0] >= self._best_price:
                return not self._left_out
            _, negative, left, price, state = heappop(states)
            missing = -negative
            key = (missing % cycle if cycle else missing, *left)
            if known.get(key, 0) >= missing:
                continue
            known[key] = missing
            self._fill(base, missing, left, price, state)
            for i, carries, costs, uses in side:
                remaining = _less(left, uses, 1) if left else left
                if remaining is None:
                    continue
                rest, paid = missing - carries, price + costs
                bound = paid + least(rest, remaining)
                if bound >= self._best_price:
                    if cycle:
                        break  # those after it cost still more above what they are worth
                    continue
                if rest <= 0:
                    self._offer(paid, state, ((i, 1),))
                    continue
                if known.get((rest % cycle if cycle else rest, *remaining), 0) >= rest:
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
        if not left:
            self._fill_freely(base[0], missing, price, state)
            return
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

    def _fill_freely(self, base: int, missing: int, price: int, state: int) -> None:
        """Without limits: base pieces, and the cheapest that carries what remains below one."""
        piece = self._pieces[base]
        count, rest = divmod(missing, piece.carries)
        paid = price + count * piece.price
        if not rest:
            self._offer(paid, state, ((base, count),))
            return
        # By what they carry is by price, too.
        last = bisect_left(self._carries, rest)
        self._offer(paid + self._pieces[last].price, state, ((base, count), (last, 1)))


def _less(left: tuple[int, ...], uses: tuple[int, ...], count: int) -> tuple[int, ...] | None:
    """What so many of a piece leave of the resources; None: they are not enough."""
    if not left:
        return left
    remaining = tuple(have - count * use for have, use in zip(left, uses, strict=True))
    return None if min(remaining) < 0 else remaining


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
