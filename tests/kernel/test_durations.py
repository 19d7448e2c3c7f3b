from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.durations import MAX_DURATION_S, format_duration, parse_duration_s
from kernel.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("3m", 180),
        ("10m", 600),
        ("1h30m", 5_400),
        ("1h 30m 5s", 5_405),
        ("1.5h", 5_400),
        ("2d", 172_800),
        ("45", 45),
        ("0s", 0),
        (" 3M ", 180),
        ("366d", MAX_DURATION_S),
    ],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert parse_duration_s(text, "--duration") == seconds


@pytest.mark.parametrize(
    "text",
    ["", "  ", "m", "-3m", "3x", "30m1h", "3m3m", "1e3s", "0.5s", "367d", "٣m", "9" * 5_000, "nan"],
)
def test_garbage_is_refused_in_one_line_that_names_the_option(text: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse_duration_s(text, "--duration")
    assert refused.value.message.startswith("--duration: ")
    assert len(refused.value.message) < 150
    assert refused.value.exit_code == 2


@given(st.integers(0, MAX_DURATION_S))
def test_what_is_written_is_read_back(duration_s: int) -> None:
    assert parse_duration_s(format_duration(duration_s), "here") == duration_s
