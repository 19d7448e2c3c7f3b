"""What is seen in scripts of the load that they play of their own, and what is left open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.readers.program.scripts.gatling_source import simulation_load
from engine.readers.program.scripts.jmeter_plan import plan_load
from engine.readers.program.scripts.js_literals import read_literal
from engine.readers.program.scripts.k6_options import options_load


def plan(*groups: str, before: str = "") -> bytes:
    inside = "".join(f"{each}<hashTree/>" for each in groups)
    return (
        f'<?xml version="1.0"?><jmeterTestPlan><hashTree><TestPlan testname="shop">{before}'
        f"</TestPlan><hashTree>{inside}</hashTree></hashTree></jmeterTestPlan>"
    ).encode()


def group(threads: str, kind: str = "ThreadGroup", enabled: str = "true", tag: str = "") -> str:
    name = tag or "ThreadGroup.num_threads"
    return f'<{kind} enabled="{enabled}"><stringProp name="{name}">{threads}</stringProp></{kind}>'


ARGUMENT = (
    '<elementProp name="T" elementType="Argument"><stringProp name="Argument.name">T</stringProp>'
    '<stringProp name="Argument.value">{}</stringProp></elementProp>'
)
ONE_BY_ONE = '<boolProp name="TestPlan.serialize_threadgroups">true</boolProp>'
CONCURRENCY = "com.blazemeter.jmeter.threads.concurrency.ConcurrencyThreadGroup"


@pytest.mark.parametrize(
    "groups",
    [
        (group("${__P(users)}"),),
        (group(" ${__P(users,10)} "),),
        (group("${__property(users,,10)}"),),
        (group("${__P(users)}"), group("40", enabled="false"), group("2", "SetupThreadGroup")),
        (group("${__P(users)}", CONCURRENCY, tag="TargetLevel"),),
    ],
)
def test_a_plan_that_takes_the_users_it_is_told_has_no_load_of_its_own(
    groups: tuple[str, ...],
) -> None:
    assert plan_load("shop.jmx", plan(*groups)) is None
    named = plan(group("${T}"), before=ARGUMENT.format("${__P(users,10)}"))
    assert plan_load("shop.jmx", named) is None


@pytest.mark.parametrize(
    ("content", "users", "told"),
    [
        (plan(group("40")), 40, 0),
        (plan(group("40"), group("2")), 42, 0),
        (plan(group("${__P(threads,40)}")), 40, 0),
        (plan(group("${__P(threads)}")), 1, 0),
        (plan(group("${T}"), before=ARGUMENT.format("40")), 40, 0),
        (plan(group("${__P(users)}"), group("${__P(users)}")), 0, 2),
        (plan(group("${__P(users)}"), group("5")), 5, 1),
        (plan(group("40"), group("30"), before=ONE_BY_ONE), 40, 0),
        (plan(group("40", CONCURRENCY, tag="TargetLevel")), 40, 0),
        (plan(), 0, 0),
    ],
)
def test_a_plan_s_own_threads_are_counted_on_every_injector(
    content: bytes, users: int, told: int
) -> None:
    found = plan_load("shop.jmx", content)
    assert found is not None
    assert (found.users, found.told) == (users, told)
    assert found.users_on(3, 10) == told * 10 + users * 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"/ 40",
        b"<a><b></a>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        plan(group("${__javaScript(4*10)}")),
        plan(group("${T}"), before=ARGUMENT.format("${T}")),
        plan(group("1", "kg.apc.jmeter.threads.UltimateThreadGroup", tag="rows")),
        plan(group("40"), group("${UNSAID}")),
    ],
)
def test_a_plan_that_only_jmeter_understands_is_left_open(content: bytes) -> None:
    found = plan_load("shop.jmx", content)
    assert found is not None
    assert found.users is None
    assert found.users_on(1, 10) is None


SCENARIOS = """export const options = { scenarios: {
  browse: { executor: 'ramping-vus', startVUs: 0, gracefulRampDown: '0s', exec: 'browse',
            stages: [{duration: '10s', target: 20}, {duration: '0s', target: 5},
                     {duration: '10s', target: 5}] },
  "buy":  { executor: "constant-vus", vus: 7, duration: `10s`, startTime: "20s" } } };"""


@pytest.mark.parametrize(
    ("script", "users", "duration_s"),
    [
        (
            (
                "export const options = { stages: [ // up\n"
                " {duration: '1m', target: 1_000},"
                "{duration: '9m', target: 1000,},], thresholds: {a: [b + c, d(1)]}, };\n"
                "export default"
            ),
            1000,
            600,
        ),
        ("export let options = {vus: 10, duration: '1m30s'}\nexport default", 10, 90),
        ("module.exports.options = {'vus': 10, 'duration': 1500};", 10, 1.5),
        ("// export const options = {vus: 1}\nexport const options={vus:3,iterations:9}", 3, None),
        (SCENARIOS, 20, 30),
        (SCENARIOS.replace("'20s'", "'0s'").replace('"20s"', '"5s"'), 27, 20),
    ],
)
def test_k6_s_literal_options_say_users_and_length(
    script: str, users: int, duration_s: float | None
) -> None:
    found = options_load("shop.js", script.encode())
    assert (found.users, found.duration_s) == (users, duration_s)
    assert found.users_on(3, 10) == users, "its injectors share them"


def test_k6_s_arrivals_have_at_most_the_users_that_are_allowed() -> None:
    script = b"""export const options = {scenarios: {a: {executor: 'constant-arrival-rate',
        rate: 10, timeUnit: '1s', duration: '5s', preAllocatedVUs: 3, maxVUs: 9}}}"""
    found = options_load("shop.js", script)
    assert (found.users, found.users_most, found.duration_s) == (None, 9, 5)


@pytest.mark.parametrize(
    "script",
    [
        "",
        "export { options } from './other.js'",
        "export const options = load('options.json')",
        "export const options = {vus: __ENV.VUS || 10, duration: '1m'}",
        "export const options = {...common, vus: 3, duration: '1m'}",
        "export const options = {vus: 3, duration: '1 minute'}",
        "export const options = {stages: [{duration: '1m', target: 3}, ...more]}",
        "export const options = {stages: 7}",
        "export const options = {scenarios: {a: {executor: 'externally-controlled'}}}",
        "export const options = {scenarios: {a: shared}}",
        "export const options = {vus: -3, duration: '1m'}",
        "export const options = {vus: 3, duration: '1m'",
    ],
)
def test_k6_s_options_that_are_computed_are_left_open(script: str) -> None:
    found = options_load("shop.js", script.encode())
    if script.endswith("}"):
        assert (found.users, found.users_most, found.duration_s) == (None, None, None)


@given(st.text(alphabet="{}[]()'\"`,:;./*\\\n ab1", max_size=60))
def test_reading_a_script_ends_whatever_is_in_it(text: str) -> None:
    read_literal(text, 0)
    options_load("shop.js", b"export const options = " + text.encode())


@pytest.mark.parametrize(
    ("source", "users"),
    [
        ("setUp(scn.injectClosed(constantConcurrentUsers(40).during(10)))", 40),
        (("setUp(scn.inject(rampConcurrentUsers(10).to(30).during(5), "
         "constantConcurrentUsers(30).during(5)))"), 30),
        ("setUp(scn.inject(atOnceUsers(25)))", 25),
        ("setUp(scn.inject(atOnceUsers(25), rampUsers(5).during(3)))", None),
        ("setUp(scn.inject(constantUsersPerSec(5) during 3))", None),
        ("setUp(a.inject(atOnceUsers(2)), b.inject(atOnceUsers(2)))", None),
        ("setUp(scn.inject(atOnceUsers(n)))", None),
    ],
)  # fmt: skip
def test_gatling_s_source_says_what_it_injects(source: str, users: int | None) -> None:
    text = f"package shop\n// atOnceUsers(7)\nclass Checkout extends Simulation {{ {source} }}"
    found = simulation_load("shop.Checkout", {"a/Checkout.scala": text.encode(), "B.java": b""})
    assert found is not None
    assert found.where == "a/Checkout.scala"
    assert found.users == users
    if users is not None:
        assert found.users_on(2, 10) == 2 * users


def test_gatling_s_source_that_asks_for_its_users_plays_what_it_is_told() -> None:
    text = b'class Checkout { int n = Integer.getInteger("users"); inject(atOnceUsers(n)) }'
    assert simulation_load("shop.Checkout", {"Checkout.java": text}) is None
    without = simulation_load("shop.Checkout", {})
    assert without is not None
    assert without.users is None
