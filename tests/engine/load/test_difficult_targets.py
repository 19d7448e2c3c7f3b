"""Targets that do not answer as planned: every way of playing a load says so, and why."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.load.driver import InjectorGroup, LoadResult, LoadTask
from engine.load.locust import LocustDriver
from engine.load.sliced.driver import SlicedDriver
from engine.readers import read_scenario
from engine.readers.program.bundle import pack
from engine.scenario import Protocol, Request, Scenario, UserClass
from engine.scenario.profile import closed
from providers.local.objects import FolderObjects
from tests.engine.load.difficult import target
from tests.engine.load.injectors import Injectors
from tests.patience import PATIENCE_S

USERS = 10
SILENT = re.compile(r"the target stopped answering: \d+ of 50 requests had no answer when the load")
NONE_ANSWERED = re.compile(r"no request was answered: \d+ were begun, and the longest waited for")
CURL = """\
load_engine:
  name: custom
  prepare: echo timeStamp,elapsed,success,label,responseCode > samples.csv
  results: samples.csv
  command: |
    while :; do
      curl --silent --output /dev/null --write-out '%{http_code},%{exitcode},%{time_total}\\n' \\
        "$LOADMUSTER_TARGET/page" > answer
      awk -v now="$(date +%s)" -F, '{
        why = $2 == 7 ? "connection refused" : "curl " $2
        if ($1 + 0) why = $1
        print now "000", int($3 * 1000), $1 == 200 ? "true" : "false", "page", why
      }' OFS=, answer >> samples.csv
      sleep 0.05
    done
"""

Play = Callable[..., LoadResult]


def said(result: LoadResult) -> str:
    """Why the result is not valid, but for what a busy machine adds."""
    assert not result.valid
    (reason,) = (each for each in result.invalid_reasons if not each.startswith("injector"))
    return reason


def scenario_of(url: str, paths: tuple[str, ...], load_s: float, locust_user: str) -> Scenario:
    requests = tuple(Request(path) for path in paths)
    users = UserClass("asking", think_time_s=(0.1, 0.2), requests=requests)
    profile = closed([(0, USERS), (load_s, USERS)])
    return Scenario("t", Protocol.HTTP, profile, "yaml", url, (users,), locust_user=locust_user)


def master_and_workers(task: LoadTask) -> LoadResult | None:
    """As on this computer."""
    driver = LocustDriver()
    commands = [command for machine in driver.prepare(task).commands for command in machine]
    processes = [
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        for process in processes:
            process.wait(timeout=PATIENCE_S)
    finally:
        for process in processes:
            process.kill()
            process.wait(timeout=PATIENCE_S)
    return driver.result(task)


def slices(task: LoadTask) -> LoadResult | None:
    """As on a cloud's machines."""
    load = Injectors(SlicedDriver(FolderObjects(task.folder / "objects"), grace_s=20.0), task)
    load.boot()
    try:
        _, result = load.until_over()
    finally:
        load.end()
    return result


@pytest.fixture
def play(tmp_path: Path) -> Play:
    def played(
        way: Callable[[LoadTask], LoadResult | None],
        url: str,
        *paths: str,
        load_s: float = 3.0,
        locust_user: str = "FastHttpUser",
    ) -> LoadResult:
        scenario = scenario_of(url, paths or ("/",), load_s, locust_user)
        groups = (InjectorGroup(1, USERS),)
        result = way(LoadTask("r1", scenario, groups, tmp_path / "r1", lifetime_s=PATIENCE_S))
        assert result is not None
        assert result.completed
        assert sum(window.requests for window in result.windows) == result.requests
        assert sum(row.requests for row in result.by_request) == result.requests
        assert sum(row.failures for row in result.by_request) == result.failures
        assert sum(kind.count for kind in result.failure_kinds) == result.failures
        return result

    return played


