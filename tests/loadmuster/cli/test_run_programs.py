"""Runs whose load is put on by a program of the user's, from the command line to the bill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.scenario.program import BUNDLE_BYTES_MAX
from tests.loadmuster.cli.test_run_command import processes_of, refused

if TYPE_CHECKING:
    from tests.loadmuster.cli.conftest import CommandLine

LOAD_PY = Path(__file__).parents[3] / "examples" / "load.py"
CURL = """\
echo timeStamp,elapsed,success,allThreads > curl.csv
end=$((LOADMUSTER_START_AT + LOADMUSTER_DURATION_S))
while [ "$(date +%s)" -lt "$end" ]; do
  took=$(curl --silent --output /dev/null --write-out '%{time_total}' "$LOADMUSTER_TARGET/")
  took_ms=$(echo "$took" | awk '{ print $1 * 1000 }')
  echo "$(date +%s)000,$took_ms,true,$LOADMUSTER_USERS" >> curl.csv
  sleep 0.2
done
"""


@pytest.fixture
def scenario(tmp_path: Path, shop: str) -> Path:
    """A scenario beside its load generator, in a folder whose name a shell would stumble over."""
    folder = tmp_path / "it's a $(folder)"
    folder.mkdir()
    (folder / "load.py").write_bytes(LOAD_PY.read_bytes())
    return write(
        folder, shop, {"name": "custom", "command": "python3 load.py", "files": ["load.py"]}
    )


def write(folder: Path, target: str, engine: Mapping[str, object], duration: str = "8s") -> Path:
    """A scenario as JSON, which YAML is as well."""
    path = folder / "shop.json"
    name = 'a "shop"; it\'s `so`'
    load = {"users": 4, "duration": duration}
    document = {"name": name, "target": target, "load": load, "load_engine": engine}
    path.write_text(json.dumps(document).replace("${", "$${"))
    return path


@pytest.mark.early
def test_a_python_program_loads_the_target_from_a_rehearsed_aws(
    acme: CommandLine, scenario: Path
) -> None:
    rehearsed = ("run", str(scenario), "--account", "acme", "--provider", "aws", "--dry-run")
    answer = acme(*rehearsed, "--with-load", "--json")
    assert answer.code == 0, answer.err
    run = answer.json
    result = run["result"]
    assert run["outcome"] == "completed"
    assert result["valid"], result["invalid_reasons"]
    assert result["peak_users"] == 4
    assert result["requests"] > 3
    assert result["injectors"][0]["machine_cpu_percent_max"] > 0
    assert result["injectors"][0]["memory_used_bytes_max"] > 0
    assert run["bill"]["usd"] == run["quote"]["usd"]
    assert [machine["state"] for machine in run["machines"]] == ["gone"]
    assert processes_of(str(acme.home)) == []


@pytest.mark.early
def test_a_loop_of_curl_loads_the_target_from_a_rehearsed_azure(
    acme: CommandLine, scenario: Path, shop: str
) -> None:
    source = write(
        scenario.parent, shop, {"name": "custom", "command": CURL, "results": "curl.csv"}
    )
    rehearsed = ("run", str(source), "--account", "acme", "--provider", "azure", "--dry-run")
    answer = acme(*rehearsed, "--with-load", "--json")
    assert answer.code == 0, answer.err
    result = answer.json["result"]
    assert result["valid"], result["invalid_reasons"]
    assert (result["peak_users"], result["failures"]) == (4, 0)
    assert result["requests"] > 5
    assert processes_of(str(acme.home)) == []


@pytest.mark.promise("own-locustfile-is-played", command="run", provider=("local", "azure"))
@pytest.mark.parametrize("provider", ["local", "azure"])
def test_the_example_plays_its_own_locustfile(provider: str, acme: CommandLine, shop: str) -> None:
    rehearsed = () if provider == "local" else ("--dry-run", "--with-load")
    answer = acme(
        *("run", "examples/own-users.yaml", "--set", f"TARGET={shop}", "--users", "4"),
        *("--duration", "8s", "--account", "acme", "--provider", provider, *rehearsed, "--json"),
    )
    assert answer.code == 0, answer.err
    run = answer.json
    assert run["outcome"] == "completed"
    result = run["result"]
    assert result["valid"], result["invalid_reasons"]
    assert (result["peak_users"], result["failures"]) == (4, 0)
    assert result["requests"] > 10
    assert processes_of(str(acme.home)) == []


@pytest.mark.promise("played-users-are-quoted", command="run", provider=("local", "aws", "azure"))
@pytest.mark.parametrize("provider", ["local", "aws", "azure"])
def test_a_load_that_nobody_quoted_ends_the_run_with_status_7_and_is_said(
    provider: str, acme: CommandLine, scenario: Path, shop: str
) -> None:
    engine = {"name": "custom", "command": forty_users(), "results": "curl.csv"}
    source = write(scenario.parent, shop, engine, duration="2m")
    rehearsed = () if provider == "local" else ("--dry-run", "--with-load")
    answer = acme(
        *("run", str(source), "--account", "acme", "--provider", provider), *rehearsed, "--json"
    )
    assert answer.code == 7, answer.err
    run = answer.json
    assert run["outcome"] == "stopped"
    assert run["reason"].startswith("40 users were active, and 4 were quoted")
    assert not run["result"]["valid"]
    assert run["result"]["invalid_reasons"][0] == run["reason"]
    assert run["result"]["load_s"] < 60
    assert [machine["state"] for machine in run["machines"]] == ["gone"]
    assert run["bill"]["policy"], "what was played is charged as after a cancel"
    assert processes_of(str(acme.home)) == []
    shown = acme.here("show", run["id"])
    assert "stopped" in shown.out
    assert "40 users were active, and 4 were quoted" in shown.out


def forty_users() -> str:
    return CURL.replace("$LOADMUSTER_USERS", "40")


def test_a_queued_program_runs_here_though_its_files_are_gone_by_then(
    acme: CommandLine, scenario: Path
) -> None:
    wish = ("run", str(scenario), "--account", "acme", "--provider", "local", "--injectors", "2")
    queued = acme.here(*wish, "--queue", "--request-id", "build-7", "--json")
    assert queued.code == 0, queued.err
    moved = scenario.parent.rename(scenario.parent.with_name("elsewhere")) / scenario.name
    again = ("run", str(moved), *wish[2:], "--queue", "--request-id", "build-7", "--json")
    assert acme.here(*again).json["id"] == queued.json["id"], "the same files, the same request"
    (moved.parent / "load.py").unlink()

    assert acme("serve", "--until-idle").code == 0
    run = acme.here("--json", "show", queued.json["id"]).json
    assert run["outcome"] == "completed"
    assert run["result"]["valid"], run["result"]["invalid_reasons"]
    assert run["result"]["peak_users"] == 4
    assert len(run["result"]["injectors"]) == 2
    assert processes_of(str(acme.home)) == []


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (
            {"name": "custom", "command": "x", "files": ["large.bin", "load.py"]},
            ("32.0 MiB at most", "'large.bin' 32.0 MiB"),
        ),
        ({"name": "custom", "command": "x", "files": ["none.py"]}, ("none.py",)),
        ({"name": "custom", "command": "x", "files": ["../../x"]}, ("leaves the scenario's",)),
        ({"name": "custom", "command": " "}, ("is empty",)),
        ({"name": "k6", "script": "load.py"}, ("k6 is not on a cloud's machines", "version:")),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_on_record(
    engine: dict[str, object], words: tuple[str, ...], acme: CommandLine, scenario: Path, shop: str
) -> None:
    with (scenario.parent / "large.bin").open("wb") as file:
        file.truncate(BUNDLE_BYTES_MAX)
    source = write(scenario.parent, shop, engine)
    rehearsed = ("run", str(source), "--account", "acme", "--provider", "aws", "--dry-run")
    refused(acme.here(*rehearsed, "--with-load"), 2, *words)
    assert acme.here("--json", "runs").json == {"runs": []}
    assert acme.here("--json", "ledger", "acme").json["transactions"] == []


OWN = """\
import sys
{line}
from locust import User, task
class Visitor(User):
    @task
    def visit(self): ...
