"""What a scenario file may say, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.readers import read_scenario
from engine.scenario import Protocol, RegionShare, Request, Scenario, UserClass
from engine.scenario.profile import ClosedProfile, OpenProfile, closed
from loadmuster.documents.schema import json_schema

Write = Callable[[str], Path]

SMALLEST = "name: smallest\nload: {users: 10, duration: 1m}\n"
EVERYTHING = """\
name: everything
target: https://shop.example.com
protocol: grpc
load:
  arrivals:
    stages:
      - {jump_to: 2.5}
      - {ramp_to: 10, over: 90s}
      - {hold: 1h30m}
    iteration: 1.5s
    max_users: 40
user_classes:
  - name: browsing
    weight: 4
    think_time: {min: 500ms, max: 2}
    requests:
      - {path: /, weight: 3, name: home}
      - {method: POST, path: /cart, body: {id: 7}}
  - name: buying
    think_time: 2s
    requests: [{method: DELETE, path: "/cart?all=yes", body: plain text}]
requests_per_user_second: 0.5
payload: {request_bytes: 800, response_bytes: 20000}
connections_per_user: 2
regions: {us-east-1: 62.5%, eu-west-1: 0.375}
load_engine: locust
users_per_injector: 20
reference_injector: true
"""


def test_every_field_of_a_file_reaches_the_scenario(write: Write) -> None:
    scenario = read_scenario(write(EVERYTHING))

    assert isinstance(scenario.profile, OpenProfile)
    points = [(p.at_s, p.level) for p in scenario.profile.arrivals_per_s.points]
    assert points == [(0, 0), (0, 2.5), (90, 10), (5490, 10)]
    assert (scenario.profile.iteration_s, scenario.profile.max_users) == (1.5, 40)
    assert scenario == Scenario(
        name="everything",
        protocol=Protocol.GRPC,
        profile=scenario.profile,
        target="https://shop.example.com",
        user_classes=(
            UserClass(
                "browsing",
                weight=4,
                think_time_s=(0.5, 2.0),
                requests=(
                    Request("/", weight=3, name="home"),
                    Request("/cart", method="POST", body='{"id": 7}'),
                ),
            ),
            UserClass(
                "buying",
                think_time_s=(2.0, 2.0),
                requests=(Request("/cart?all=yes", method="DELETE", body="plain text"),),
            ),
        ),
        requests_per_user_s=0.5,
        request_bytes=800,
        response_bytes=20_000,
        connections_per_user=2,
        regions=(RegionShare("us-east-1", 0.625), RegionShare("eu-west-1", 0.375)),
        users_per_injector=20,
        reference_injector=True,
    )


def test_a_number_and_a_duration_are_a_constant_load(write: Write) -> None:
    assert read_scenario(write(SMALLEST)).profile == closed([(0, 10), (60, 10)])


def test_stages_start_from_no_users(write: Write) -> None:
    scenario = read_scenario(
        write(
            "name: x\nload: {users: {stages: "
            "[{ramp_to: 500, over: 2m}, {hold: 6m}, {ramp_to: 0, over: 120}]}}"
        )
    )
    assert scenario.profile == closed([(0, 0), (120, 500), (480, 500), (600, 0)])


def test_a_list_of_regions_has_equal_shares(write: Write) -> None:
    scenario = read_scenario(write(SMALLEST + "regions: [us-east-1, eu-west-1, sa-east-1]"))
    assert [each.region for each in scenario.regions] == ["us-east-1", "eu-west-1", "sa-east-1"]
    assert {each.share for each in scenario.regions} == {1 / 3}


def test_json_says_the_same_as_yaml(write: Write) -> None:
    from_yaml = read_scenario(write(EVERYTHING))
    # Tabs, and characters outside the basic plane as JSON escapes them.
    text = json.dumps(yaml.safe_load(EVERYTHING) | {"name": "\U0001f600"}, indent="\t")
    from_json = read_scenario(write(text))
    assert from_json.name == "\U0001f600"
    assert from_json.profile == from_yaml.profile
    assert from_json.user_classes == from_yaml.user_classes


def test_words_that_yaml_once_took_for_booleans_or_times_are_text(write: Write) -> None:
    text = SMALLEST.replace("smallest", "no")
    assert read_scenario(write(text)).name == "no"
    text = SMALLEST.replace("smallest", "12:30:00")
    assert read_scenario(write(text)).name == "12:30:00"


def test_an_alias_repeats_a_value(write: Write) -> None:
    scenario = read_scenario(
        write(
            SMALLEST + "user_classes:\n"
            "- {name: a, think_time: &pause {min: 1s, max: 9s}, requests: [{path: /}]}\n"
            "- {name: b, think_time: *pause, requests: [{path: /}]}\n"
        )
    )
    assert [each.think_time_s for each in scenario.user_classes] == [(1.0, 9.0), (1.0, 9.0)]


def test_placeholders_take_settings_first_and_defaults_second(write: Write) -> None:
    path = write(
        "name: ${NAME}-$${NAME}\ntarget: ${TARGET:-http://127.0.0.1:8080}\n"
        'load: {users: "${USERS:-10}", duration: "${TIME:-1m}"}\n'
    )
    scenario = read_scenario(path, settings={"NAME": "shop", "USERS": "25"})
    assert scenario.name == "shop-${NAME}"
    assert scenario.target == "http://127.0.0.1:8080"
    assert scenario.profile == closed([(0, 25), (60, 25)])


def test_settings_may_be_written_as_on_the_command_line(write: Write) -> None:
    path = write("name: ${A}\nload: {users: 10, duration: 1m}\n")
    assert read_scenario(path, settings=["A=first", "A=b=c"]).name == "b=c"


def test_a_lone_placeholder_in_json_becomes_a_number(write: Write) -> None:
    path = write('{"name": "x", "load": {"users": "${USERS}", "duration": 60}}')
    assert read_scenario(path, settings={"USERS": "7"}).profile == closed([(0, 7), (60, 7)])


def test_overrides_scale_the_shape_of_the_load(write: Write) -> None:
    path = write(
        "name: x\nload: {users: {stages: [{ramp_to: 100, over: 1m}, {hold: 2m}]}}\ninjectors: 2"
    )
    scenario = read_scenario(
        path, users=250, duration_s=360, users_per_injector=40, regions=["us-east-1"]
    )
    assert scenario.profile == closed([(0, 0), (120, 250), (360, 250)])
    assert (scenario.injectors, scenario.users_per_injector) == (None, 40)
    assert scenario.regions == (RegionShare("us-east-1", 1.0),)


@given(st.integers(1, 5_000), st.integers(1, 5_000), st.integers(1, 100_000))
def test_scaling_never_adds_a_user_or_a_second_by_rounding(
    before: int, after: int, duration_s: int
) -> None:
    text = f"name: x\nload: {{users: {before}, duration: 613}}"
    scenario = _read_text(text, users=after, duration_s=duration_s)
    assert isinstance(scenario.profile, ClosedProfile)
    assert scenario.profile.peak_users == after
    assert scenario.profile.duration_s == duration_s


def test_overrides_give_an_open_model_its_iteration_and_its_cap(write: Write) -> None:
    path = write("name: x\nload: {arrivals: {per_second: 20}, duration: 10m}")
    assert read_scenario(path).profile.peak_users is None
    assert read_scenario(path, iteration_s=2.5).profile.peak_users == 50
    assert read_scenario(path, iteration_s=2.5, users=30).profile.peak_users == 30
    assert read_scenario(path, users=30).profile.peak_users == 30


def test_the_example_asks_only_for_what_its_shop_has(example: Path) -> None:
    scenario = read_scenario(example)
    shop = (example.parent / "shop.py").read_text(encoding="utf-8")
    for user_class in scenario.user_classes:
        for request in user_class.requests:
            route = request.path.partition("?")[0]
            route = "/products/{number:int}" if route.startswith("/products/") else route
            assert f'Route("{route}"' in shop
    assert scenario.profile.peak_users == 1000
    assert scenario.profile.duration_s == 600


@pytest.mark.parametrize("text", [SMALLEST, EVERYTHING])
def test_the_schema_for_editors_takes_what_the_reader_takes(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema("scenario"))
    jsonschema.validate(yaml.safe_load(text), json_schema("scenario"))


def test_the_schema_for_editors_takes_the_example_and_marks_unknown_fields(example: Path) -> None:
    document = yaml.safe_load(example.read_text(encoding="utf-8"))
    jsonschema.validate(document, json_schema("scenario"))
    with pytest.raises(jsonschema.ValidationError, match="protocl"):
        jsonschema.validate(document | {"protocl": "http"}, json_schema("scenario"))


def _read_text(text: str, *, users: int, duration_s: int) -> Scenario:
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        return read_scenario(file.name, users=users, duration_s=duration_s)
