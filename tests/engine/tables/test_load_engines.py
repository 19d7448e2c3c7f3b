"""Every row of the table of load engines is whole, and each of its facts is what happens."""

from __future__ import annotations

import json
import pkgutil
import re
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.calibrating.staircase import check_takes_steps
from engine.load.checks import check_engine
from engine.load.driver import LoadEngineMissingError, UnrunnableScenarioError
from engine.load.shape import plan_users
from engine.load.sliced.program_work import PROGRAMS, approximation_of, corners_of, program_files
from engine.load.sliced.work import locust_files
from engine.load_engines import LOAD_ENGINES, LOCUST, EngineFacts
from engine.planning.capacity import figures_of
from engine.readers import read_scenario
from engine.readers.parsing.errors import BadScenarioError
from engine.readers.program.entries import ProgramEntry
from engine.scenario import Protocol, Scenario, UserClass
from engine.scenario.json import scenario_from_json, scenario_to_json
from engine.scenario.profile import closed
from engine.scenario.program import LoadProgram

ROWS = pytest.mark.parametrize("engine", LOAD_ENGINES.values(), ids=list(LOAD_ENGINES))
PROGRAMS_OF = [each for each in LOAD_ENGINES.values() if each is not LOCUST]
OTHERS = pytest.mark.parametrize("engine", PROGRAMS_OF, ids=[each.name for each in PROGRAMS_OF])
FUNCTIONS = ("get_ready", "set_up", "start", "begin", "gather", "is_finding")


def scenario_of(engine: EngineFacts, *, prepare: str | None = None) -> Scenario:
    """A load that rises, falls and rises again."""
    program = None
    if engine is not LOCUST:
        program = LoadProgram(engine.name, "MAIN", "/nowhere", prepare=prepare)
    return Scenario(
        name="x",
        protocol=Protocol.HTTP,
        profile=closed([(0, 10), (10, 2), (20, 10), (30, 10)]),
        target="http://127.0.0.1:1",
        user_classes=(UserClass("u"),),
        load_engine=engine.name,
        program=program,
    )


def test_each_agent_folder_is_an_engine_s_or_common() -> None:
    folders = {each for each in PROGRAMS.parent.iterdir() if each.is_dir()}
    named = {each.agent for each in LOAD_ENGINES.values()}
    assert {each for each in folders if each.name != "__pycache__"} == {PROGRAMS, *named}


