"""A pace that breaks off is seen; one that a test is made for, or that load slows down, is none."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.load.figures import Window
from engine.load.pace import pace_doubts, slow_pace
from engine.load.tally import Tally
from engine.load.verdict import judge
from engine.load.windows import PlannedPace, windows_of


def windows(answers: Sequence[int], users: Sequence[int | None]) -> list[Window]:
    return [
        Window(float(at), 1.0, each, count, 0, float(count), None, None, None, None)
        for at, (count, each) in enumerate(zip(answers, users, strict=True))
    ]


@pytest.mark.parametrize(
    ("answers", "users"),
    [
        pytest.param([20, 20] + [0] * 28, [10] * 30, id="stops after forty"),
        pytest.param([20, 20] + [0] * 28, [None] * 30, id="users unknown"),
        pytest.param([50] * 20 + [2] * 10, [10] * 30, id="falls to a twentieth"),
        pytest.param([50] * 10 + [0] * 10 + [50] * 10, [10] * 30, id="a long pause"),
    ],
)
def test_answers_that_break_off_at_equal_users_are_seen(
    answers: Sequence[int], users: Sequence[int | None]
) -> None:
    (doubt,) = pace_doubts(windows(answers, users), 30.0)
    assert doubt.startswith("the target stopped answering: from ")


@pytest.mark.parametrize(
    ("answers", "users"),
    [
        pytest.param([50] * 30, [10] * 30, id="even"),
        pytest.param([50] * 14 + [0, 0] + [50] * 14, [10] * 30, id="a pause of two seconds"),
        pytest.param([100] + [0] * 14 + [100] + [0] * 14, [100] * 30, id="long think times"),
        pytest.param(list(range(1, 31)), list(range(10, 310, 10)), id="a ramp"),
        pytest.param([100] * 10 + [30] * 20, [10] * 10 + [500] * 20, id="saturated, not silent"),
        pytest.param([50] * 20 + [0] * 10, [10] * 20 + [0] * 10, id="no users any more"),
        pytest.param([1, 0, 0, 0, 0] * 6, [1] * 30, id="too few to say"),
        pytest.param([50] * 4, [10] * 4, id="too short to say"),
    ],
)
def test_paces_that_are_as_they_should_be_are_left_alone(
    answers: Sequence[int], users: Sequence[int | None]
) -> None:
    assert list(pace_doubts(windows(answers, users), 30.0)) == []


@pytest.mark.parametrize(
    "answers",
    [[0] * 10 + [50] * 20, ([50] * 8 + [0] * 4) * 3],
    ids=["begins late", "a rhythm of its own"],
)
def test_pauses_that_the_test_makes_itself_are_left_alone(answers: list[int]) -> None:
    series = windows(answers, [10] * len(answers))
    assert list(pace_doubts(series, len(answers))) == []
    assert list(pace_doubts(series, len(answers), longest_wait_s=0.2)) == []


def test_a_pause_counts_where_a_request_waited_as_long() -> None:
    series = windows([50] * 10 + [0] * 10 + [50] * 10, [10] * 30)
    assert list(pace_doubts(series, 30.0, longest_wait_s=0.2)) == []
    assert len(list(pace_doubts(series, 30.0, longest_wait_s=9.8))) == 1


def test_what_comes_after_the_planned_end_is_no_silence() -> None:
    assert list(pace_doubts(windows([50] * 10 + [0] * 10, [10] * 20), 10.0)) == []


def test_the_series_has_no_gap_and_never_more_windows_than_there_is_room_for() -> None:
    tally = Tally()
    for at_s in (0, 5, 3_599):
        tally.answered(at_s, 10, failed=False)
    pace = PlannedPace(((0.5, 1.0), (0.5, 4.0)))
    series = windows_of(tally.document(), [(0, 8), (1_800, 4)], 3_600.0, pace, p50_ms=0)
    assert len(series) <= 240
    assert sum(each.length_s for each in series) == 3_600
    assert sum(each.requests for each in series) == 3
    assert (series[0].users, series[-1].users) == (8, 4)
    assert series[0].planned_requests_per_s == pytest.approx(8 * (0.5 + 0.125))


def test_a_target_that_falls_silent_just_before_the_end_is_said() -> None:
    """Within the margins of a valid result: five users wait less than a grave while."""
    answered = [(second, 10, 0, ((10, 10),)) for second in range(5)]
    tally = {
        "begun": 55,
        "cut_off": [(2_900, 5)],
        "longest_wait_ms": 2_900.0,
        "kinds": (),
        "samples": (),
        "window_s": 1,
        "windows": answered,
    }
    measured = {
        "ended": "completed",
        "message": "",
        "load_s": 8.0,
        "requests": 50,
        "failures": 0,
        "peak_users": 5,
        "response_times_ms": [[10, 50]],
        "injectors": [],
        "tally": tally,
        "levels": [[0, 5]],
    }
    pace = PlannedPace(((1.0, 0.49),))
    result = judge(measured, 5, "", pace=pace, planned_s=8.0)
    assert result.valid
    unanswered, slow = result.warnings
    assert unanswered.startswith("5 of 55 requests had no answer when the load ended; the longest")
    assert slow.startswith("the users made 6.2 requests/s, and 10.0 were planned")


@pytest.mark.parametrize(
    ("requests", "planned_per_s", "is_said"),
    [(74, 10.0, True), (75, 10.0, False), (0, 0.9, False), (50, None, False), (200, 10.0, False)],
)
def test_a_pace_below_the_planned_one_is_said(
    requests: int, planned_per_s: float | None, *, is_said: bool
) -> None:
    assert (slow_pace(requests, 10.0, planned_per_s) is not None) is is_said
