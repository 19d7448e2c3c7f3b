"""A result says whether it can be trusted, and why not."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.load.driver import LoadResult, result_from_json
from engine.load.histogram import percentile_ms
from engine.load.verdict import judge

MEASURED: dict[str, Any] = {
    "ended": "completed",
    "message": "",
    "load_s": 10.0,
    "requests": 100,
    "failures": 1,
    "peak_users": 20,
    "response_times_ms": [[10, 60], [20, 35], [300, 5]],
    "injectors": [
        {"slot": 0, "requests": 60, "cpu_percent_max": 35.0, "lost": False},
        {"slot": 1, "requests": 40, "cpu_percent_max": 40.0, "lost": False},
    ],
}


NOT_KNOWN = "no request was answered; whether any was begun is not known"


def judged(**changed: object) -> LoadResult:
    return judge({**MEASURED, **changed}, planned_peak_users=20, approximation="")


def with_cpu(percent: float | None) -> list[dict[str, object]]:
    return [MEASURED["injectors"][0], {**MEASURED["injectors"][1], "cpu_percent_max": percent}]


def test_a_load_played_to_its_end_is_valid() -> None:
    result = judged()
    assert result.valid
    assert result.completed
    assert (result.invalid_reasons, result.warnings) == ((), ())
    assert (result.requests, result.failures, result.requests_per_s) == (100, 1, 10.0)
    assert (result.p50_ms, result.p95_ms, result.p99_ms) == (10, 20, 300)


def test_a_cancelled_load_is_valid_though_it_never_reached_its_peak() -> None:
    result = judged(ended="cancelled", peak_users=7)
    assert result.valid
    assert not result.completed


def test_a_lost_injector_makes_it_invalid() -> None:
    lost = [MEASURED["injectors"][0], {**MEASURED["injectors"][1], "lost": True}]
    result = judged(injectors=lost)
    assert not result.valid
    assert result.invalid_reasons == ("injector 1 was lost before the load ended",)


def test_an_injector_above_ninety_percent_makes_it_invalid() -> None:
    result = judged(injectors=with_cpu(90.1))
    assert not result.valid
    assert "injector 1 was saturated" in result.invalid_reasons[0]
    assert result.warnings == ()


def test_an_injector_above_seventy_percent_is_a_warning() -> None:
    result = judged(injectors=with_cpu(90.0))
    assert result.valid
    assert "injector 1 used 90 %" in result.warnings[0]


def test_seventy_percent_and_a_processor_never_measured_are_fine() -> None:
    assert judged(injectors=with_cpu(70.0)).warnings == ()
    assert judged(injectors=with_cpu(None)).warnings == ()


def with_machine(**used: float) -> list[dict[str, object]]:
    return [{**MEASURED["injectors"][0], **used}, MEASURED["injectors"][1]]


def test_a_machine_above_its_ceiling_is_said_before_everything_else() -> None:
    result = judged(injectors=with_machine(machine_cpu_percent_max=97.0), requests=0, peak_users=1)
    first, *others = result.invalid_reasons
    assert first.startswith("injector 0 was saturated: it used 97 % of its machine's processors")
    assert others == [NOT_KNOWN, "only 1 of 20 users were reached"]


def test_a_process_at_its_limit_makes_it_invalid_however_idle_its_machine_is() -> None:
    idle = with_machine(machine_cpu_percent_max=30.0, cpu_percent_max=99.0)
    result = judged(injectors=idle)
    assert "it used 99 % of its processor" in result.invalid_reasons[0]


def test_a_busy_machine_and_a_full_memory_are_warnings_that_come_first() -> None:
    full = {"memory_used_bytes_max": 91, "memory_bytes": 100}
    result = judged(injectors=with_machine(machine_cpu_percent_max=71.0, **full), unreadable=1)
    assert result.valid
    assert [warning.partition(";")[0] for warning in result.warnings] == [
        "injector 0 used 71 % of its machine's processors",
        "injector 0 used 91 % of its machine's memory",
        "1 sample could not be read and had to be left out",
    ]


def test_users_that_nobody_counted_and_samples_that_nobody_could_read_are_warnings() -> None:
    result = judged(peak_users=None, unreadable=1234)
    assert result.valid
    assert result.peak_users is None
    assert result.warnings == (
        (
            "the samples do not say how many users were active, so whether they were those that "
            "were quoted is not known"
        ),
        "1,234 samples could not be read and had to be left out",
    )


def test_no_request_at_all_makes_it_invalid_and_has_no_percentiles() -> None:
    result = judged(requests=0, failures=0, response_times_ms=[])
    assert result.invalid_reasons == (NOT_KNOWN,)
    assert (result.p50_ms, result.p95_ms, result.p99_ms) == (None, None, None)


def test_users_that_were_never_reached_make_it_invalid() -> None:
    assert judged(peak_users=19).invalid_reasons == ("only 19 of 20 users were reached",)


def test_a_load_generator_that_failed_or_was_killed_makes_it_invalid() -> None:
    assert judged(ended="failed", message="out of ports").invalid_reasons == ("out of ports",)
    assert judged(ended=None).invalid_reasons == ("the load generator died 10 s into the load",)


def test_all_reasons_are_given_at_once() -> None:
    lost = [{**each, "lost": True, "cpu_percent_max": 99.0} for each in MEASURED["injectors"]]
    assert len(judged(requests=0, peak_users=1, injectors=lost).invalid_reasons) == 6


def test_a_target_that_only_fails_makes_it_invalid() -> None:
    result = judged(failures=100)
    assert result.invalid_reasons == (
        "every request failed: nothing can be said about response times",
    )


def test_the_reasons_come_first_in_the_document() -> None:
    document = judged(peak_users=19).to_json()
    assert list(document)[:3] == ["valid", "invalid_reasons", "warnings"]
    assert json.loads(json.dumps(document)) == document


def test_a_result_is_read_as_it_was_written_also_before_it_said_as_much() -> None:
    result = judged(peak_users=19)
    assert result_from_json(json.loads(json.dumps(result.to_json()))) == result
    before = {
        key: value
        for key, value in result.to_json().items()
        if key in MEASURED or key in {"valid", "invalid_reasons", "warnings", "completed"}
    }
    figures = {"requests_per_s": 10.0, "p50_ms": 10, "p95_ms": 20, "p99_ms": 300}
    older = result_from_json({**before, **figures})
    assert (older.valid, older.requests, older.peak_users) == (False, 100, 19)
    assert (older.begun, older.unanswered, older.windows) == (None, None, ())


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=200), st.sampled_from([1, 50, 95, 99, 100])
)
def test_percentiles_of_the_histogram_are_those_of_the_requests_by_nearest_rank(
    times_ms: list[int], percent: int
) -> None:
    histogram = [(time_ms, times_ms.count(time_ms)) for time_ms in sorted(set(times_ms))]
    rank = math.ceil(len(times_ms) * percent / 100)
    assert percentile_ms(histogram, percent) == sorted(times_ms)[rank - 1]