@OTHERS
def test_its_scripts_define_what_the_agent_calls(engine: EngineFacts) -> None:
    script = engine.agent / "engine.sh"
    told = "MAIN=x RESULTS=x VERSION= CLASSPATH=x OWN_PROFILE="
    called = " ".join(FUNCTIONS)
    check = f'{told}; . "{script}"; type {called} > /dev/null; : "$STARTS_EARLY$samples"'
    ended = subprocess.run(["/bin/sh", "-euc", check], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@ROWS
def test_injectors_get_all_that_is_in_its_folder(engine: EngineFacts) -> None:
    scenario = scenario_of(engine)
    if scenario.program is None:
        files = locust_files(scenario, 1.0, "2.0")
    else:
        files = program_files(scenario, scenario.program, 1.0, b"")
    own = {path.name for path in engine.agent.iterdir() if path.is_file()}
    assert own
    assert own <= set(files)
    assert {"prepare.sh", "load.sh"} <= set(files)
    other = {
        path.name for each in PROGRAMS_OF for path in each.agent.iterdir() if each is not engine
    }
    assert not (other - own) & set(files), "nothing of another engine"


@OTHERS
def test_its_main_goes_where_its_facts_say(engine: EngineFacts) -> None:
    scenario = scenario_of(engine)
    assert scenario.program is not None
    files = program_files(scenario, scenario.program, 1.0, b"")
    settings = files["program.sh"].decode().splitlines()
    if engine.main_in is None:
        assert "MAIN=MAIN" in settings
    else:
        assert files[engine.main_in] == b"MAIN"
        assert "MAIN=''" in settings


@OTHERS
def test_a_scenario_file_names_it_as_its_example_does(engine: EngineFacts, tmp_path: Path) -> None:
    assert engine.example is not None
    entry = pkgutil.resolve_name(engine.entry)
    assert issubclass(entry, ProgramEntry)
    assert set(entry.model_fields) >= {"name", "files", "prepare"}
    for name in re.findall(r"\w+\.\w+", engine.example):
        (tmp_path / name).write_text("x")
    head = "name: x\ntarget: http://127.0.0.1:1\nload: {users: 5, duration: 1m}\nload_engine: "
    path = tmp_path / "scenario.yaml"
    path.write_text(head + engine.example)
    scenario = read_scenario(path)
    assert scenario.load_engine == engine.name
    assert scenario.program is not None
    assert scenario.program.kind == engine.name
    assert scenario_from_json(json.loads(json.dumps(scenario_to_json(scenario)))) == scenario
    path.write_text(head + engine.name)
    with pytest.raises(BadScenarioError, match="needs more than its name") as error:
        read_scenario(path)
    assert engine.example in error.value.message


def test_an_unknown_engine_is_answered_by_all_names(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("name: x\nload: {users: 5, duration: 1m}\nload_engine: {name: siege}\n")
    with pytest.raises(BadScenarioError) as error:
        read_scenario(path)
    assert all(name in error.value.message for name in LOAD_ENGINES)


@ROWS
def test_what_does_not_follow_a_shape_says_so_and_takes_no_steps(engine: EngineFacts) -> None:
    scenario = scenario_of(engine)
    said = approximation_of(scenario, 1.0)
    assert bool(said) == (not engine.follows_shape)
    if engine.follows_shape:
        check_takes_steps(scenario)
        return
    with pytest.raises(UnrunnableScenarioError, match=f"{engine.name} is told the most users"):
        check_takes_steps(scenario)
    full = replace(scenario, profile=closed([(0, 0), (10, 10), (30, 10)]))
    assert corners_of(plan_users(full.profile))
    assert approximation_of(full, 1.0) == "", "a ramp and a hold is all that it is told"


@OTHERS
def test_a_cloud_s_bare_machine_lacks_its_command(engine: EngineFacts) -> None:
    if engine.command is None:
        check_engine(scenario_of(engine), on_this_computer=False)
        return
    with pytest.raises(LoadEngineMissingError, match=engine.command) as error:
        check_engine(scenario_of(engine), on_this_computer=False)
    assert ("version: to fetch" in error.value.message) == engine.fetches_version
    check_engine(scenario_of(engine, prepare="install it"), on_this_computer=False)


@ROWS
def test_it_has_time_to_start(engine: EngineFacts) -> None:
    assert engine.lead_s >= 2, "injectors look for the start about once a second"


@ROWS
def test_what_its_users_take_is_what_capacity_counts(engine: EngineFacts) -> None:
    known = [engine.figures, *engine.figures_by_user.values()]
    for own in known:
        assert own is not None
        assert own.source
        assert own.as_of.year >= 2026
    counted = figures_of(replace(scenario_of(engine), program=None, locust_user="another"))
    assert engine.figures is not None
    assert counted.memory_kib_per_user == engine.figures.memory_kib_per_user
    assert counted.processor_us_per_request == engine.figures.processor_us_per_request
    assert engine.figures.payload in {None, counted.payload}


@ROWS
def test_the_ranges_of_its_users_lie_around_what_is_expected(engine: EngineFacts) -> None:
    assert engine.figures is not None
    for own in (engine.figures, *engine.figures_by_user.values()):
        for least, expected, most in (
            (own.memory_kib_per_user_least, own.memory_kib_per_user, own.memory_kib_per_user_most),
            (own.payload_least, own.payload, own.payload_most),
            (
                own.processor_us_per_request_least,
                own.processor_us_per_request,
                own.processor_us_per_request_most,
            ),
        ):
            if expected is not None:
                assert least is not None
                assert most is not None
                assert least <= expected <= most
