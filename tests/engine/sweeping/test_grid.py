"""Grids of what-ifs, reduced on the fly: the same as when every row is kept."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sweeping import grid as grids
from engine.sweeping.axes import Axes, BadAxisError, parse_axes
from engine.sweeping.compiled_tally import add
from engine.sweeping.grid import EmptyGridError, grid_of
from engine.sweeping.grid_rows import grid_rows
from engine.sweeping.lookup import Lookup
from engine.sweeping.reduction import MEASURES, reduce_grid
from engine.sweeping.sweep import sweep
from engine.sweeping.tally import BUCKETS, Tally, bucket_of, edges_of
from pricing.catalog import Catalog, UnknownRegionError

CATALOG = Catalog.bundled()
AXES = [
    "users=100:9000:97",
    "duration=1m,10m,90m",
    "region=us-east-1,westeurope",
    "protocol=http,jmeter",
    "plan=on-demand,starter,gatling",
]


def every_row(axes: Axes, names: Sequence[str]) -> dict[str, list[object]]:
    """All what-ifs as columns, users fastest, made without the grid."""
    words = {name: axes.words[name] for name in names}
    rows = [
        dict(zip(words, each, strict=True)) | {"duration_s": length_s, "users": users}
        for each in itertools.product(*words.values())
        for length_s in axes.duration_s
        for users in axes.users
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("block_rows", [7, 200, 65_536])
@pytest.mark.parametrize("measure", MEASURES)
def test_a_grid_is_reduced_to_what_its_rows_say(
    monkeypatch: pytest.MonkeyPatch, measure: str, block_rows: int, compiled: bool
) -> None:
    monkeypatch.setattr(grids, "BLOCK_ROWS", block_rows)
    axes = parse_axes(AXES[:4] if measure == "machine_usd_micros" else AXES, CATALOG)
    reduced = reduce_grid(
        grid_of(axes), Lookup(), measure=measure, best=5, threads=2, compiled=compiled
    )
    rows = every_row(axes, ("protocol", "region", "plan"))
    costs = getattr(sweep(rows), measure)
    assert (reduced.what_ifs, reduced.left_out) == (len(costs), 0)
    tally = reduced.tally
    assert (tally.count, tally.total) == (len(costs), costs.sum())
    assert (tally.least, tally.most) == (costs.min(), costs.max())
    for percent in (1, 25, 50, 75, 99):
        exact = np.percentile(costs, percent, method="inverted_cdf")
        assert tally.percentile(percent) == pytest.approx(exact, rel=0.002)
    best = np.argsort(costs, kind="stable")[:5]
    assert getattr(reduced.estimates, measure).tolist() == costs[best].tolist()
    for name in ("users", "duration_s", "protocol", "region", "plan"):
        assert list(reduced.best[name]) == [rows[name][place] for place in best]


@pytest.mark.parametrize("fixed", ["users_per_injector=7,500", "injectors=1,90"])
@pytest.mark.parametrize("measure", MEASURES)
def test_fixed_payloads_and_injectors_are_axes_too(fixed: str, measure: str) -> None:
    axes = parse_axes(["users=50:4000:50", "duration=1h", "provider=aws", fixed], CATALOG)
    reduced = reduce_grid(grid_of(axes), Lookup(), measure=measure)
    name, _, values = fixed.partition("=")
    rows = [
        (users, int(each))
        for each in values.split(",")
        for users in axes.users
        if name != "injectors" or int(each) <= users
    ]
    columns = {"users": [users for users, _ in rows], name: [each for _, each in rows]}
    costs = getattr(sweep({**columns, "duration_s": 3_600, "provider": "aws"}), measure)
    assert (reduced.tally.count, reduced.tally.total) == (len(costs), costs.sum())
    assert reduced.left_out == reduced.what_ifs - len(costs) == (1 if name == "injectors" else 0)


def test_what_does_not_go_together_is_left_out_and_counted() -> None:
    axes = parse_axes(
        ["users=1,2,3", "duration=1m", "region=us-east-1,westeurope", "type=c7i.large"], CATALOG
    )
    reduced = reduce_grid(grid_of(axes), Lookup(), measure="machine_usd_micros")
    assert (reduced.what_ifs, reduced.left_out, reduced.tally.count) == (6, 3, 3)
    assert [each.partition(";")[0] for each in reduced.reasons] == [
        "azure machine type 'c7i.large' is not in the catalogue"
    ]
    rows = grid_rows(grid_of(axes), Lookup())
    assert rows.total == sum(each.num_rows for each in rows.batches) == 3


def test_the_rows_of_a_grid_are_its_what_ifs_in_order() -> None:
    axes = parse_axes(AXES, CATALOG)
    rows = grid_rows(grid_of(axes), Lookup())
    found: dict[str, list[object]] = {name: [] for name in rows.schema.names}
    for batch in rows.batches:
        for name, values in batch.to_pydict().items():
            found[name] += values
    expected = every_row(axes, ("protocol", "region", "plan"))
    assert found == {name: expected[name] for name in found}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["users=1,2"], "give an axis duration, such as duration=..."),
        (["duration=1m"], "give an axis users"),
        (["users"], "'users' is no axis; write it like users=100:100000:100"),
        (["colour=red"], "'colour=red' is no axis"),
        (["users=1", "users=2"], "users is there twice"),
        (["users=5:1:1", "duration=1m"], "users goes up from the first to the second"),
        (["users=0,1", "duration=1m"], "users must be from 1 to 1,000,000,000, not 0"),
        (["users=many", "duration=1m"], "users: 'many' is no whole number"),
        (["users=1", "duration=1m", "protocol=gopher"], "protocol 'gopher' is unknown"),
        (
            ["users=9", "duration=1m", "injectors=1", "users_per_injector=2"],
            "give either users_per_injector or injectors",
        ),
    ],
)
def test_an_axis_that_cannot_be_read_is_refused(texts: list[str], expected: str) -> None:
    with pytest.raises(BadAxisError, match=expected):
        parse_axes(texts, CATALOG)


def test_a_grid_of_nothing_is_refused_with_the_reason() -> None:
    with pytest.raises(UnknownRegionError, match="no region 'moon-1'"):
        parse_axes(["users=1", "duration=1m", "region=moon-1"], CATALOG)
    for texts, measure, expected in (
        (["plan=loadview"], "usd_micros", "a price of an LI-minute on demand was not found"),
        ([], "machine_usd_micros", "no region or provider is given"),
        (["injectors=9"], "usd_micros", "they are out of range"),
    ):
        axes = parse_axes(["users=1", "duration=1m", *texts], CATALOG)
        with pytest.raises(EmptyGridError, match=expected):
            reduce_grid(grid_of(axes), Lookup(), measure=measure)
    with pytest.raises(EmptyGridError, match="what-ifs are more than"):
        grid_of(parse_axes(["users=1:1000000000", "duration=1s:300d:1s"], CATALOG))


numbers = st.lists(st.integers(0, 2**53), min_size=1, max_size=60)


@given(numbers, numbers, st.integers(0, 9))
def test_tallies_of_parts_are_the_tally_of_all(
    first: list[int], second: list[int], best: int
) -> None:
    whole, one, two, fast = Tally(best), Tally(best), Tally(best), Tally(best)
    whole.add(np.array(first + second), 0)
    add(fast, np.array(first), 0)
    add(fast, np.array(second), len(first))
    one.add(np.array(second), len(first))
    two.add(np.array(first), 0)
    one.merge(two)
    expected = sorted((number, place) for place, number in enumerate(first + second))
    for tally in (whole, one, fast):
        assert [(each.number, each.place) for each in tally.best()] == expected[:best]
        assert (tally.count, tally.total) == (len(first + second), sum(first + second))
        assert np.array_equal(tally.buckets, whole.buckets)
        for percent in (0, 10, 50, 100):
            rank = max(1, int(np.ceil(len(expected) * percent / 100)))
            exact = expected[rank - 1][0]
            found = tally.percentile(percent)
            assert found is not None
            assert abs(found - exact) <= max(exact * 0.002, 0.5)


@given(st.integers(0, 2**53))
def test_a_number_lies_within_the_edges_of_its_bucket(number: int) -> None:
    bucket = int(bucket_of(np.array([number], np.float64).view(np.int64))[0])
    low, high = edges_of(bucket)
    assert low <= number < high
    assert bucket < BUCKETS
    assert high - low <= max(1, low / 256)