"""


def own(scenario: Path, shop: str, line: str, **more: object) -> str:
    (scenario.parent / "own.py").write_text(OWN.format(line=line))
    engine = {"name": "locust", "locustfile": "own.py", **more}
    return str(write(scenario.parent, shop, engine))


@pytest.mark.parametrize("provider", ["local", "aws", "azure"])
def test_faults_of_ones_own_locustfile_are_bad_input_before_anything_is_charged(
    provider: str, acme: CommandLine, scenario: Path, shop: str
) -> None:
    source = own(scenario, shop, "import no_such_module")
    rehearsed = () if provider == "local" else ("--dry-run", "--with-load")
    answer = acme.here("run", source, "--account", "acme", "--provider", provider, *rehearsed)
    refused(answer, 2, "load_engine.locustfile: own.py:2: ModuleNotFoundError", "prepare:")
    assert acme.here("--json", "runs").json == {"runs": []}
    assert acme.here("--json", "ledger", "acme").json["transactions"] == []


def test_a_load_that_fails_of_itself_on_injectors_ends_with_7_and_its_reason_once(
    acme: CommandLine, scenario: Path, shop: str
) -> None:
    # Here a prepare could have installed it, so that only injectors know.
    source = own(scenario, shop, "import no_such_module", prepare="true")
    wish = ("run", source, "--account", "acme", "--provider", "local", "--injectors", "2")
    answer = acme(*wish, "--json")
    assert answer.code == 7, answer.err
    run = answer.json
    assert (run["outcome"], run["failed_by"]) == ("failed", "load")
    # The first that fails ends the load; whether the other has failed by then is a race.
    injectors, _, reason = run["reason"].partition(": ")
    assert injectors in {"1 of 2 injectors", "2 of 2 injectors"}
    assert reason == (
        "the load generator failed: own.py:2: ModuleNotFoundError: No module named 'no_such_module'"
    )
    assert "machine-0" not in answer.out.replace('"id": "machine-0', "")
    assert processes_of(str(acme.home)) == []
