"""``loadmuster calibrate`` with real load engines on a target here, and estimates after it."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import heavy_users
from engine.calibrating import session
from engine.calibrating.calibration import Calibration
from engine.calibrating.folder import check_can_keep
from engine.calibrating.place import CalibrationFilesError
from engine.readers import read_scenario
from tests.engine.calibrating.injectors import PaperInjector
from tests.engine.load.difficult import target as silent_after
from tests.kills.calibrations import counting_target

if TYPE_CHECKING:
    from tests.command_line import Command

SHORT = ("--window", "2s", "--users-at-most")
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
HEAVY = Path(heavy_users.__file__)


@pytest.fixture
def scenario(tmp_path: Path, target: str) -> Path:
    return write(tmp_path, target, path="/2000")


def write(folder: Path, target: str, *, path: str, **more: object) -> Path:
    users = {"name": "reading", "think_time": "200ms", "requests": [{"path": path}]}
    document = {
        "name": "pages",
        "target": target,
        "load": {"users": 20_000, "duration": "10m"},
        "payload": {"request_bytes": 300, "response_bytes": 2_000},
        "user_classes": [users],
        **more,
    }
    file = folder / "pages.yaml"
    file.write_text(json.dumps(document))
    return file


@pytest.mark.early
def test_a_calibrated_test_is_estimated_by_what_was_measured(
    loadmuster: Command, scenario: Path
) -> None:
    before = loadmuster("estimate", scenario, "--json").json["requirement"]
    made = loadmuster("calibrate", scenario, *SHORT, 60, "--json")
    assert made.code == 0, made.err
    found = made.json
    assert found["engine"].startswith("locust ")
    assert found["steps"][0]["users"] == 10
    assert all(step["failures_per_s"] == 0 for step in found["steps"])
    # A pause of 200 ms, and a target that answers at once.
    assert 3 < found["requests_per_user_s"] <= 5
    assert 50 < found["processor_us_per_request"] < 5_000
    after = loadmuster("estimate", scenario, "--json").json["requirement"]
    assert before["basis"] == "published figures"
    assert after["basis"] == f"a calibration of {found['at'][:10]}"
    expected = 2 * 700_000 / found["processor_us_per_request"] / found["requests_per_user_s"]
    assert after["users_per_injector"] == pytest.approx(expected, rel=0.01)
    assert after["at_least"]["injectors"] <= after["injectors"] <= after["at_most"]["injectors"]
    published = loadmuster("estimate", scenario, "--published", "--json").json["requirement"]
    assert published == before


@pytest.mark.early
def test_what_people_see_has_a_curve_and_says_where_it_was_kept(
    loadmuster: Command, scenario: Path, tmp_path: Path, calibrations: Path
) -> None:
    picture = tmp_path / "pages.svg"
    drawn = loadmuster("calibrate", scenario, *SHORT, 200, "--out", picture)
    assert drawn.code == 0, drawn.err
    assert f"drawn into {picture}" in drawn.out
    assert "fitted" in picture.read_text()
    assert f"kept in {next(calibrations.rglob('calibration-*.json')).parent}" in drawn.out
    assert "10 users: " in drawn.out


def test_nothing_is_kept_where_it_is_to_be_forgotten(
    loadmuster: Command, scenario: Path, calibrations: Path
) -> None:
    shown = loadmuster("calibrate", scenario, *SHORT, 10, "--forget")
    assert shown.code == 0, shown.err
    assert "nothing was kept" in shown.out
    assert not calibrations.exists()


@pytest.mark.early
def test_on_a_cloud_the_users_come_from_one_injector_and_the_run_is_billed(
    loadmuster: Command,
    scenario: Path,
    tmp_path: Path,
    calibrations: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOADMUSTER_DB", f"sqlite:///{tmp_path / 'loads.db'}")
    loadmuster("account", "open", "acme", "--plan", "starter")
    on_aws = ("--provider", "aws", "--dry-run", "--account", "acme")
    made = loadmuster("calibrate", scenario, *SHORT, 80, *on_aws, "--json")
    assert made.code == 0, made.err
    found = made.json
    assert "one injector: 10, 20, 40, 80 users" in made.err
    assert found["machine"].endswith("on aws, rehearsed, 1 core")
    assert [step["users"] for step in found["steps"]] == [10, 20, 40, 80]
    assert 2 < found["requests_per_user_s"] <= 5
    assert 50 < found["processor_us_per_request"] < 20_000
    assert "tried with 80 users at most" in found["note"]
    run = loadmuster("show", found["run"], "--json").json
    assert (run["outcome"], run["bill"]["li_minutes"]) == ("completed", 5)
    assert len(run["machines"]) == 1
    # The machine was part of this computer.
    assert found["kept"] is None
    assert not calibrations.exists()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--dry-run",), "--dry-run and --region are for a cloud: add --provider aws"),
        (("--region", "us-east-1"), "--dry-run and --region are for a cloud"),
        (("--provider", "azure"), "--provider azure takes a run, which is billed: add --account"),
    ],
)
def test_what_goes_only_together_is_asked_for(
    loadmuster: Command, scenario: Path, options: tuple[str, ...], line: str
) -> None:
    refused = loadmuster("calibrate", scenario, *options)
    assert refused.code == 2
    assert line in refused.err


def test_a_program_of_the_users_own_is_measured_with_all_that_it_starts(
    loadmuster: Command, tmp_path: Path, target: str
) -> None:
    (tmp_path / HEAVY.name).write_bytes(HEAVY.read_bytes())
    command = f"python3 {HEAVY.name}"
    engine = {"name": "custom", "command": command, "files": [HEAVY.name]}
    heavy = write(tmp_path, target, path="/", user_classes=[], load_engine=engine)
    made = loadmuster("calibrate", heavy, *SHORT, 10, "--window", "4s", "--json")
    assert made.code == 0, made.err
    assert made.json["engine"] == f"custom: {command}"
    # Twenty hashes of 20 kB, and the time of the shell that counts the samples.
    assert made.json["processor_us_per_request"] > 300
    assert 1 < made.json["requests_per_user_s"] < 5


@pytest.mark.promise("dead-target-is-no-evidence", command="calibrate", provider="local")
def test_a_target_that_is_not_there_is_told_and_nothing_is_kept(
    loadmuster: Command, tmp_path: Path, calibrations: Path
) -> None:
    nowhere = write(tmp_path, "http://127.0.0.1:9", path="/")
    refused = loadmuster("calibrate", nowhere, *SHORT, 50, "--json")
    assert refused.code == 7
    assert refused.json["error"]["code"] == "calibration_not_valid"
    assert "nothing could be measured: 100 % of the requests" in refused.json["error"]["message"]
    assert not calibrations.exists()


def test_a_target_that_hangs_is_told_as_a_run_tells_it(
    loadmuster: Command, tmp_path: Path, calibrations: Path
) -> None:
    with silent_after(answers=0) as url:
        refused = loadmuster("calibrate", write(tmp_path, url, path="/"), *SHORT, 4, "--json")
    assert refused.code == 7
    said = refused.json["error"]["message"]
    assert "nothing could be measured: no request was answered: 4 were begun, and the" in said
    assert not calibrations.exists()


def test_too_small_a_calibration_is_shown_and_changes_no_estimate(
    loadmuster: Command, scenario: Path, calibrations: Path
) -> None:
    before = loadmuster("estimate", scenario, "--json").json["requirement"]
    made = loadmuster("calibrate", scenario, *SHORT, 1, "--json")
    assert made.code == 2
    assert "nothing was kept: the users took " in made.err
    assert (made.json["error"]["code"], made.json["kept"]) == ("calibration_too_small", None)
    assert [step["users"] for step in made.json["steps"]] == [1]
    assert (made.json["memory_kib_per_user"], made.json["r_squared"]) == (None, None)
    assert not list(calibrations.rglob("calibration-*.json"))
    assert loadmuster("estimate", scenario, "--json").json["requirement"] == before


def test_a_host_that_nobody_has_allowed_is_not_loaded(
    loadmuster: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADMUSTER_DB", f"sqlite:///{tmp_path / 'loads.db'}")
    elsewhere = write(tmp_path, "http://shop.example.com", path="/")
    unnamed = loadmuster("calibrate", elsewhere, "--json")
    assert (unnamed.code, unnamed.json["error"]["code"]) == (3, "target_not_allowed")
    assert "--account ID" in unnamed.err
    assert loadmuster("account", "open", "acme").code == 0
    refused = loadmuster("calibrate", elsewhere, "--account", "acme", "--json")
    assert (refused.code, refused.json["error"]["host"]) == (3, "shop.example.com")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"protocol": "browser"}, "protocol: browser can be estimated but not run; http can"),
        ({"user_classes": []}, "user_classes: the scenario does not say what its users do"),
    ],
    ids=["browser", "no users"],
)
def test_what_cannot_be_run_cannot_be_calibrated(
    loadmuster: Command, tmp_path: Path, changes: dict[str, object], line: str
) -> None:
    refused = loadmuster("calibrate", write(tmp_path, "http://127.0.0.1:9", path="/", **changes))
    assert refused.code == 2
    assert line in refused.err


def test_a_calibration_looks_whether_it_can_be_kept_before_it_puts_load_on(
    loadmuster: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("LOADMUSTER_CALIBRATIONS", str(tmp_path / "a file" / "kept"))
    with counting_target() as target:
        refused = loadmuster("calibrate", write(tmp_path, target.url, path="/"), *SHORT, 10)
        assert refused.code == 2
        assert f"{tmp_path / 'a file'}" in refused.err
        assert "what is measured could not be kept: Not a directory; name another" in refused.err
        assert "or keep nothing with --forget" in refused.err
        assert target.asked == 0


def test_the_look_whether_it_can_be_kept_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = read_scenario(str(write(tmp_path, "http://127.0.0.1:9", path="/")))
    check_can_keep(made, tmp_path / "to" / "be made")
    assert not (tmp_path / "to").exists()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CalibrationFilesError, match=r"No space left on device .*MiB free on the"):
        check_can_keep(made, tmp_path / "to" / "be made")
    assert not (tmp_path / "to").exists()


def test_a_picture_that_cannot_be_written_is_refused_before_any_load(
    loadmuster: Command, tmp_path: Path
) -> None:
    with counting_target() as target:
        refused = loadmuster(
            *("calibrate", write(tmp_path, target.url, path="/"), *SHORT, 10),
            *("--out", tmp_path / "missing" / "pages.svg"),
        )
        assert refused.code == 2
        assert "pages.svg: cannot be written: No such file or directory" in refused.err
        assert target.asked == 0


@pytest.mark.parametrize("as_json", [False, True], ids=["for people", "json"])
def test_what_was_measured_is_shown_even_if_it_cannot_be_kept_after_all(
    loadmuster: Command,
    scenario: Path,
    calibrations: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    as_json: bool,
) -> None:
    made = [Calibration("pages", AT, "locust", "a processor", tuple(PaperInjector().climb(900)))]

    def measured(*_: object, **__: object) -> Calibration:
        # What has been there for the look is taken by somebody else meanwhile.
        calibrations.touch()
        return made[0]

    monkeypatch.setattr(session, "calibrate", measured)
    shown = loadmuster("calibrate", scenario, *SHORT, 10, *(["--json"] if as_json else []))
    assert shown.code == 2
    assert "the measurement cannot be kept: " in shown.err
    if as_json:
        assert (shown.json["kept"], shown.json["steps"][0]["users"]) == (None, 10)
        assert shown.json["error"]["code"] == "calibration_not_kept"
    else:
        assert "at the ceiling" in shown.out
        assert "nothing was kept" in shown.out


@pytest.mark.early
def test_somebody_s_own_locustfile_is_calibrated_and_estimated(
    loadmuster: Command, tmp_path: Path, target: str
) -> None:
    (tmp_path / "own.py").write_text(
        "from locust import FastHttpUser, constant, task\n"
        "class Reader(FastHttpUser):\n"
        "    wait_time = constant(0.2)\n"
        "    @task\n"
        "    def read(self): self.client.get('/2000')\n"
    )
    own = {"name": "locust", "locustfile": "own.py"}
    scenario = write(tmp_path, target, path="/", user_classes=[], load_engine=own)
    made = loadmuster("calibrate", scenario, *SHORT, 200, "--json")
    assert made.code == 0, made.err
    found = made.json
    assert found["engine"].startswith("locust ")
    assert found["steps"][0]["users"] == 10
    assert found["steps"][0]["failures_per_s"] == 0
    after = loadmuster("estimate", scenario, "--json").json["requirement"]
    assert after["basis"] == f"a calibration of {found['at'][:10]}"
