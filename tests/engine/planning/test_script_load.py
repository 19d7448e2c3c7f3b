"""A script's own load is quoted, or refused; nobody is quoted what is surely not played."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.planning.compare import compare
from engine.planning.estimate import estimate
from engine.planning.script_load import ScriptLoadError
from engine.readers import read_scenario
from engine.scenario import Scenario

JMX = (
    '<jmeterTestPlan><hashTree><ThreadGroup enabled="true">'
    '<intProp name="ThreadGroup.num_threads">40</intProp></ThreadGroup></hashTree></jmeterTestPlan>'
)
K6 = (
    "export const options = {stages: [{duration: '1m', target: 1000}, {duration: '9m', target: 0}]}"
)
SCALA = "class Checkout { setUp(scn.inject(constantConcurrentUsers(40).during(600))) }"
JMETER_ENGINE = "{name: jmeter, plan: shop.jmx}"
K6_ENGINE = "{name: k6, script: shop.js, own_stages: true}"
GATLING_ENGINE = "{name: gatling, simulation: shop.Checkout, files: [Checkout.scala]}"


def read(folder: Path, engine: str, load: str, more: str = "") -> Scenario:
    (folder / "shop.jmx").write_text(JMX)
    (folder / "shop.js").write_text(K6)
    (folder / "Checkout.scala").write_text(SCALA)
    (folder / "computed.js").write_text("export const options = {vus: __ENV.N, duration: '1m'}")
    text = f"name: shop\nload: {load}\nload_engine: {engine}\n{more}"
    (folder / "shop.yaml").write_text(text)
    return read_scenario(folder / "shop.yaml")


@pytest.mark.promise("played-users-are-quoted", command="estimate")
@pytest.mark.parametrize(
    ("engine", "more", "words"),
    [
        (JMETER_ENGINE, "", "shop.jmx plays 40 users on 1 injector whatever it is told, and 10"),
        (JMETER_ENGINE, "injectors: 3", "plays 120 users on 3 injectors whatever it is told"),
        (K6_ENGINE, "", "shop.js (options) plays 1,000 users whatever it is told, and 10 would"),
        (GATLING_ENGINE, "", "Checkout.scala plays 40 users on 1 injector whatever it is told"),
    ],
)
def test_a_script_that_surely_plays_other_users_is_not_quoted(
    engine: str, more: str, words: str, tmp_path: Path
) -> None:
    scenario = read(tmp_path, engine, "{users: 10, duration: 10m}", more)
    with pytest.raises(ScriptLoadError) as refused:
        estimate(scenario)
    assert words in refused.value.line
    assert refused.value.exit_code == 2
    assert refused.value.facts["users"] == 10
    with pytest.raises(ScriptLoadError):
        compare(scenario)


def test_a_script_that_plays_another_length_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ScriptLoadError, match=r"plays for 10m whatever it is told, and 5m would"):
        estimate(read(tmp_path, K6_ENGINE, "{users: 1000, duration: 5m}"))


@pytest.mark.parametrize(
    ("engine", "load"),
    [
        (JMETER_ENGINE, "{users: 40, duration: 10m}"),
        (K6_ENGINE, "{users: 1000, duration: 10m}"),
        (K6_ENGINE, "{users: {stages: [{ramp_to: 1000, over: 1m}, {ramp_to: 0, over: 9m}]}}"),
        (GATLING_ENGINE, "{users: 40, duration: 10m}"),
        ("{name: k6, script: shop.js}", "{users: 10, duration: 5m}"),
    ],
)
def test_a_script_that_is_quoted_as_it_plays_is_quoted(
    engine: str, load: str, tmp_path: Path
) -> None:
    planned = estimate(read(tmp_path, engine, load))
    assert not [each for each in planned.warnings if "is ended" in each]


@pytest.mark.parametrize(
    "engine",
    [
        "{name: k6, script: computed.js, own_stages: true}",
        "{name: gatling, simulation: shop.Checkout}",
    ],
)
def test_a_script_that_may_play_other_users_is_quoted_with_a_warning(
    engine: str, tmp_path: Path
) -> None:
    planned = estimate(read(tmp_path, engine, "{users: 10, duration: 10m}"))
    assert "a run with more than the quoted 10 is ended" in planned.warnings[0]
