"""What a run's load came to, as people, programs and pictures see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.load.driver import LoadResult
from engine.load.logs import InjectorLog, read_logs
from loadmuster import Engine
from tests.engine.load.difficult import target

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

SHOP = """\
name: shop
target: {url}
load: {{users: 6, duration: {load_s}s}}
user_classes:
  - name: asking
    think_time: 0.1s
    requests: [{{path: /}}, {{path: {other}}}]
"""


def run(acme: CommandLine, url: str, *options: str, other: str = "/", load_s: int = 6) -> Any:  # noqa: ANN401 - a document
    file = acme.home / "shop.yaml"
    file.write_text(SHOP.format(url=url, other=other, load_s=load_s))
    answer = acme("run", str(file), "--account", "acme", "--yes", "--json", *options)
    assert answer.json, answer.err
    return answer.json


def test_a_result_tells_its_requests_its_failures_its_series_and_its_logs(
    acme: CommandLine,
) -> None:
    with target() as url:
        ended = run(acme, url, other="/broken")
    result = ended["result"]
    assert "% of the requests failed: HTTP 500" in " ".join(result["warnings"])
    assert result["failed_percent"] == pytest.approx(100 * result["failures"] / result["requests"])
    assert result["failure_kinds"] == [{"kind": "HTTP 500", "count": result["failures"]}]
    assert result["failure_samples"][0]["request"] == "GET /broken"
    assert {row["name"] for row in result["by_request"]} == {"/", "/broken"}
    assert sum(row["requests"] for row in result["by_request"]) == result["requests"]
    assert sum(each["requests"] for each in result["windows"]) == result["requests"]
    assert result["begun"] >= result["requests"] > 20
    assert result["evidence"]["counts"] is False
    assert "its requests failed" in result["evidence"]["reason"]

    shown = acme.here("show", ended["id"]).out
    for said in (
        "failed %",
        "GET /broken",
        "why requests failed",
        "not counted in later estimates",
    ):
        assert said in shown, shown
    assert "\x1b" not in shown

    drawn = acme.here("plot", "run", ended["id"]).out
    assert "users, requests/s by time" in drawn
    assert "failed/s" in drawn
    picture = acme.home / "run.svg"
    assert acme.here("plot", "run", ended["id"], "--by", "times", "--out", str(picture)).code == 0
    assert "95 % within" in picture.read_text(encoding="utf-8")
    series = acme.here("plot", "run", ended["id"], "--json").json
    assert series["windows"] == result["windows"]

    logs = acme.here("logs", ended["id"], "--injector", "0", "--tail", "2", "--json").json["logs"]
    assert [(each["injector"], len(each["lines"])) for each in logs] == [(0, 2)]
    assert "Shutting down" in logs[0]["lines"][-1]
    nobody = acme.here("logs", ended["id"], "--injector", "9")
    assert (nobody.code, nobody.err.count("\n")) == (2, 1)
    assert "injector 9 left none" in nobody.err

    with Engine(f"sqlite:///{acme.database}") as engine:
        kept = engine.runs.show(ended["id"]).run.result
        assert isinstance(kept, LoadResult)
        assert kept.requests == result["requests"]
        assert len(kept.windows) == len(result["windows"])
        (listed,) = engine.runs.list()
        assert isinstance(listed.result, LoadResult)
        assert listed.result.windows == (), "who lists runs reads no tables"
        assert [each.injector for each in engine.runs.logs(ended["id"])] == [None, 0]


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_answers_that_end_after_forty_requests_are_no_valid_result_on_clouds(
    provider: str, acme: CommandLine
) -> None:
    with target(answers=40) as url:
        ended = run(acme, url, "--provider", provider, "--dry-run", "--with-load", load_s=8)
    result = ended["result"]
    assert not result["valid"]
    assert any("the target stopped answering" in each for each in result["invalid_reasons"])
    assert result["requests"] == 40
    assert result["begun"] == 40 + result["unanswered"]
    assert result["unanswered"] > 0
    assert result["longest_wait_s"] > 3
    assert result["windows"][-1]["requests"] == 0
    assert result["evidence"] == {
        "counts": False,
        "reason": "a rehearsal is no evidence of what users take",
    }
    (log,) = acme.here("logs", ended["id"], "--json").json["logs"]
    assert "locust" in json.dumps(log["lines"])


def test_a_run_without_a_series_has_no_picture_and_says_so(acme: CommandLine) -> None:
    ended = run(acme, "http://127.0.0.1:9", "--provider", "aws", "--dry-run", "--speed", "1000")
    refused = acme.here("plot", "run", ended["id"])
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "nothing can be drawn" in refused.err
    silent = acme.here("logs", ended["id"])
    assert (silent.code, silent.err.count("\n")) == (2, 1)
    assert "a rehearsal without load" in silent.err


def test_logs_are_bounded_and_made_harmless(tmp_path: Path) -> None:
    (tmp_path / "worker-3.log").write_bytes(
        b"old\n" * 200_000 + b"\x1b]0;title\x07\x1b[2J" + b"x" * 9_000 + b"\nlast \xff line\n"
    )
    (tmp_path / "worker-x.log").write_text("not ours")
    (log,) = read_logs(tmp_path, tail=2)
    assert isinstance(log, InjectorLog)
    assert log.injector == 3
    first, last = log.lines
    assert first.isprintable()
    assert len(first) <= 500
    assert last.startswith("last")
    assert len(read_logs(tmp_path, tail=10**9)[0].lines) <= 5_000
    assert read_logs(tmp_path, injector=4) == []
