"""Injectors that come and go with the load: never too few, never dearer than all at once."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from engine.planning.estimate import estimate
from engine.planning.load_curves import load_curves
from engine.planning.shifts import Shift, rosters, there_at
from engine.planning.staged import stage
from engine.scenario import MachineWishes, Protocol, RegionShare, Scenario
from engine.scenario.profile import Curve, LoadProfile, OpenProfile, Point, closed
from loadmuster.cli.curves import show_curves
from loadmuster.cli.staged_view import load_chart, show_staged
from loadmuster.documents.in_shifts import staged_part
from pricing.catalog import Catalog

Golden = Callable[[str, str], None]

RUSH = closed([(0, 0), (3_600, 100), (3_660, 10_000), (4_260, 10_000), (4_320, 100), (7_200, 0)])


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    gaps = draw(st.lists(st.floats(0, 3_000), min_size=1, max_size=8))
    levels = draw(
        st.lists(st.integers(0, 3_000), min_size=len(gaps) + 1, max_size=len(gaps) + 1).filter(any)
    )
    points, at_s = [Point(0.0, levels[0])], 0.0
    for gap, level in zip(gaps, levels[1:], strict=True):
        at_s += gap
        points.append(Point(at_s, level))
    points.append(Point(at_s + 60, levels[-1]))
    return Curve(tuple(points))


def there(curve: Curve, payload: int, floor_s: int = 300) -> tuple[Sequence[Shift], ...]:
    count = math.ceil(curve.peak / payload)
    found = rosters(
        curve,
        [number * payload for number in range(count)],
        lambda length_s: max(floor_s, length_s),
    )
    return tuple(roster.shifts for roster in found for _ in range(roster.count))


@given(curves(), st.integers(1, 700))
def test_there_is_room_for_every_user_at_every_instant(curve: Curve, payload: int) -> None:
    count = math.ceil(curve.peak / payload)
    found = rosters(curve, [number * payload for number in range(count)], lambda length_s: length_s)
    ends = [point.at_s for point in curve.points]
    for at_s in [*ends, *((a + b) / 2 for a, b in pairwise(ends))]:
        # A hair beside a jump: the curve's level is the later one there.
        for near_s in (at_s - 1e-4, at_s + 1e-4):
            if 0 <= near_s <= curve.duration_s:
                users = curve.level_at(near_s)
                # A shift begins at the instant at which its first user is due.
                assert there_at(found, near_s) * payload >= users - 0.5


@given(curves(), st.integers(1, 700), st.integers(0, 4_000))
def test_shifts_are_in_order_apart_and_never_dearer_than_staying(
    curve: Curve, payload: int, floor_s: int
) -> None:
    for shifts in there(curve, payload, floor_s):
        assert all(shift.from_s < shift.until_s for shift in shifts)
        assert all(a.until_s <= b.from_s for a, b in pairwise(shifts))
        cost = sum(max(floor_s, shift.length_s) for shift in shifts)
        assert cost <= max(floor_s, math.ceil(curve.duration_s))


def test_a_pause_that_costs_more_than_staying_is_not_taken() -> None:
    curve = closed([(0, 100), (600, 100), (600, 0), (660, 0), (660, 100), (1_260, 100)]).users
    ((shift,),) = there(curve, 1_000, floor_s=300)
    assert shift == Shift(0.0, 1_260.0)
    upper = there(
        closed([(0, 0), (10, 200), (20, 0), (5_000, 0), (5_010, 200), (5_020, 0)]).users, 100
    )
    assert upper[1] == (Shift(5.0, 15.0), Shift(5_005.0, 5_015.0))


def test_the_lowest_injector_stays_from_beginning_to_end() -> None:
    shifts = there(RUSH.users, 500)
    assert shifts[0] == (Shift(0.0, 7_200.0),)
    assert len(shifts) == 20
    assert all(len(each) == 1 and each[0].length_s < 720 for each in shifts[1:])


def test_a_short_rush_in_a_long_test_is_far_cheaper_in_shifts(small_catalog: Catalog) -> None:
    planned = estimate(Scenario("rush", Protocol.HTTP, RUSH), catalog=small_catalog)
    staged = stage(planned, catalog=small_catalog)
    assert staged.static_li_minutes == 20 * 120
    # One for two hours, nineteen for the twelve minutes of the rush or less.
    assert staged.li_minutes < 120 + 19 * 13
    for fleet in staged.fleets:
        assert fleet.usd_micros < fleet.static_usd_micros * 0.6


def test_a_flat_load_saves_nothing(small_catalog: Catalog) -> None:
    flat = Scenario("flat", Protocol.HTTP, closed([(0, 900), (600, 900)]))
    staged = stage(estimate(flat, catalog=small_catalog), catalog=small_catalog)
    assert staged.saved_li_minutes == 0
    assert all(each.usd_micros == each.static_usd_micros for each in staged.fleets)


def test_machines_that_are_limited_in_number_are_left_as_they_are(small_catalog: Catalog) -> None:
    limited = Scenario("rush", Protocol.HTTP, RUSH, machines=MachineWishes(machines_max=30))
    staged = stage(estimate(limited, catalog=small_catalog), catalog=small_catalog)
    assert all(each.usd_micros == each.static_usd_micros for each in staged.fleets)
    assert staged.saved_li_minutes > 0


profiles = st.one_of(
    curves().map(lambda curve: closed([(p.at_s, p.level) for p in curve.points])),
    st.builds(
        OpenProfile,
        curves(),
        iteration_s=st.none() | st.floats(1, 100),
        max_users=st.integers(1, 5_000),
    ),
)


@given(
    profiles,
    st.sampled_from([Protocol.HTTP, Protocol.BROWSER]),
    st.sampled_from([(), (RegionShare("us-east-1", 0.7), RegionShare("eu-west-1", 0.3))]),
    st.booleans(),
)
def test_staged_is_never_dearer_than_all_at_once(
    profile: LoadProfile, protocol: Protocol, regions: tuple[RegionShare, ...], reference: bool
) -> None:
    scenario = Scenario(
        "any",
        protocol,
        profile,
        regions=regions,
        reference_injector=reference,
    )
    catalog = Catalog.bundled()
    planned = estimate(scenario, catalog=catalog, provider="aws")
    staged = stage(planned, catalog=catalog)
    assert 0 < staged.li_minutes <= staged.static_li_minutes
    for fleet in staged.fleets:
        assert 0 < fleet.usd_micros <= fleet.static_usd_micros


def test_side_by_side_it_looks_as_it_should(small_catalog: Catalog, golden: Golden) -> None:
    planned = estimate(Scenario("rush", Protocol.HTTP, RUSH), catalog=small_catalog)
    staged = stage(planned, catalog=small_catalog)
    file = io.StringIO()
    console = Console(file=file, width=80, highlight=False)
    show_staged(console, staged)
    show_curves(console, load_chart(load_curves(planned, staged)))
    assert max(len(line) for line in file.getvalue().splitlines()) <= 80
    golden("staged-80.txt", file.getvalue())


def test_the_document_has_every_shift(small_catalog: Catalog) -> None:
    planned = estimate(Scenario("rush", Protocol.HTTP, RUSH), catalog=small_catalog)
    staged = stage(planned, catalog=small_catalog)
    document = staged_part(staged)
    assert document["li_minutes"] == staged.li_minutes
    for cloud in document["clouds"]:
        assert Decimal(cloud["usd"]) < Decimal(cloud["usd_static"])
        assert min(shift["from_s"] for shift in cloud["shifts"]) == 0
        assert max(shift["until_s"] for shift in cloud["shifts"]) == 7_200
    assert "takes up to 9m to start" in document["risk"]
