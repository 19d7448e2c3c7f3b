"""Scenarios that name a locustfile: what is read of it, and what is refused before it is run."""

from __future__ import annotations

import os
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
from engine.readers.program.locustfile_check import UnplayableLocustfileError, check_locustfile
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
        (
            "return self.runner.stats.total",
            (
                "its shape cannot be quoted: own.py:8: the shape asks for self.runner.stats, which "
                "there is only while load is on; a shape is quoted by asking it, before any load,"
            ),
        ),
        (
            "return (1, 1) if __import__('time').time() < 2**40 else None",
            "for more than 8 days; it goes by time.time(), which stands still; a shape is quoted",
        ),
        ("1 / 0", "its shape cannot be quoted: own.py:8: ZeroDivisionError: division by zero; a"),
    ],
)
def test_a_shape_that_cannot_be_quoted_is_refused_in_one_line(
    tick: str, line: str, tmp_path: Path
) -> None:
    text = CLASS + f"class Endless(LoadTestShape):\n    def tick(self): {tick}\n"
    with pytest.raises(BadScenarioError, match=r"^[^\n]+$") as refused:
        read(tmp_path, text)
    assert line in refused.value.message


def test_a_shape_may_ask_whether_there_is_more_of_its_runner(tmp_path: Path) -> None:
    tick = "hasattr(self.runner, 'stats') or self.get_run_time() < 60"
    text = CLASS + (
        "from time import perf_counter\nclass Own(LoadTestShape):\n    def tick(self):\n"
        f"        began = perf_counter()\n        return (30, 1) if {tick} else None\n"
    )
    assert estimate(read(tmp_path, text)).load.peak_users == 30


CANNOT_BE_PLAYED = {
    "from locust import LoadTestShape": "own.py: has no user class; write one that is derived",
    "import no_such_module  # LoadTestShape": (
        "it cannot be imported: own.py:1: ModuleNotFoundError: No module named 'no_such_module'"
    ),
}


@pytest.mark.parametrize(("text", "line"), CANNOT_BE_PLAYED.items())
def test_a_file_that_is_asked_for_its_shape_and_has_no_users_is_refused_when_it_is_read(
    text: str, line: str, tmp_path: Path
) -> None:
    with pytest.raises(BadScenarioError, match=r"^[^\n]+$") as refused:
        read(tmp_path, text + "\n")
    assert line in refused.value.message


ENGINE = "{name: locust, locustfile: own.py, files: [kept.py]}"
PREPARED = "{name: locust, locustfile: own.py, prepare: 'pip install what-is-missing'}"


WRONG = [
    ("X = 3", ENGINE, "own.py: has no user class; write one that is derived from locust.User"),
    (
        "from left.out import NAME",
        ENGINE,
        "No module named 'left'; if it is a file of yours, add left.py to load_engine's files:,",
    ),
    ("\nraise ValueError('no\\nluck')", ENGINE, "own.py:2: ValueError: no luck; correct"),
    ("import sys; sys.exit('gone')", ENGINE, "own.py:1: SystemExit: gone; correct"),
    ("import broken", PREPARED.replace("prepare", "files: [broken.py], prepare"), "broken.py:1:"),
]


@pytest.mark.parametrize(("text", "engine", "line"), WRONG)
def test_what_no_injector_could_import_is_refused_before_a_run_in_one_line(
    text: str, engine: str, line: str, tmp_path: Path
) -> None:
    (tmp_path / "kept.py").write_text("NAME = 1\n")
    (tmp_path / "left.py").write_text("NAME = 1\n")
    (tmp_path / "broken.py").write_text("def f(:\n")
    scenario = read(tmp_path, text, engine=engine)
    with pytest.raises(UnplayableLocustfileError, match=r"^load_engine.locustfile: [^\n]+$") as no:
        check_locustfile(scenario.program, os.environ)
    assert line in no.value.message
    assert str(tmp_path) not in no.value.message


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("import socket\nfrom kept import NAME\nraise socket.gaierror('host')\n", ENGINE),
        ("import no_such_module\n", PREPARED),
    ],
)
def test_what_an_injector_may_have_is_left_to_the_run(
    text: str, engine: str, tmp_path: Path
) -> None:
    (tmp_path / "kept.py").write_text("NAME = 1\n")
    check_locustfile(read(tmp_path, text, engine=engine).program, os.environ)
