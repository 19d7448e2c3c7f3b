"""What estimates foretell of users of many kinds, against what was measured of them."""

from __future__ import annotations

import json

from benchmarks.__main__ import RESULTS
from benchmarks.behaviours import BEHAVIOURS, MEASURED_BEFORE
from benchmarks.foretold import PAGE, foretold, page_with, table
from benchmarks.measured_behaviours import read_kept

HELD_LEAST = 0.9
ROWS = list(foretold())


def test_every_behaviour_was_measured() -> None:
    measured = {(each.name, each.engine) for each in read_kept()}
    assert measured == {(each.name, each.engine) for each in BEHAVIOURS}
    assert len(BEHAVIOURS) >= 2 * len(MEASURED_BEFORE) == 16


def test_the_truth_lies_in_nine_ranges_of_ten() -> None:
    before, more = ROWS[: len(MEASURED_BEFORE)], ROWS[len(MEASURED_BEFORE) :]
    for rows in (before, more):
        held = [each for each in rows if each.holds]
        missed = [f"{each.name}, {each.engine}" for each in rows if not each.holds]
        assert len(held) >= HELD_LEAST * len(rows), missed


def test_what_calibrations_measured_at_the_ceiling_lies_in_the_ranges_too() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))["calibration"]["figures"]
    # "1,394 measured" users on a core; a standard injector has two.
    on_a_core = [int(each["against"].split()[0].replace(",", "")) for each in results]
    assert len(on_a_core) == len(MEASURED_BEFORE)
    for row, users in zip(ROWS, on_a_core, strict=False):
        assert row.low <= 2 * users <= row.high, (row.name, row.engine)


def test_the_page_shows_them_all() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page_with(text, table(ROWS, read_kept())), "python -m benchmarks.foretold"
    assert text.count("| holds |") + text.count("**missed**") == len(ROWS) >= 16


def test_engines_tls_bodies_and_arrivals_are_among_them() -> None:
    assert {each.engine for each in BEHAVIOURS} >= {"FastHttpUser", "HttpUser", "JMeter 5.5"}
    assert sum(each.tls for each in BEHAVIOURS) >= 4
    assert any(each.iteration_s is not None for each in BEHAVIOURS)
    assert any("posts" in each.name for each in BEHAVIOURS)
