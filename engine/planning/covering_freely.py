"""Covers without limits: the cheapest way to carry a target with any number of any pieces.

The base is the piece with the best price for what it carries. A cover is whole base pieces and some
others; each of these costs something above what it carries is worth at the base's price, and so
does whatever is carried beyond the target. States are what some of the others leave; they are taken
up by what they have cost above their worth. With each the best way to end it is looked up
(``covering_endings``), so what comes after it in the search has more pieces than an ending has.

Of two states whose rests differ by whole base pieces only the better one is needed, whichever is
larger: base pieces make up for the difference at their worth. So there are no more states than
sizes of a rest, and in practice a handful.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heappop, heappush

from engine.planning.covering_bound import Piece
from engine.planning.covering_endings import endings


def free_cover(
    pieces: Sequence[Piece], base: int, goal: int, states_max: int
) -> tuple[tuple[int, ...], bool]:
    """How many of each piece, and whether it is proven that no cover is cheaper.

    Args:
        pieces: Those that no other one beats in everything, by price.
        base: Which of them has the best price for what it carries.
        goal: What has to be carried; above zero.
        states_max: After so many states the best cover so far is returned.
    """
    ends = endings(tuple(pieces), base)
    cycle, unit_price = pieces[base].carries, pieces[base].price
    side = [(i, ends.above[i], pieces[i].carries) for i in ends.side]
    beyond = ends.least_beyond
    gap: float = math.inf
    """What the best cover so far costs above the worth of the goal; times ``cycle``, as all are."""
    best = (0, 0, 0)
    taken = [(-1, -1)]
    """By state: the piece taken last, and the state before; the first has neither."""
    least = {goal % cycle: 0}
    """By rest below a base piece, the least that a state with it has cost above its worth."""
    states = [(0, goal, 0)]
    is_proven = False
    for _ in range(states_max):
        if not states or states[0][0] + (beyond if best[1] else 0) >= gap:
            is_proven = True
            break
        above, missing, state = heappop(states)
        if least[missing % cycle] < above:
            continue
        price, number = ends.cheapest(missing)
        whole = above + price * cycle - missing * unit_price
        if whole < gap:
            gap, best = whole, (state, missing, number)
        for i, own, carries in side:
            total, rest = above + own, missing - carries
            if total + beyond >= gap:
                break
            if rest > 0 and least.get(rest % cycle, math.inf) > total:
                least[rest % cycle] = total
                taken.append((i, state))
                heappush(states, (total, rest, len(taken) - 1))
    state, missing, number = best
    counts = [0] * len(pieces)
    counts[base] = ends.whole(missing, number)
    for i in ends.taken[number]:
        counts[i] += 1
    while state:
        i, state = taken[state]
        counts[i] += 1
    return tuple(counts), is_proven
