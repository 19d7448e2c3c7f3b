"""Load that nobody quoted: by which rule it is ended, whatever plays it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.load.driver import LoadPhase, LoadProgress
from engine.load.excess import excess, users_tolerated
from engine.load.verdict import judge
from tests.engine.load.test_programs import Prepare, prepare
from tests.engine.load.test_verdict import MEASURED

__all__ = ["prepare"]

NOW = datetime(2026, 11, 30, tzinfo=UTC)
REPORTS_40 = """\
  name: custom
  results: samples.csv
  command: |
    echo timeStamp,elapsed,success,allThreads > samples.csv
    while :; do echo "$(date +%s)000,7,true,40" >> samples.csv; sleep 0.3; done
"""
ENGINES = {
    "custom": REPORTS_40,
    "k6": "  {name: k6, script: shop.js, own_stages: true}",
    "jmeter": "  {name: jmeter, plan: shop.jmx}",
    "gatling": "  {name: gatling, simulation: shop.Checkout, classpath: lib, files: [lib]}",
}


@pytest.mark.parametrize(("quoted", "most"), [(1, 2), (10, 11), (20, 21), (40, 42), (1_000, 1_050)])
def test_five_percent_and_at_least_one_user_are_tolerated(quoted: int, most: int) -> None:
    assert users_tolerated(quoted) == most
    assert excess(quoted, most) is None
    assert excess(quoted, None) is None
    said = excess(quoted, most + 1)
    assert said is not None
    assert f"{most + 1:,} users were active, and {quoted:,} were quoted" in said


def test_a_result_with_load_that_nobody_quoted_is_not_valid() -> None:
    result = judge({**MEASURED, "peak_users": 40}, planned_peak_users=10, approximation="")
    assert not result.valid
    assert "40 users were active, and 10 were quoted" in result.invalid_reasons[0]


def test_samples_without_users_leave_open_whether_they_were_those_quoted() -> None:
    result = judge({**MEASURED, "peak_users": None}, planned_peak_users=10, approximation="")
    assert result.valid
    assert "whether they were those that were quoted is not known" in result.warnings[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_s_users_above_the_quote_are_seen_while_they_are_there(
    engine: str, prepare: Prepare, tmp_path: Path
) -> None:
    (tmp_path / "shop.js").write_text("/ 0 0s:40 60s:40\n")
    (tmp_path / "shop.jmx").write_text("/ 40\n")
    (tmp_path / "lib").write_text("/ text 40\n")
    load = prepare(ENGINES[engine], load="{users: 10, duration: 60s}", machines=1)
    load.boot()

    def is_above(now: LoadProgress) -> bool:
        return excess(10, now.peak_users) is not None

    seen = load.until(is_above)
    assert seen.phase is LoadPhase.FLOWING
    assert (seen.peak_users or 0) > 11
    result = load.driver.result(load.task)
    assert result is not None
    assert "users were active, and 10 were quoted" in " ".join(result.invalid_reasons)
