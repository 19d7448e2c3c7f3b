"""The cheapest cover: against counting everything, and its bound."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.planning.covering_bound import Piece
from engine.planning.covering_knapsack import Cover, cheapest_cover
from engine.planning.covering_program import solve_cover

pieces_alone = st.lists(
    st.builds(Piece, st.integers(1, 60), st.integers(1, 100)), min_size=1, max_size=7
)


@st.composite
def limited(draw: st.DrawFn) -> tuple[list[Piece], int, tuple[int, ...]]:
    """Pieces, a target and limits, small enough to count every cover."""
    resources = draw(st.integers(1, 2))
    uses = st.tuples(*[st.integers(1, 4)] * resources)
    piece = st.builds(Piece, st.integers(1, 30), st.integers(1, 60), uses)
    pieces = draw(st.lists(piece, min_size=1, max_size=5))
    limits = draw(st.tuples(*[st.integers(1, 12)] * resources))
    return pieces, draw(st.integers(1, 80)), limits


def cheapest_of_all(pieces: list[Piece], target: int, limits: tuple[int, ...]) -> int | None:
    """The price of the cheapest cover, from those of all smaller targets."""

    @cache
    def cheapest(missing: int, left: tuple[int, ...]) -> int | None:
        if missing <= 0:
            return 0
        prices = []
        for piece in pieces:
            remaining = tuple(have - use for have, use in zip(left, piece.uses, strict=True))
            if all(have >= 0 for have in remaining):
                rest = cheapest(missing - piece.carries, remaining)
                prices += [] if rest is None else [rest + piece.price]
        return min(prices, default=None)

    return cheapest(target, limits)


def check_counts(
    cover: Cover, pieces: list[Piece], target: int, limits: tuple[int, ...] = ()
) -> None:
    taken = list(zip(cover.counts, pieces, strict=True))
    assert sum(count * piece.carries for count, piece in taken) >= target
    assert sum(count * piece.price for count, piece in taken) == cover.price
    for resource, limit in enumerate(limits):
        assert sum(count * piece.uses[resource] for count, piece in taken) <= limit


many_pieces = st.lists(
    st.builds(Piece, st.integers(1, 900), st.integers(1, 1_500)), min_size=8, max_size=30
)


@given(many_pieces, st.integers(1, 5_000))
@settings(max_examples=40)
def test_many_pieces_of_odd_sizes_are_no_dearer_than_the_least_for_every_target(
    pieces: list[Piece], target: int
) -> None:
    least = [0]
    for missing in range(1, target + 1):
        least.append(min(each.price + least[max(0, missing - each.carries)] for each in pieces))
    cover = cheapest_cover(pieces, target)
    assert cover is not None
    assert cover.price == least[target] == cover.least_price
    check_counts(cover, pieces, target)


@given(pieces_alone, st.integers(1, 300))
def test_no_cover_is_cheaper(pieces: list[Piece], target: int) -> None:
    cover = cheapest_cover(pieces, target)
    assert cover is not None
    check_counts(cover, pieces, target)
    assert cover.price == cheapest_of_all(pieces, target, ())
    assert cover.linear_price <= cover.least_price == cover.price


@given(limited())
def test_no_cover_within_limits_is_cheaper(
    problem: tuple[list[Piece], int, tuple[int, ...]],
) -> None:
    pieces, target, limits = problem
    cover = cheapest_cover(pieces, target, limits)
    expected = cheapest_of_all(pieces, target, limits)
    if cover is None:
        assert expected is None
        return
    check_counts(cover, pieces, target, limits)
    assert cover.price == expected
    assert cover.linear_price <= cover.least_price == cover.price


@given(limited())
def test_a_rough_cover_is_there_where_one_is_and_keeps_to_the_limits(
    problem: tuple[list[Piece], int, tuple[int, ...]],
) -> None:
    pieces, target, limits = problem
    rough, expected = (
        cheapest_cover(pieces, target, limits, roughly=True),
        cheapest_of_all(*problem),
    )
    assert (rough is None) == (expected is None)
    if rough is None or expected is None:
        return
    check_counts(rough, pieces, target, limits)
    assert rough.least_price <= expected <= rough.price


@given(limited())
def test_the_program_finds_the_same_and_proves_it(
    problem: tuple[list[Piece], int, tuple[int, ...]],
) -> None:
    pieces, target, limits = problem
    solved = solve_cover(pieces, target, limits)
    expected = cheapest_of_all(pieces, target, limits)
    assert solved.is_proven
    if solved.counts is None:
        assert expected is None
        return
    price = sum(count * piece.price for count, piece in zip(solved.counts, pieces, strict=True))
    assert price == expected


@given(pieces_alone, st.integers(1, 10**9))
def test_a_large_target_is_covered_as_exactly(pieces: list[Piece], target: int) -> None:
    """Against the table of a smaller target and as many pieces of the best value as differ."""
    value = min(pieces, key=lambda piece: (piece.price / piece.carries, -piece.carries))
    # So many of the others together always hold some that the best value replaces.
    small = 60 * 60 * 2
    whole = max(0, target - small) // value.carries
    table = [0]
    for missing in range(1, target - whole * value.carries + 1):
        table.append(min(table[max(0, missing - piece.carries)] + piece.price for piece in pieces))
    cover = cheapest_cover(pieces, target)
    assert cover is not None
    check_counts(cover, pieces, target)
    assert cover.price == whole * value.price + table[-1]


@given(pieces_alone, st.integers(1, 100_000), st.integers(0, 1_000))
def test_more_to_carry_never_costs_less(pieces: list[Piece], target: int, more: int) -> None:
    before, after = cheapest_cover(pieces, target), cheapest_cover(pieces, target + more)
    assert before is not None
    assert after is not None
    assert before.price <= after.price
    assert before.linear_price <= after.linear_price


def test_of_equally_cheap_covers_the_one_with_fewest_pieces_is_taken() -> None:
    cover = cheapest_cover([Piece(1, 1), Piece(4, 4), Piece(2, 2)], 4)
    assert cover is not None
    assert cover.counts == (0, 1, 0)


def test_a_small_piece_covers_the_remainder() -> None:
    cover = cheapest_cover([Piece(10, 95), Piece(3, 33)], 32)
    assert cover is not None
    assert (cover.counts, cover.price) == ((3, 1), 318)


def test_nothing_covers_a_target_beyond_the_limits() -> None:
    assert cheapest_cover([Piece(10, 1, (1,))], 31, (3,)) is None
    assert cheapest_cover([Piece(10, 1, (1,))], 30, (3,)) is not None
    assert cheapest_cover([], 1) is None
