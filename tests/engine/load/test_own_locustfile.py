"""Locustfiles of people's own, played by injectors in processes as they would be by Locust."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from engine.load.driver import InjectorGroup, LoadPhase, LoadResult, LoadTask
from engine.load.sliced.driver import SlicedDriver
from engine.readers import read_scenario
from engine.readers.program.bundle import pack
from kernel.child_environment import child_environment
from providers.local.objects import FolderObjects
from tests.engine.load.injectors import Injectors
from tests.patience import PATIENCE_S

EXAMPLES = Path(__file__).parents[3] / "examples"
HEAD = "from locust import *\nimport os, sys, time\n"
USER = """
    class Visitor(User):
        wait_time = constant(0.2)
        @task
        def visit(self):
            self.environment.events.request.fire(request_type="X", name="visit",
                response_time=1, response_length=0, context={}, exception=None)
"""
LOAD = "{users: 6, duration: 4s}"


class Target:
    """A server that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                asked[self.path] += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.server.shutdown()
    made.server.server_close()


Prepare = Callable[..., Injectors]


@pytest.fixture
def prepare(tmp_path: Path, target: Target) -> Iterator[Prepare]:
    """A load that plays a locustfile, with settings around it that are for something else."""
    made: list[Injectors] = []

    def prepared(
        text: str,
        load: str = LOAD,
        machines: int = 1,
        cores: int = 1,
        files: str = "",
        source: Path | None = None,
    ) -> Injectors:
        folder = tmp_path / "scenario"
        folder.mkdir(exist_ok=True)
        (folder / "locustfile.py").write_text(HEAD + dedent(text) if source is None else text)
        (folder / "locust.conf").write_text("run-time = 1s\ntags = none-such\nusers = 99\n")
        (folder / "scenario.yaml").write_text(
            f"name: own\ntarget: {target.url}\nload: {load}\n"
            f"load_engine: {{name: locust, locustfile: locustfile.py, files: [{files}]}}\n"
        )
        scenario = read_scenario(folder / "scenario.yaml")
        users = scenario.profile.peak_users
        assert users is not None
        lifetime_s = scenario.profile.duration_s + PATIENCE_S
        groups = (InjectorGroup(machines, users),)
        task = LoadTask("r1", scenario, groups, tmp_path / "r1", lifetime_s=lifetime_s)
        assert scenario.program is not None
        bundles = {scenario.program.bundle_key: pack(scenario.program)}.get
        driver = SlicedDriver(FolderObjects(tmp_path / "objects"), bundles, grace_s=20.0)
        home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        made.append(Injectors(driver, task, cores, child_environment(home)))
        return made[-1]

    yield prepared
    for each in made:
        each.end()


def played(load: Injectors) -> LoadResult:
    load.boot()
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.DONE, progress
    assert result is not None
    return result


def failed(load: Injectors) -> str:
    load.boot()
    progress, result = load.until_over()
    assert progress.phase is LoadPhase.FAILED, progress
    assert result is None or not result.valid
    return progress.message


CLASSES = """
    from helper import PATH
    MARK = open("data/mark.txt").read().strip()     # beside the locustfile, as when it is imported

    @events.test_start.add_listener
    def begin(environment, **_):
        environment.seen = open("data/mark.txt").read()
        assert environment.runner.user_count == 0

    class Common(HttpUser):
        abstract = True
        wait_time = constant(0.3)

    class Fixed(Common):
        fixed_count = 1
        @task
        def visit(self): self.client.get("/fixed")

    class Light(Common):
        weight = 1
        def on_start(self): self.client.get("/light-start")
        @task
        def visit(self): self.client.get("/light")

    class Heavy(FastHttpUser):
        weight = 3
        wait_time = constant(0.3)
        def on_start(self): self.client.get("/heavy-start")
        def on_stop(self): self.client.get("/stop")
        @tag("none-of-the-conf")
        @task
        def visit(self): self.client.get(PATH + MARK)
"""


