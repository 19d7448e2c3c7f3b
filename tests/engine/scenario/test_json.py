"""A scenario survives being written as JSON, to the last digit."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from engine.load_engines import LOAD_ENGINES
from engine.scenario import (
    MachineWishes,
    Measured,
    Protocol,
    RegionShare,
    Request,
    Scenario,
    Tls,
    UserClass,
)
from engine.scenario.json import scenario_from_json, scenario_to_json
from engine.scenario.profile import ClosedProfile, Curve, OpenProfile, Point, closed
from engine.scenario.program import LoadProgram, ProgramFile

TEXTS = st.text(max_size=20)
COUNTS = st.integers(min_value=1, max_value=10**6)
LEVELS = st.floats(min_value=0, max_value=1e9) | st.integers(min_value=0, max_value=10**9)
SECONDS = st.floats(min_value=0, max_value=1e9)

CURVES = st.builds(
    lambda times, levels: Curve(tuple(map(Point, sorted(times), levels))),
    st.lists(SECONDS, min_size=4, max_size=4),
    st.lists(LEVELS, min_size=4, max_size=4),
)
PROFILES = st.builds(ClosedProfile, CURVES) | st.builds(
    OpenProfile, CURVES, iteration_s=st.none() | SECONDS, max_users=st.none() | COUNTS
)
REQUESTS = st.builds(
    Request, TEXTS, method=TEXTS, weight=COUNTS, name=st.none() | TEXTS, body=st.none() | TEXTS
)
USER_CLASSES = st.builds(
    UserClass,
    TEXTS,
    weight=COUNTS,
    think_time_s=st.tuples(SECONDS, SECONDS),
    requests=st.lists(REQUESTS, max_size=3).map(tuple),
)
FILES = st.builds(ProgramFile, TEXTS, COUNTS, TEXTS, st.booleans())
PROGRAMS = st.builds(
    LoadProgram,
    st.sampled_from(tuple(LOAD_ENGINES)),
    TEXTS,
    TEXTS,
    files=st.lists(FILES, max_size=3).map(tuple),
    prepare=st.none() | TEXTS,
    results=st.none() | TEXTS,
    version=st.none() | TEXTS,
    classpath=st.none() | TEXTS,
    own_profile=st.booleans(),
)
SCENARIOS = st.builds(
    Scenario,
    name=TEXTS,
    protocol=st.sampled_from(Protocol),
    profile=PROFILES,
    format=TEXTS,
    target=st.none() | TEXTS,
    user_classes=st.lists(USER_CLASSES, max_size=3).map(tuple),
    requests_per_user_s=st.none() | SECONDS,
    request_bytes=st.none() | COUNTS,
    response_bytes=st.none() | COUNTS,
    connections_per_user=st.none() | COUNTS,
    regions=st.lists(st.builds(RegionShare, TEXTS, SECONDS), max_size=3).map(tuple),
    load_engine=TEXTS,
    injectors=st.none() | COUNTS,
    users_per_injector=st.none() | COUNTS,
    reference_injector=st.booleans(),
    program=st.none() | PROGRAMS,
)


@given(SCENARIOS)
def test_a_scenario_comes_back_from_json_as_it_went_in(scenario: Scenario) -> None:
    assert scenario_from_json(json.loads(json.dumps(scenario_to_json(scenario)))) == scenario


@given(SCENARIOS)
def test_the_document_is_what_json_itself_would_read_back(scenario: Scenario) -> None:
    document = scenario_to_json(scenario)
    assert json.loads(json.dumps(document)) == document


def test_every_field_of_a_scenario_is_in_its_document() -> None:
    scenario = Scenario(
        "shop",
        Protocol.HTTP,
        closed([(0, 1), (60, 1)]),
        memory_mib_per_user=5,
        machines=MachineWishes(architecture="arm64"),
        measured=Measured(200, 180, 220, 1_000_000, None, "2 runs"),
        locust_user="HttpUser",
        tls=Tls(verify=False),
    )
    document = scenario_to_json(scenario)
    never_on_record = {"left_out_runs"}
    assert set(document) == {field.name for field in fields(Scenario)} - never_on_record


def test_a_document_from_before_a_field_existed_takes_the_field_s_default() -> None:
    scenario = Scenario("shop", Protocol.HTTP, closed([(0, 1), (60, 1)]))
    document = scenario_to_json(scenario)
    del document["reference_injector"]
    assert scenario_from_json(document) == scenario
