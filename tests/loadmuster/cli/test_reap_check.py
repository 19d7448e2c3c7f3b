"""``reap --check``, ``doctor`` and ``serve``: a reaper that does not run raises an alarm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from engine.runs.model.states import Run, RunState
from engine.runs.reaper.heartbeats import record
from engine.runs.reaper.reaper import ReapedRegion, Round
from tests.loadmuster.cli.test_serve_commands import CHECKOUT, make_real, refused

if TYPE_CHECKING:
    from tests.command_line import Answer
    from tests.loadmuster.cli.conftest import CommandLine


@pytest.fixture
def begun(acme: CommandLine) -> Run:
    """A run that began on the real AWS two hours ago, in us-east-1."""
    engine = Engine(f"sqlite:///{acme.database}")
    run = engine.runs.accept(read_scenario(CHECKOUT), account="acme", provider="aws", dry_run=True)
    engine.close()
    make_real(acme, run, begun_at=datetime.now(UTC) - timedelta(hours=2))
    return run


def look(acme: CommandLine, ago: timedelta) -> None:
    """A reaper has looked there, and it worked."""
    engine = Engine(f"sqlite:///{acme.database}")
    with engine._context.transaction() as conn:
        record(conn, Round(ReapedRegion("aws", ("us-east-1",)), datetime.now(UTC) - ago, ()))
    engine.close()


def place(answer: Answer) -> dict[str, Any]:
    (found,) = answer.json["places"]
    assert isinstance(found, dict)
    return found


@pytest.mark.usefixtures("begun")
def test_a_reaper_that_never_ran_ends_the_check_with_3_and_the_numbers(acme: CommandLine) -> None:
    answer = acme.here("reap", "--check", "--json")
    refused(answer, 3, "aws us-east-1", "2h", "30m at most", "loadmuster serve")
    error = answer.json["error"]
    assert (error["code"], error["places"]) == ("reaper_overdue", 1)
    assert (error["provider"], error["region"]) == ("aws", "us-east-1")
    assert (error["age_s"] // 60, error["max_age_s"]) == (120, 1800)
    assert (place(answer)["last_reap_at"], place(answer)["overdue"]) == (None, True)
    shown = acme.here("reap", "--check")
    assert shown.code == 3
    assert "never" in shown.out
    assert "overdue" in shown.out


@pytest.mark.usefixtures("begun")
def test_a_reaper_that_looked_in_time_passes_the_check_until_its_look_is_too_old(
    acme: CommandLine,
) -> None:
    look(acme, timedelta(minutes=29))
    fine = acme.here("reap", "--check", "--json")
    assert (fine.code, fine.err) == (0, "")
    assert "error" not in fine.json
    assert (place(fine)["age_s"] // 60, place(fine)["overdue"]) == (29, False)
    assert place(fine)["last_reap_at"] is not None
    strict = acme.here("reap", "--check", "--max-age", "28m", "--json")
    refused(strict, 3, "28m at most")
    later = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    assert acme.here("--now", later, "reap", "--check").code == 3


def test_a_run_that_has_ended_is_looked_after_for_a_week(acme: CommandLine, begun: Run) -> None:
    now = datetime.now(UTC)
    make_real(acme, begun, now - timedelta(hours=2), state=RunState.ENDED, ended_at=now)
    assert acme.here("reap", "--check").code == 3
    for days, code in ((6, 3), (8, 0)):
        later = (now + timedelta(days=days)).isoformat()
        assert acme.here("--now", later, "reap", "--check").code == code


def test_where_no_run_was_on_a_cloud_nothing_is_waited_for(acme: CommandLine) -> None:
    acme.here("run", CHECKOUT, "--account", "acme", "--queue")
    answer = acme.here("reap", "--check", "--json")
    assert (answer.code, answer.json) == (0, {"max_age_s": 1800, "places": []})
    assert "no reaper is needed" in acme.here("reap", "--check").out


@pytest.mark.usefixtures("begun")
def test_a_check_can_be_of_one_cloud(acme: CommandLine) -> None:
    assert acme.here("reap", "--check", "--provider", "azure").code == 0
    assert acme.here("reap", "--check", "--provider", "aws").code == 3


@pytest.mark.usefixtures("begun")
def test_the_doctor_says_that_no_reaper_has_looked_and_runs_can_work_all_the_same(
    acme: CommandLine,
) -> None:
    def reaper() -> dict[str, Any]:
        answer = acme.here("doctor", "--provider", "local", "--json")
        assert answer.code == 0
        (found,) = [each for each in answer.json["findings"] if each["what"] == "reaper"]
        assert isinstance(found, dict)
        return found

    missed = reaper()
    assert missed["grade"] == "unknown"
    assert "aws us-east-1 for 2h" in missed["said"]
    assert "loadmuster serve" in missed["remedy"]
    look(acme, timedelta(minutes=5))
    assert reaper()["grade"] == "ok"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--check", "--yes"), "--yes"),
        (("--check", "--provider", "aws", "--region", "us-east-1"), "--region"),
        (("--check", "--max-age", "soon"), "--max-age"),
    ],
)
def test_a_check_that_makes_no_sense_is_bad_input(
    acme: CommandLine, arguments: tuple[str, ...], word: str
) -> None:
    refused(acme.here("reap", *arguments), 2, word)