@pytest.mark.early
def test_users_weights_and_fixed_counts_are_those_of_one_locust_over_all_injectors(
    prepare: Prepare, target: Target, tmp_path: Path
) -> None:
    folder = tmp_path / "scenario"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "mark.txt").write_text("-7\n")
    (folder / "helper.py").write_text("PATH = '/heavy'\n")
    # A module of the user's that has the name of one of ours.
    (folder / "http_users.py").write_text("raise SystemExit('not asked for')\n")
    files = "data/, helper.py, http_users.py, locust.conf"
    load = prepare(CLASSES, load="{users: 9, duration: 5s}", machines=2, cores=2, files=files)
    result = played(load)
    assert result.valid, result.invalid_reasons
    assert result.warnings == ()
    assert result.completed
    assert result.peak_users == 9
    assert result.failures == 0
    asked = target.asked
    assert (asked["/light-start"], asked["/heavy-start"]) == (2, 6), asked
    assert asked["/fixed"] > 3
    assert asked["/heavy-7"] > asked["/light"] > 3
    assert asked["/stop"] == 6, "every user that began has stopped"
    assert [injector.requests > 0 for injector in result.injectors] == [True, True]


SHAPE = """
    class Steps(LoadTestShape):
        def tick(self):
            at_s = self.get_run_time()
            if at_s < 2: return 2, 2
            if at_s < 5: return 8, 100
            return None
"""


@pytest.mark.early
def test_a_shape_in_the_file_is_what_is_played(prepare: Prepare) -> None:
    load = prepare(USER + SHAPE, load="{users: 8, duration: 5s}", machines=2)
    program = load.task.scenario.program
    assert program is not None
    assert program.own_profile
    result = played(load)
    assert result.valid, result.invalid_reasons
    assert result.peak_users == 8
    objects = FolderObjects(load.task.folder.parent / "objects")
    users: Counter[int] = Counter()
    for key in objects.keys("runs/r1/in/report-"):
        for at_s, count in json.loads(objects.get(key) or b"")["users"]:
            users[at_s] = users[at_s] + count
    assert max(count for at_s, count in users.items() if at_s < 2) <= 2, users


def test_nothing_listens_while_a_locustfile_is_played(prepare: Prepare) -> None:
    load = prepare(USER)
    load.boot()
    load.until(lambda now: now.users > 0)
    (injector,) = load.processes
    tree = [psutil.Process(injector.pid), *psutil.Process(injector.pid).children(recursive=True)]
    listening = [each for one in tree for each in one.net_connections() if each.status == "LISTEN"]
    assert listening == []
    load.until_over()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import no_such_module", "locustfile.py:3: ModuleNotFoundError: No module named"),
        ("X = 3", "locustfile.py: has no user class; write one that is derived from locust.User"),
        (
            "def f():\n    raise ValueError('no\\nluck')\n@events.init.add_listener\n"
            "def g(**_): f()\n" + dedent(USER),
            "locustfile.py:4: ValueError: no luck",
        ),
        ("sys.exit('gone')", "locustfile.py:3: SystemExit: gone"),
    ],
)  # fmt: skip
def test_a_locustfile_that_cannot_be_played_says_where_in_one_line(
    text: str, message: str, prepare: Prepare
) -> None:
    said = failed(prepare(text, cores=2))
    assert said.count(message) == 1
    assert "\n" not in said


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("self.environment.runner.quit()", "locustfile.py ended the load itself after"),
        ("sys.exit(3)", "locustfile.py ended its process after"),
    ],
)
def test_a_locustfile_that_ends_the_load_itself_is_said_to(
    task: str, message: str, prepare: Prepare
) -> None:
    text = (
        USER
        + f"""
        @task
        def leave(self):
            time.sleep(0.5)
            {task}
    """
    )
    began_s = time.monotonic()
    assert message in failed(prepare(text, load="{users: 2, duration: 300s}"))
    assert time.monotonic() - began_s < PATIENCE_S


def test_errors_of_listeners_and_tasks_and_a_status_of_its_own_are_findings(
    prepare: Prepare,
) -> None:
    text = (
        USER
        + """
        @task
        def stumble(self): raise KeyError("cart")

    @events.request.add_listener
    def count(**_): 1 / 0

    @events.quitting.add_listener
    def judge(environment, **_): environment.process_exit_code = 7
    """
    )
    result = played(prepare(text))
    assert result.valid, result.invalid_reasons
    assert result.requests > 3
    said = "\n".join(result.warnings)
    assert "a listener failed: locustfile.py:" in said
    assert "ZeroDivisionError: division by zero" in said
    assert """a user raised "'cart'" (""" in said
    assert "it ended with exit code 7" in said
