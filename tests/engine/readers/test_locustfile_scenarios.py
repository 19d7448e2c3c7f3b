"""Scenarios that name a locustfile: what is read of it, and what is refused before it is run."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from engine.calibrating.session import check_users_can_be_held
from engine.load.checks import check_runnable
from engine.load.driver import UnrunnableScenarioError
from engine.planning.estimate import estimate
from engine.planning.script_load import ScriptLoadError
from engine.readers import read_scenario
from engine.readers.parsing.errors import BadScenarioError
from engine.scenario import Scenario

EXAMPLES = Path(__file__).parents[3] / "examples"
CLASS = """
from locust import HttpUser, LoadTestShape, task
class Visitor(HttpUser):
    host = "http://127.0.0.1:8080"
    @task
    def visit(self): self.client.get("/")
"""


def read(
    folder: Path,
    text: str,
    load: str = "{users: 30, duration: 60s}",
    more: str = "",
    engine: str = "{name: locust, locustfile: own.py}",
) -> Scenario:
    (folder / "own.py").write_text(dedent(text))
    (folder / "own.yaml").write_text(f"name: own\nload: {load}\nload_engine: {engine}\n{more}")
    return read_scenario(folder / "own.yaml")


def test_the_example_is_a_program_of_locust_that_can_be_estimated() -> None:
    scenario = read_scenario(EXAMPLES / "own-users.yaml")
    check_runnable(scenario)
    assert scenario.load_engine == "locust"
    assert scenario.program is not None
    assert (scenario.program.kind, scenario.program.main) == ("locust", "locustfile.py")
    assert not scenario.program.own_profile
    assert estimate(scenario).load.peak_users == 20


def test_the_host_is_the_scenario_s_or_else_that_of_the_classes(tmp_path: Path) -> None:
    assert read(tmp_path, CLASS).target == "http://127.0.0.1:8080"
    said = read(tmp_path, CLASS, more="target: http://127.0.0.1:9\n")
    assert said.target == "http://127.0.0.1:9"
    two = CLASS + 'class Other(HttpUser):\n    host: str = "http://127.0.0.1:1"\n'
    assert read(tmp_path, two).target is None
    with pytest.raises(UnrunnableScenarioError, match="target: the scenario does not say what"):
        check_runnable(read(tmp_path, two))


@pytest.mark.parametrize(
    ("engine", "line"),
    [
        ("{name: locust, locustfile: none.py}", "load_engine.locustfile: there is no 'none.py'"),
        ("{name: locust, locustfile: own.yaml}", "'own.yaml' is no Python file; its name ends"),
        ("{name: locust, files: [own.py]}", "files and prepare are a locustfile's; name it in"),
        ("{name: locust, locustfile: own.py, user: HttpUser}", "leave user or it out"),
    ],
)
def test_what_is_wrong_with_the_entry_is_one_line(engine: str, line: str, tmp_path: Path) -> None:
    with pytest.raises(BadScenarioError, match=r"^[^\n]+$") as refused:
        read(tmp_path, CLASS, engine=engine)
    assert line in refused.value.message


def test_a_syntax_error_is_one_line_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(BadScenarioError, match=r"^[^\n]+$") as refused:
        read(tmp_path, "import locust\nclass X(:\n    pass\n")
    assert "own.py:2: SyntaxError: invalid syntax; correct the locustfile" in refused.value.message


def test_users_of_the_scenario_beside_a_locustfile_are_refused(tmp_path: Path) -> None:
    more = "user_classes: [{name: a, requests: [{path: /}]}]\n"
    with pytest.raises(UnrunnableScenarioError, match="user_classes: the locustfile says what"):
        check_runnable(read(tmp_path, CLASS, more=more))


STEPS = """
print("noise on standard output")
class Steps(LoadTestShape):
    stages = [(20, 10), (40, 30), (60, 5)]
    def tick(self):
        for until_s, users in self.stages:
            if self.get_run_time() < until_s:
                return users, 100
        return None
"""


@pytest.mark.promise("own-locustfile-is-played", command="estimate")
def test_a_shape_is_quoted_as_it_is_played_or_refused(tmp_path: Path) -> None:
    scenario = read(tmp_path, CLASS + STEPS)
    assert scenario.program is not None
    assert scenario.program.own_profile
    assert estimate(scenario).load.peak_users == 30
    with pytest.raises(UnrunnableScenarioError, match="a shape"):
        check_users_can_be_held(scenario)
    with pytest.raises(ScriptLoadError, match=r"own.py \(shape\) plays 30 users whatever"):
        estimate(read(tmp_path, CLASS + STEPS, load="{users: 10, duration: 60s}"))
    with pytest.raises(ScriptLoadError, match=r"plays for 1m whatever it is told, and 5m would"):
        estimate(read(tmp_path, CLASS + STEPS, load="{users: 30, duration: 5m}"))


@pytest.mark.parametrize(
    ("tick", "line"),
    [
        ("return 1, 1", "its shape wants users for more than 8 days"),
        ("return self.runner.stats.total", "own.py:8: AttributeError: '_Runner' object has no"),
    ],
)
def test_a_shape_that_cannot_be_quoted_is_refused_in_one_line(
    tick: str, line: str, tmp_path: Path
) -> None:
    text = CLASS + f"class Endless(LoadTestShape):\n    def tick(self): {tick}\n"
    with pytest.raises(BadScenarioError, match=r"^[^\n]+$") as refused:
        read(tmp_path, text)
    assert line in refused.value.message