@pytest.fixture
def dead_port() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.promise("silent-target-is-invalid", command="run", provider=("local", "aws", "azure"))
@pytest.mark.parametrize("way", [master_and_workers, slices])
def test_answers_that_end_after_forty_requests_are_no_valid_result(
    way: Callable[[LoadTask], LoadResult | None], play: Play
) -> None:
    with target(answers=40) as url:
        result = play(way, url, load_s=6.0)
    assert SILENT.match(said(result))
    assert (result.requests, result.failures) == (40, 0)
    assert (result.begun, result.unanswered) == (50, 10)
    assert result.longest_wait_s is not None
    assert 3 < result.longest_wait_s < 7
    # The collapse shows window by window: as many users, the same plan, and no answers.
    last = result.windows[-1]
    assert (last.users, last.requests) == (USERS, 0)
    assert (last.planned_requests_per_s or 0) > 50
    assert result.planned_requests_per_s is not None
    assert result.requests_per_s < result.planned_requests_per_s / 5


@pytest.mark.promise("silent-target-is-invalid", command="run", provider="local")
def test_a_target_that_never_answers_was_asked_all_the_same(play: Play) -> None:
    with target(answers=0) as url:
        result = play(master_and_workers, url)
    assert NONE_ANSWERED.match(said(result))
    assert result.requests == 0
    assert result.begun == result.unanswered
    assert result.begun is not None
    assert result.begun > USERS / 2, "on a busy machine some come late"


def test_a_certificate_that_nobody_trusts_is_named(play: Play, tmp_path: Path) -> None:
    with target(tls=tmp_path) as url:
        result = play(slices, url, locust_user="HttpUser")
    assert "every request failed (TLS certificate verify failed)" in said(result)
    assert "certificate verify failed: self-signed" in result.failure_samples[0].text


def test_answers_with_errors_are_named_with_the_first_of_their_bodies(play: Play) -> None:
    with target() as url:
        result = play(master_and_workers, url, "/", "/broken", "/missing")
    assert {each.kind for each in result.failure_kinds} == {"HTTP 500", "HTTP 404"}
    (warning,) = (each for each in result.warnings if "of the requests failed: HTTP" in each)
    if result.valid:
        assert result.verdict == f"valid, but {warning}"
    first = result.failure_samples[0]
    assert first.request in {"GET /broken", "GET /missing"}
    assert first.text == 'database "orders" is away [31m for good', "no byte that a terminal obeys"
    rows = {row.name: row for row in result.by_request}
    assert rows["/"].failures == 0
    assert rows["/broken"].failures == rows["/broken"].requests > 0
    assert rows["/broken"].p50_ms is not None


@pytest.mark.parametrize(
    ("answers", "load_s", "reasons"),
    [
        # On a busy machine it takes a while until enough were answered.
        (24, 16, ("the target stopped answering: from", "were answered as before")),
        (None, 4, ("every request failed (connection refused)",)),
    ],
    ids=["stops", "dead port"],
)
def test_a_program_s_samples_say_what_they_can(
    answers: int | None, load_s: int, reasons: tuple[str, ...], dead_port: str, tmp_path: Path
) -> None:
    with target(answers=answers) as url:
        text = f"name: t\ntarget: {dead_port if answers is None else url}\n"
        (tmp_path / "s.yaml").write_text(f"{text}load: {{users: 1, duration: {load_s}s}}\n{CURL}")
        scenario = read_scenario(tmp_path / "s.yaml")
        assert scenario.program is not None
        bundles = {scenario.program.bundle_key: pack(scenario.program)}.get
        task = LoadTask(
            "r1", scenario, (InjectorGroup(1, 1),), tmp_path / "r1", lifetime_s=PATIENCE_S
        )
        load = Injectors(SlicedDriver(FolderObjects(tmp_path / "o"), bundles, grace_s=20.0), task)
        load.boot()
        try:
            _, result = load.until_over()
        finally:
            load.end()
    assert result is not None
    assert all(each in said(result) for each in reasons)
    assert (result.begun, result.unanswered, result.longest_wait_s) == (None, None, None)
    assert "of those without an answer they do not tell" in result.unknown[0]
    assert sum(row.requests for row in result.by_request) == result.requests
    if answers is None:
        assert [each.kind for each in result.failure_kinds] == ["connection refused"]
