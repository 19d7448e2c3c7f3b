"""Programs other than Locust, in processes, from the scenario's file to the merged result.

k6, JMeter and Gatling are stand-ins that take the same options and write the documented forms.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.load.driver import InjectorGroup, LoadPhase, LoadResult, LoadTask
from engine.load.sliced.driver import SlicedDriver
from engine.readers import read_scenario
from engine.readers.program.bundle import pack
from engine.scenario import Scenario
from providers.local.objects import FolderObjects
from tests.engine.load import stand_ins
from tests.engine.load.injectors import Injectors
from tests.patience import PATIENCE_S

LOAD_PY = (Path(__file__).parents[3] / "examples" / "load.py").read_text(encoding="utf-8")
PYTHON = "{name: custom, command: python3 load.py, files: [load.py]}"
ENDLESS = """\
  name: custom
  prepare: echo timeStamp,elapsed,success > samples.csv
  results: samples.csv
  command: |
    while :; do
      took=$(curl --silent --output /dev/null --write-out '%{time_total}' "$LOADMUSTER_TARGET/")
      echo "$(date +%s)000,$(echo "$took" | awk '{ print $1 * 1000 }'),true" >> samples.csv
      sleep 0.3
    done
"""

Prepare = Callable[..., Injectors]


@pytest.fixture
def prepare(tmp_path: Path, shop: str) -> Iterator[Prepare]:
    """A load whose scenario names a program; with stand-ins for those that cannot be had."""
    stand_ins.install(tmp_path / "bin")
    made: list[Injectors] = []

    def prepared(
        engine: str, load: str = "{users: 6, duration: 6s}", machines: int = 3
    ) -> Injectors:
        text = f"name: shop\ntarget: {shop}\nload: {load}\nload_engine:\n{engine}\n"
        (tmp_path / "scenario.yaml").write_text(text)
        (tmp_path / "load.py").write_text(LOAD_PY)
        scenario = read_scenario(tmp_path / "scenario.yaml")
        users = scenario.profile.peak_users
        assert users is not None
        groups = (InjectorGroup(machines, users),)
        lifetime_s = scenario.profile.duration_s + PATIENCE_S
        task = LoadTask("r1", scenario, groups, tmp_path / "r1", lifetime_s=lifetime_s)
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        driver = SlicedDriver(FolderObjects(tmp_path / "objects"), bundles(scenario), grace_s=20.0)
        made.append(Injectors(driver, task, environment={"PATH": path}))
        return made[-1]

    yield prepared
    for each in made:
        each.end()


def bundles(scenario: Scenario) -> Callable[[str], bytes | None]:
    assert scenario.program is not None
    return {scenario.program.bundle_key: pack(scenario.program)}.get


def indented(engine: str) -> str:
    return f"  {engine}"


def played(load: Injectors) -> LoadResult:
    load.boot()
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.DONE, progress
    assert result is not None
    return result


def told(result: LoadResult) -> list[tuple[str, int]]:
    """Method and number of each row of requests, where samples say all that they can."""
    assert "of those without an answer they do not tell" in result.unknown[0]
    assert (result.begun, result.unanswered) == (None, None)
    assert sum(window.requests for window in result.windows) == result.requests
    assert max(window.users or 0 for window in result.windows) == result.peak_users
    return [(row.method, row.requests) for row in result.by_request]


def failed(load: Injectors) -> str:
    load.boot()
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.FAILED
    assert result is None or not result.valid
    return progress.message


def test_a_command_plays_its_share_and_its_samples_become_the_result(prepare: Prepare) -> None:
    load = prepare(indented(PYTHON), load="{users: {stages: [{ramp_to: 7, over: 2s}, {hold: 8s}]}}")
    load.boot()
    flowing = load.until(lambda now: now.requests > 0)
    assert 0 < flowing.elapsed_s <= 10
    _, result = load.until_over()
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert result.completed
    assert result.peak_users == 7, "3, 2 and 2"
    assert result.failures == 0
    assert result.p50_ms is not None
    requests = [injector.requests for injector in result.injectors]
    assert sum(requests) == result.requests
    assert min(requests) > 3, "every injector played"


def test_what_a_command_s_machine_used_is_measured(prepare: Prepare) -> None:
    (injector,) = played(prepare(indented(PYTHON), machines=1)).injectors
    assert injector.cpu_percent_max is None, "processes are Locust's alone"
    assert injector.machine_cpu_percent_max is not None
    assert 0 < injector.machine_cpu_percent_max <= 100
    assert injector.machine_cpu_percent_mean is not None
    assert injector.machine_cpu_percent_mean <= injector.machine_cpu_percent_max
    assert injector.memory_used_bytes_max is not None
    assert injector.memory_bytes is not None
    assert 4 * 1024**2 < injector.memory_used_bytes_max < injector.memory_bytes
    first, *later = injector.looks
    assert (first.at_s, first.busy_s) == (0, 0)
    assert later[-1].busy_s > 0
    assert first.requests <= later[-1].requests <= injector.requests
    assert later[-1].requests > 0


def test_a_machine_without_a_processor_to_spare_is_said_first(prepare: Prepare) -> None:
    load = prepare(indented(PYTHON), load="{users: 9, duration: 4s}", machines=1)
    load.environment = {"LOADMUSTER_CORES": "0.01"}
    result = played(load)
    assert not result.valid
    assert "injector 0 was saturated: it used" in result.invalid_reasons[0]
    assert "of its machine's processors" in result.invalid_reasons[0]


@pytest.mark.early
def test_what_goes_on_after_the_planned_end_is_cut_off_and_users_may_be_unknown(
    prepare: Prepare,
) -> None:
    load = prepare(ENDLESS, load="{users: 2, duration: 3s}", machines=2)
    result = played(load)
    assert result.valid, result.invalid_reasons
    assert result.completed
    assert result.peak_users is None
    assert "the samples do not say how many users were active" in result.warnings[0]
    assert result.requests > 4
    assert 3 <= result.load_s < 20
    for process in load.processes:
        assert process.wait(timeout=PATIENCE_S) == 0


def test_a_command_is_told_its_share_by_its_environment(prepare: Prepare, tmp_path: Path) -> None:
    told = tmp_path / "told"
    told.mkdir()
    command = f"env > {told}/$LOADMUSTER_INJECTOR; cp $LOADMUSTER_PROFILE {told}/profile"
    engine = f"{{name: custom, command: '{command}; cp {tmp_path}/empty.csv results.csv'}}"
    (tmp_path / "empty.csv").write_text("timeStamp,elapsed,success\n")
    stages = "{users: {stages: [{ramp_to: 7, over: 2s}, {hold: 1s}, {jump_to: 1}, {hold: 1s}]}}"
    result = played(prepare(indented(engine), load=stages, machines=2))
    assert result.invalid_reasons == (
        "no request was answered; whether any was begun is not known",
    )
    environments = [
        dict(line.split("=", 1) for line in (told / name).read_text().splitlines() if "=" in line)
        for name in ("0", "1")
    ]
    assert [each["LOADMUSTER_USERS"] for each in environments] == ["3", "4"]
    assert [each["LOADMUSTER_SHARE"] for each in environments] == [
        "0/500000000/1000000000",
        "500000000/1000000000/1000000000",
    ]
    assert {each["LOADMUSTER_INJECTORS"] for each in environments} == {"2"}
    assert {each["LOADMUSTER_DURATION_S"] for each in environments} == {"4"}
    assert len({each["LOADMUSTER_START_AT"] for each in environments}) == 1
    assert (told / "profile").read_text() in {
        "0,0\n2,3\n3,3\n3,0\n4,0\n",
        "0,0\n2,4\n3,4\n3,1\n4,1\n",
    }


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("{name: custom, command: 'echo no luck; exit 3'}", "ended with status 3: no luck"),
        ("{name: custom, command: 'true'}", "left no results.csv"),
        (
            "{name: custom, command: 'echo when,what > results.csv; sleep 1'}",
            "does not name the columns timeStamp,elapsed,success",
        ),
        ("{name: custom, prepare: 'echo no wheel; false', command: 'true'}", "get ready: no wheel"),
    ],
)
def test_a_command_that_fails_says_why(engine: str, message: str, prepare: Prepare) -> None:
    assert message in failed(prepare(indented(engine), machines=1))


def test_names_with_quotes_and_dollars_are_taken_as_they_are(
    prepare: Prepare, tmp_path: Path
) -> None:
    name = 'it\'s "$(touch touched)" `touch touched`; *.py'
    (tmp_path / name).write_text(LOAD_PY)
    results = "-$(touch touched)'\".csv"
    engine = {
        "name": "custom",
        "files": [name],
        "prepare": 'ls | grep -c "touch touched"',
        "command": "python3 ./it*.py && ! ls ../touched touched",
        "results": results,
    }
    load = prepare(indented(json.dumps(engine)), machines=1)
    result = played(load)
    assert result.valid, result.invalid_reasons
    assert result.requests > 0
    assert not list(tmp_path.rglob("touched"))


@pytest.mark.long
def test_what_a_command_measured_until_a_cancel_is_the_result_and_nothing_goes_on(
    prepare: Prepare,
) -> None:
    load = prepare(ENDLESS, load="{users: 2, duration: 600s}", machines=2)
    began_s = time.monotonic()
    load.boot()
    load.until(lambda now: now.requests > 2)
    told_s = time.monotonic()
    load.end()
    # As long as it took to start, on a machine where that takes long.
    assert time.monotonic() - told_s < max(15.0, told_s - began_s)
    result = load.driver.result(load.task)
    assert result is not None
    assert result.valid, result.invalid_reasons
    assert not result.completed
    assert result.requests > 2


@pytest.mark.early
@pytest.mark.parametrize(
    "ending",
    [
        pytest.param("0", marks=pytest.mark.long, id="to its end"),
        pytest.param("99", id="and thresholds that were crossed"),
    ],
)
def test_k6_plays_segments_of_the_profile(ending: str, prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "shop.js").write_text(f"/ {ending}\n")
    stages = "{users: {stages: [{jump_to: 2}, {ramp_to: 7, over: 2s}, {hold: 5s}]}}"
    engine = "  {name: k6, script: shop.js, version: v1.3.0}"
    result = played(prepare(engine, load=stages))
    assert result.valid, result.invalid_reasons
    assert result.completed
    assert result.peak_users == 7
    assert result.failures == 0
    assert min(injector.requests for injector in result.injectors) > 3
    assert told(result) == [("GET", result.requests)]


@pytest.mark.long
def test_k6_may_follow_its_script_s_own_stages(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "shop.js").write_text("/missing 0\n")
    engine = "  {name: k6, script: shop.js, own_stages: true}"
    result = played(prepare(engine, load="{users: 4, duration: 2s}", machines=2))
    assert result.requests == result.failures > 5
    assert result.peak_users == 4


def test_k6_with_fewer_users_than_injectors_leaves_the_others_idle(
    prepare: Prepare, tmp_path: Path
) -> None:
    (tmp_path / "shop.js").write_text("/ 0\n")
    result = played(prepare("  {name: k6, script: shop.js}", load="{users: 2, duration: 3s}"))
    assert result.valid, result.invalid_reasons
    assert result.peak_users == 2
    assert sorted(injector.requests > 0 for injector in result.injectors) == [False, True, True]


@pytest.mark.long
def test_k6_that_fails_says_why(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "shop.js").write_text("nonsense\n")
    message = failed(prepare("  {name: k6, script: shop.js}", machines=1))
    assert "ended with status 1: ValueError" in message


def test_jmeter_s_threads_are_divided_among_the_injectors(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "shop.jmx").write_text("/\n")
    stages = "{users: {stages: [{ramp_to: 7, over: 1s}, {hold: 6s}]}}"
    result = played(prepare("  {name: jmeter, plan: shop.jmx}", load=stages))
    assert result.valid, result.invalid_reasons
    assert result.warnings == ()
    assert result.peak_users == 7
    assert result.failures == 0
    assert min(injector.requests for injector in result.injectors) > 3
    assert told(result) == [("", result.requests)]


def test_gatling_s_log_becomes_the_result(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("/missing text\n")
    engine = "  {name: gatling, simulation: shop.Checkout, classpath: lib, files: [lib]}"
    stages = "{users: {stages: [{jump_to: 5}, {hold: 6s}, {ramp_to: 0, over: 1s}]}}"
    result = played(prepare(engine, load=stages, machines=2))
    assert result.invalid_reasons == (
        "every request failed (HTTP 404): nothing can be said about response times",
    )
    assert [(row.name, row.failures) for row in result.by_request] == [("home", result.failures)]
    assert result.peak_users == 5
    assert result.requests == result.failures > 10
    assert "gatling was told the most users, their ramp-up and the duration" in result.warnings[-1]


@pytest.mark.long
def test_a_log_of_gatling_that_is_not_text_is_refused(prepare: Prepare, tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("/ binary\n")
    engine = "  {name: gatling, simulation: shop.Checkout, classpath: lib, files: [lib]}"
    assert "Gatling 3.11 was the last" in failed(prepare(engine, machines=1))
