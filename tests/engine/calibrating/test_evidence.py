"""What is kept of a test, and what estimates make of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.calibrating import evidence
from engine.calibrating.calibration import Calibration, calibration_to_json
from engine.calibrating.evidence import Evidence
from engine.calibrating.folder import (
    CalibrationTooSmallError,
    evidence_of,
    keep_calibration,
    keep_left_out,
    keep_run,
)
from engine.calibrating.identity import identity_of
from engine.calibrating.measured import as_measured
from engine.calibrating.place import CalibrationFilesError, place_of
from engine.calibrating.prediction import UNKNOWN_PERCENT
from engine.calibrating.run_evidence import LeftOut, RunFigures, run_evidence
from engine.load.driver import LoadResult, result_from_json
from engine.planning.capacity import GIVEN
from engine.planning.estimate import estimate
from engine.planning.requirement import PUBLISHED, require
from engine.planning.vcpu_speeds import LONE_CORE_PERCENT, lone_core_range, reference_us
from engine.scenario import (
    MachineWishes,
    Measured,
    Protocol,
    RegionShare,
    Request,
    Scenario,
    UserClass,
)
from engine.scenario.json import scenario_from_json, scenario_to_json
from engine.scenario.profile import closed
from pricing.catalog import Catalog
from tests.engine.calibrating.injectors import PaperInjector

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
CHECKOUT = Scenario(
    "checkout",
    Protocol.HTTP,
    closed([(0, 10_000), (600, 10_000)]),
    target="http://127.0.0.1:8000",
    user_classes=(UserClass("buying", think_time_s=(1.0, 1.0), requests=(Request("/"),)),),
)
CALIBRATION = Calibration(
    "checkout", AT, "locust 2.47.0", "a processor", tuple(PaperInjector(user_us=230).climb())
)


CATALOG = Catalog.bundled()


def measured_by(known: Evidence) -> Measured | None:
    return evidence.measured_by(known, CATALOG)


def run_of(us_per_request: int, day: int = 1) -> RunFigures:
    return RunFigures(f"run-{day}", AT + timedelta(days=day), "aws", us_per_request, 990_000)


def result_of(**changes: object) -> LoadResult:
    injector = {"processor_s": None, "machine_cpu_percent_mean": 40.0, "machine_cores": 2}
    whole = {"slot": 0, "requests": 1, "cpu_percent_max": None, "lost": False}
    given: dict[str, Any] = {
        "valid": True,
        "invalid_reasons": [],
        "warnings": [],
        "completed": True,
        "load_s": 600.0,
        "requests": 6_000_000,
        "failures": 60_000,
        "requests_per_s": 10_000.0,
        "p50_ms": 5,
        "p95_ms": 6,
        "p99_ms": 7,
        "peak_users": 10_000,
        "injectors": [injector, injector],
        **changes,
    }
    return result_from_json({**given, "injectors": [whole | each for each in given["injectors"]]})


def test_the_run_that_measured_a_calibration_is_not_counted_again() -> None:
    on_a_cloud = replace(CALIBRATION, run_id="run-1")
    alone = measured_by(Evidence(on_a_cloud))
    assert measured_by(Evidence(on_a_cloud, (run_of(900, day=1),))) == alone
    with_another = measured_by(Evidence(on_a_cloud, (run_of(900, day=1), run_of(300, day=2))))
    assert with_another is not None
    assert with_another.basis.endswith(" and 1 run")


def figures_of(provider: str = "aws", **changes: object) -> RunFigures | LeftOut:
    return run_evidence("run-1", AT, provider, CHECKOUT, result_of(**changes))


def test_a_test_is_known_by_what_its_users_do() -> None:
    same = (
        replace(CHECKOUT, name="other", target="https://shop.example.com"),
        replace(CHECKOUT, profile=closed([(0, 1), (60, 1)])),
        replace(CHECKOUT, regions=(RegionShare("eu-west-1"),), injectors=3),
    )
    assert {identity_of(each) for each in same} == {identity_of(CHECKOUT)}
    slower = replace(CHECKOUT.user_classes[0], think_time_s=(2.0, 2.0))
    others = (
        replace(CHECKOUT, user_classes=(slower,)),
        replace(CHECKOUT, locust_user="HttpUser"),
        replace(CHECKOUT, protocol=Protocol.GRPC),
    )
    assert identity_of(CHECKOUT) not in {identity_of(each) for each in others}


def test_a_calibration_decides_how_many_users_an_injector_carries() -> None:
    published = require(CHECKOUT)
    assert (published.users_per_injector, published.basis) == (500, PUBLISHED)
    assert (published.at_least.injectors, published.at_most.injectors) == (2, 20)
    measured = require(replace(CHECKOUT, measured=measured_by(Evidence(CALIBRATION))))
    # Two cores at 70 %, 235 us a user and second with its part of the idling.
    users = 2 * CALIBRATION.users_at_ceiling
    assert measured.users_per_injector == pytest.approx(users, rel=0.005)
    assert measured.injectors == 2
    assert measured.basis == "a calibration of 2026-11-22"
    assert (measured.bounds[0].binding, measured.bounds[1].binding) == ("cpu", "network")
    given = require(replace(CHECKOUT, users_per_injector=100))
    assert (given.basis, given.at_least, given.at_most) == (GIVEN, given.at_least, given.at_least)


def test_runs_and_calibration_together_give_the_middle_and_the_range() -> None:
    measured = measured_by(Evidence(CALIBRATION, (run_of(300), run_of(500, day=2))))
    assert measured is not None
    own = CALIBRATION.processor_us_per_request
    assert measured.processor_us_per_request == 300
    assert (measured.processor_low_us, measured.processor_high_us) == (own, 500)
    assert measured.basis == "a calibration of 2026-11-22 and 2 runs"


def test_only_the_newest_runs_count() -> None:
    old = [run_of(900, day) for day in range(5)]
    new = [run_of(us, 10 + day) for day, us in enumerate((190, 200, 210, 200, 200))]
    measured = measured_by(Evidence(None, (*old, *new)))
    assert measured is not None
    assert measured.processor_us_per_request == 200
    # Student's 2.132 times 7.07 us and the root of six fifths: 16.5 us, or 8 %.
    assert (measured.processor_low_us, measured.processor_high_us) == (184, 217)
    assert measured.memory_kib_per_user is None
    assert measured.basis == "5 runs"


def test_a_single_run_or_two_steps_say_nothing_of_how_far_they_may_be_off() -> None:
    steps = tuple(PaperInjector().step(users) for users in (1_000, 2_000))
    for known in (
        Evidence(None, (run_of(300),)),
        Evidence(replace(CALIBRATION, steps=steps)),
    ):
        measured = measured_by(known)
        assert measured is not None
        off = measured.processor_high_us / measured.processor_us_per_request
        assert off == pytest.approx(1 + UNKNOWN_PERCENT / 100, rel=0.01)


def test_the_range_is_as_narrow_as_the_line_holds() -> None:
    exact = measured_by(Evidence(CALIBRATION))
    assert exact is not None
    assert exact.processor_high_us - exact.processor_low_us <= 2
    noisy = PaperInjector(user_us=230, noise=(1.1, 0.9, 1.08, 0.93))
    wide = measured_by(Evidence(replace(CALIBRATION, steps=tuple(noisy.climb()))))
    assert wide is not None
    assert wide.processor_high_us > 1.1 * wide.processor_us_per_request


def test_nothing_known_changes_nothing(calibrations: Path) -> None:
    assert measured_by(Evidence()) is None
    assert as_measured(CHECKOUT) is CHECKOUT
    assert not calibrations.exists()


def test_a_run_tells_what_its_users_took() -> None:
    found = figures_of()
    assert isinstance(found, RunFigures)
    # 1.6 cores for 600 s over 6 million requests.
    assert found.processor_us_per_request == 160
    assert found.requests_per_million_s == 1_000_000
    own = figures_of(injectors=[{"processor_s": 960.0}])
    assert isinstance(own, RunFigures)
    assert own.processor_us_per_request == 160


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"completed": False}, "it was not played to its end"),
        ({"load_s": 19.0}, "it put load on for 19 s, and 20 s are the least"),
        ({"requests": 0, "failures": 0}, "no request was answered"),
        ({"injectors": []}, "not all of its injectors' processors were measured"),
        (
            {"injectors": [{"processor_s": None}]},
            "not all of its injectors' processors were measured",
        ),
        (
            {"injectors": [{"machine_cpu_percent_mean": 1.0, "machine_cores": 2}]},
            "its injectors used 2.0 % of a core, and 5 % are the least",
        ),
    ],
)
def test_a_run_that_says_too_little_of_its_users_is_not_counted(
    changes: dict[str, Any], reason: str
) -> None:
    assert figures_of(**changes) == LeftOut("run-1", AT, reason, would_count=False)


@pytest.mark.promise(
    "dead-target-is-no-evidence", command="run", provider=("local", "aws", "azure")
)
@pytest.mark.parametrize("provider", ["local", "aws", "azure"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"valid": False, "invalid_reasons": ["every request failed"]},
            "its result is not valid: every request failed",
        ),
        ({"failures": 60_001}, "1.0 % of its requests failed, and 1 % may"),
        (
            {"begun": 6_100_000, "unanswered": 100_000},
            "100,000 of its 6,100,000 requests had no answer",
        ),
        (
            {"planned_requests_per_s": 20_001.0},
            "its users made 10,000.0 requests/s, and 20,001.0 were planned",
        ),
    ],
)
def test_only_runs_whose_requests_were_answered_as_planned_are_evidence(
    provider: str, changes: dict[str, Any], reason: str, calibrations: Path
) -> None:
    found = figures_of(provider, **changes)
    assert found == LeftOut("run-1", AT, reason, would_count=True)
    assert isinstance(found, LeftOut)
    # Where it would have counted, the estimate says that it does not, and why.
    keep_left_out(CHECKOUT, found)
    counted = as_measured(CHECKOUT)
    assert counted.measured is None
    said = f"run run-1 of {AT.date()} is no evidence of what users take: {reason}"
    assert said in estimate(counted).warnings
    assert calibrations.exists()


def test_what_is_kept_is_found_again_by_any_scenario_of_the_same_test() -> None:
    keep_calibration(CHECKOUT, replace(CALIBRATION, at=AT - timedelta(days=30)))
    keep_calibration(CHECKOUT, CALIBRATION)
    keep_run(CHECKOUT, run_of(300))
    keep_run(CHECKOUT, run_of(300))
    other = replace(CHECKOUT, target="https://shop.example.com")
    assert evidence_of(other) == Evidence(CALIBRATION, (run_of(300),))
    planned = estimate(as_measured(other))
    assert planned.requirement.basis == "a calibration of 2026-11-22 and 1 run"
    assert planned.requirement.injectors < estimate(other).requirement.injectors


def test_too_small_a_calibration_is_neither_kept_nor_counted_if_it_was() -> None:
    small = replace(CALIBRATION, steps=(PaperInjector().step(2),), at=AT + timedelta(days=1))
    with pytest.raises(CalibrationTooSmallError, match=r"nothing was kept: the users took 0\.6 %"):
        keep_calibration(CHECKOUT, small)
    assert not place_of(CHECKOUT).exists()
    # One that an earlier version kept.
    place_of(CHECKOUT).mkdir(parents=True)
    old = place_of(CHECKOUT) / f"calibration-{small.at:%Y%m%dT%H%M%S}.json"
    old.write_text(json.dumps(calibration_to_json(small)))
    counted = as_measured(CHECKOUT)
    assert counted.measured is None
    planned, published = estimate(counted), estimate(CHECKOUT)
    assert planned.requirement == published.requirement
    assert any("the calibration of 2026-11-23 is no evidence" in each for each in planned.warnings)
    keep_calibration(CHECKOUT, CALIBRATION)
    assert evidence_of(CHECKOUT).calibration == CALIBRATION


def test_a_file_that_is_no_measurement_is_refused_by_name() -> None:
    path = keep_calibration(CHECKOUT, CALIBRATION)
    path.write_text('{"test": "checkout"}')
    with pytest.raises(CalibrationFilesError, match="not a measurement of loadmuster") as refused:
        as_measured(CHECKOUT)
    assert refused.value.facts == {"file": str(path)}


def test_a_folder_that_cannot_be_written_is_refused_by_name(calibrations: Path) -> None:
    calibrations.write_text("a file in the way")
    with pytest.raises(CalibrationFilesError, match="cannot be kept"):
        keep_calibration(CHECKOUT, CALIBRATION, calibrations)
    assert not place_of(CHECKOUT, calibrations).exists()


def test_a_scenario_keeps_what_was_measured_of_it() -> None:
    measured = replace(
        CHECKOUT, measured=measured_by(Evidence(CALIBRATION)), locust_user="HttpUser"
    )
    assert scenario_from_json(scenario_to_json(measured)) == measured
    assert not {"measured", "locust_user"} & scenario_to_json(CHECKOUT).keys()


BY_PROCESSOR = replace(CHECKOUT, request_bytes=500, response_bytes=1_000)
"""Users that no network binds."""


def users_on(machine_type: str, measured: Measured | None) -> int:
    """What one such machine carries of the measured users."""
    wishes = MachineWishes(types=(machine_type,))
    scenario = replace(BY_PROCESSOR, measured=measured, machines=wishes)
    return estimate(scenario, catalog=CATALOG, provider="aws").fleet.groups[0].users_per_machine


@pytest.mark.parametrize("machine_type", ["c6g.large", "c7i.large", "c8g.large"])
def test_what_was_measured_on_a_machine_holds_on_that_machine(machine_type: str) -> None:
    on_it = replace(CALIBRATION, run_id="run-1", provider="aws", machine_type=machine_type)
    measured = measured_by(Evidence(on_it))
    assert measured is not None
    assert measured.is_speed_known
    # Whole percents of speed are rounded down, so up to two in a hundred fewer.
    ceiling = 2 * CALIBRATION.users_at_ceiling
    assert 0.98 * ceiling <= users_on(machine_type, measured) <= 1.002 * ceiling


def test_a_calibration_on_one_family_is_scaled_to_another() -> None:
    on_it = replace(CALIBRATION, run_id="run-1", provider="aws", machine_type="c6g.large")
    measured = measured_by(Evidence(on_it))
    ratio = users_on("c8g.large", measured) / users_on("c6g.large", measured)
    assert ratio == pytest.approx(4_254 / 3_345, rel=0.02)
    by_run = measured_by(Evidence(None, (replace(run_of(300), machine_types=("c6g.large",)),)))
    assert by_run is not None
    assert by_run.processor_us_per_request == reference_us(
        CATALOG, "aws", "c6g.large", 300, alone=False
    )
    of_both = ("c6g.large", "c8g.large")
    slow_and_fast = measured_by(Evidence(None, (replace(run_of(300), machine_types=of_both),)))
    assert slow_and_fast is not None
    assert slow_and_fast.processor_us_per_request > by_run.processor_us_per_request


def test_a_core_is_told_from_a_thread_with_a_busy_sibling_when_a_time_is_scaled() -> None:
    busy = reference_us(CATALOG, "aws", "c7i.large", 1_300, alone=False)
    alone = reference_us(CATALOG, "aws", "c7i.large", 1_300, alone=True)
    assert (busy, alone) == (1_000, 10 * LONE_CORE_PERCENT)
    core = [reference_us(CATALOG, "aws", "c8g.large", 1_300, alone=each) for each in (True, False)]
    assert core[0] == core[1]
    assert reference_us(CATALOG, "aws", "c7i-flex.large", 1_300, alone=True) is None
    assert reference_us(CATALOG, "aws", "no.such", 1_300, alone=True) is None


def test_where_the_speed_of_a_computer_is_not_known_the_range_is_wide_and_it_is_told() -> None:
    low, high = lone_core_range(CATALOG)
    assert low < 60
    assert high > 140
    here = measured_by(Evidence(CALIBRATION))
    there = measured_by(
        Evidence(replace(CALIBRATION, run_id="run-1", provider="aws", machine_type="c7i.large"))
    )
    assert here is not None
    assert not here.is_speed_known
    wide, narrow = (
        estimate(replace(BY_PROCESSOR, measured=each), catalog=CATALOG, provider="aws")
        for each in (here, there)
    )
    machines = [
        next(item for item in each.fleet.items if item.name == "machines")
        for each in (wide, narrow)
    ]
    spread = [item.high_usd_micros / item.low_usd_micros for item in machines]
    assert spread[0] > 2 > spread[1]
    assert [each.field for each in wide.unknown if "measured" in each.field]
    assert not [each.field for each in narrow.unknown if "measured" in each.field]
    # What plans count does not hang on machines.
    assert wide.requirement.at_most.injectors == wide.requirement.injectors


def test_whether_a_speed_is_known_is_kept_with_a_run_only_where_it_is() -> None:
    here = measured_by(Evidence(CALIBRATION))
    assert here is not None
    for measured in (here, replace(here, is_speed_known=True)):
        document = scenario_to_json(replace(CHECKOUT, measured=measured))
        assert ("is_speed_known" in document["measured"]) == measured.is_speed_known
        assert scenario_from_json(document).measured == measured
