"""Variables of the environment that cannot be used are told in one line, before anything begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kernel.key_log import put_aside_unusable_key_log

if TYPE_CHECKING:
    from pathlib import Path

    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
REHEARSED = ("run", CHECKOUT, "--account", "acme", "--provider", "aws", "--dry-run")
RUBBISH = (
    ("rubbish", 2, "LOADMUSTER_REHEARSAL: 'rubbish' is no address of a rehearsed cloud"),
    ("http://a b/", 2, "LOADMUSTER_REHEARSAL: 'http://a b/' is no address"),
    ("http://127.0.0.1:1", 4, "no rehearsed AWS answers at http://127.0.0.1:1"),
)


@pytest.mark.parametrize(("url", "code", "told"), RUBBISH)
@pytest.mark.parametrize("form", [(), ("--detach",), ("--queue",)], ids=["", "detach", "queue"])
def test_a_shared_rehearsal_that_is_none_is_told_before_a_run_is_accepted(
    form: tuple[str, ...], url: str, code: int, told: str, acme: CommandLine
) -> None:
    answer = acme.here(*REHEARSED, *form, LOADMUSTER_REHEARSAL=url)
    assert (answer.code, answer.err.count("\n")) == (code, 1)
    assert told in answer.err
    assert acme.here("--json", "runs").json == {"runs": []}


def test_a_variable_that_is_set_to_nothing_is_not_set(acme: CommandLine) -> None:
    assert acme.here(*REHEARSED, "--queue", LOADMUSTER_REHEARSAL="").code == 0


READ = (
    ("estimate", CHECKOUT),
    ("compare", CHECKOUT),
    ("plot", "load", CHECKOUT),
    ("run", CHECKOUT, "--account", "acme"),
)


@pytest.mark.parametrize("words", READ, ids=lambda words: words[0])
def test_a_folder_of_measurements_that_is_none_is_told_at_once(
    words: tuple[str, ...], acme: CommandLine
) -> None:
    file = acme.home / "measured"
    file.write_text("no folder")
    answer = acme.here(*words, LOADMUSTER_CALIBRATIONS=str(file))
    told = f"loadmuster: LOADMUSTER_CALIBRATIONS: {file} is no folder; name a folder of"
    assert (answer.code, answer.err) == (2, f"{told} measurements, or none\n")


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_a_key_log_to_nowhere_is_said_and_loses_no_machine(
    provider: str, acme: CommandLine
) -> None:
    words = ("run", CHECKOUT, "--account", "acme", "--provider", provider, "--dry-run")
    ran = acme.printing_to(
        subprocess.PIPE, *words, "--speed", "400", "--json", SSLKEYLOGFILE="/nowhere/keys"
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.splitlines()[0] == (
        "loadmuster: SSLKEYLOGFILE: /nowhere/keys: cannot be written: No such file or directory;"
        " no keys are logged"
    )
    assert "Traceback" not in ran.stderr
    (run,) = acme.here("--json", "runs").json["runs"]
    assert (run["state"], run["outcome"]) == ("ended", "completed")


def test_python_is_warned_of_a_key_log_to_nowhere(tmp_path: Path) -> None:
    program = (
        "from loadmuster import Engine\n"
        f"with Engine('sqlite:///{tmp_path}/books.db') as engine:\n"
        "    engine._context.clouds\n"
        "import os; assert 'SSLKEYLOGFILE' not in os.environ\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "SSLKEYLOGFILE": "/nowhere/keys"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "SSLKEYLOGFILE: /nowhere/keys: cannot be written" in ran.stderr


def test_a_key_log_that_can_be_written_stays(tmp_path: Path) -> None:
    environment = {"SSLKEYLOGFILE": str(tmp_path / "keys")}
    assert put_aside_unusable_key_log(environment) is None
    assert put_aside_unusable_key_log({}) is None
    assert environment == {"SSLKEYLOGFILE": str(tmp_path / "keys")}
    environment = {"SSLKEYLOGFILE": str(tmp_path)}
    assert "Is a directory" in str(put_aside_unusable_key_log(environment))
    assert environment == {}


def test_a_real_run_says_which_proxy_its_injectors_use(acme: CommandLine, shop: str) -> None:
    ran = acme.printing_to(
        subprocess.PIPE,
        *("run", CHECKOUT, "--account", "acme", "--users", "3", "--duration", "2s"),
        *("--set", f"TARGET={shop}", "--json"),
        http_proxy="http://ann:secret@127.0.0.1:9",
    )
    (launched,) = [
        each for each in json.loads(ran.stdout)["timeline"] if each["event"] == "launched"
    ]
    assert launched["detail"] == (
        "1 of 1 machines; requests go through HTTP_PROXY http://127.0.0.1:9,"
        " but for those to this computer"
    )
