"""``run``, ``cancel``, ``runs``, ``show`` and the books, as a person and a CI job see them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from engine.runs import detached
from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.command_line import Answer
    from tests.loadmuster.cli.conftest import CommandLine

CHECKOUT = "examples/checkout.yaml"
REHEARSED = ("run", CHECKOUT, "--account", "acme", "--provider", "aws", "--dry-run")
SPOKEN_OF = {
    *("id", "state", "outcome", "quote", "machines", "timeline", "bill", "result"),
}


def processes_of(home: str) -> list[psutil.Process]:
    """Every process that was started for a home, by its command line or environment."""
    found = []
    for process in psutil.process_iter():
        try:
            about = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(home in text for text in about):
            found.append(process)
    return found


def refused(answer: Answer, code: int, *words: str) -> None:
    """One line on standard error that says these words, and the contract's code."""
    assert answer.code == code, answer
    assert answer.err.count("\n") == 1, answer.err
    for word in words:
        assert word in answer.err, answer.err


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_a_rehearsal_lives_its_whole_life_and_bills_it(provider: str, acme: CommandLine) -> None:
    rehearsed = ("run", CHECKOUT, "--account", "acme", "--provider", provider, "--dry-run")
    answer = acme("--json", *rehearsed, "--speed", "600")
    assert answer.code == 0, answer.err
    run = answer.json
    assert run["provider"] == provider
    assert processes_of(str(acme.home)) == [], "its cloud is put away"
    assert set(run) >= SPOKEN_OF
    assert (run["state"], run["outcome"], run["rehearsal"]) == ("ended", "completed", True)
    assert {machine["state"] for machine in run["machines"]} == {"gone"}
    assert set(run["bill"]) >= {"startup_usd", "li_minutes", "usd", "policy", "tariff_version"}
    assert run["bill"]["usd"] == run["quote"]["usd"] == "5.00"
    assert "rehears" in answer.err, "it says so"

    assert acme.here("--json", "show", run["id"]).json == run
    assert [each["id"] for each in acme.here("runs", "--json").json["runs"]] == [run["id"]]
    assert run["bill"]["rehearsed"]
    assert "nothing is charged" in answer.err
    assert acme.here("--json", "invoices", "acme").json["invoices"] == []
    assert acme.here("--json", "ledger", "acme").json["transactions"] == []
    assert acme.here("--json", "usage", "acme").json["runs"] == []
    told = acme.here("show", run["id"]).out
    assert "no load was put on anything, nothing was charged" in told
    assert "Bill, rehearsed" in told
    assert "would be charged" in told


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_a_run_launches_the_machines_of_several_types_that_its_estimate_shows(
    provider: str, acme: CommandLine
) -> None:
    load = (CHECKOUT, "--users", "1800", "--region", "any", "--provider", provider)
    shown = acme("--json", "estimate", *load).json["fleet"]
    answer = acme("--json", "run", *load, "--account", "acme", "--dry-run", "--speed", "600")
    assert answer.code == 0, answer.err
    run = answer.json
    assert (run["outcome"], {each["state"] for each in run["machines"]}) == ("completed", {"gone"})
    assert len(shown) == 2
    assert sorted(each["type"] for each in run["machines"]) == sorted(
        each["instance_type"] for each in shown for _ in range(each["count"])
    )


def test_a_detached_run_is_cancelled_from_another_process(acme: CommandLine) -> None:
    accepted = acme(*REHEARSED, "--speed", "10", "--detach", "--json").json
    assert accepted["unattended_since"] is None
    assert acme.here("--json", "show", accepted["id"]).json["unattended_since"] is None
    cancelled = acme("--json", "cancel", accepted["id"]).json
    assert (cancelled["state"], cancelled["outcome"]) == ("ended", "cancelled")
    assert acme("--json", "cancel", accepted["id"]).json == cancelled, "twice changes nothing"
    usd = float(cancelled["bill"]["usd"]) if cancelled["bill"] else 0.0
    assert usd in {0.0, 1.5}, "free before the intent, the start-up cost after it"


def test_a_detached_run_is_told_to_go_on_by_itself(acme: CommandLine) -> None:
    said = acme.here(*REHEARSED, "--speed", "10", "--detach").out
    run = acme.here("--json", "runs").json["runs"][0]

    assert f"a process of its own goes on; watch it with `loadmuster watch {run['id']}`" in said
    assert "no controller" not in said
    assert run["unattended_since"] is None
    assert acme.here("cancel", run["id"]).code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_who_is_told_to_end_while_it_detaches_ends_with_that_signals_code(
    number: signal.Signals, code: int, acme: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = detached.spawn

    def told_meanwhile(*arguments: Any, **named: Any) -> None:  # noqa: ANN401 - passed on as given
        os.kill(os.getpid(), number)
        spawn(*arguments, **named)

    monkeypatch.setattr(detached, "spawn", told_meanwhile)
    answer = acme.here(*REHEARSED, "--speed", "10", "--detach", "--json")

    assert (answer.code, answer.json["unattended_since"]) == (code, None)
    assert acme.here("cancel", answer.json["id"]).code == 0


def test_ctrl_c_twice_ends_a_real_run_with_its_processes_and_a_correct_bill(
    acme: CommandLine, shop: str
) -> None:
    process = acme.start(
        *("run", CHECKOUT, "--account", "acme", "--provider", "local", "--injectors", "2"),
        *("--users", "20", "--duration", "10m", "--set", f"TARGET={shop}", "--json"),
    )
    acme.until_state("running", process)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    assert '"outcome": "cancelled"' in out
    run = acme.here("--json", "runs").json["runs"][0]
    shown = acme.here("--json", "show", run["id"]).json
    assert shown["bill"]["usd"] == shown["bill"]["startup_usd"] == "1.50"
    assert processes_of(str(acme.home)) == []


@pytest.mark.promise("clean-load-environment", command="run", provider=("aws", "azure"))
@pytest.mark.early
@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_a_rehearsal_with_load_puts_locust_on_a_target_through_a_simulated_bucket(
    provider: str, acme: CommandLine, shop: str
) -> None:
    rehearsed = ("run", CHECKOUT, "--account", "acme", "--provider", provider, "--dry-run")
    wish = ("--users", "20", "--duration", "8s", "--set", f"TARGET={shop}", "--json")
    answer = acme(*rehearsed, "--with-load", *wish)
    assert answer.code == 0, answer.err
    run = answer.json
    assert (run["outcome"], run["rehearsal"]) == ("completed", True)
    assert run["result"]["valid"], run["result"]["invalid_reasons"]
    assert run["result"]["peak_users"] == 20
    assert run["result"]["requests"] > 20
    assert [machine["state"] for machine in run["machines"]] == ["gone"]
    assert run["bill"]["usd"] == run["quote"]["usd"]
    assert processes_of(str(acme.home)) == []


@pytest.mark.promise("exit-code-tells-outcome", command="run", provider=("aws", "azure"))
@pytest.mark.early
@pytest.mark.parametrize("provider", [pytest.param("aws", marks=pytest.mark.long), "azure"])
def test_ctrl_c_during_a_rehearsal_with_load_keeps_what_was_measured(
    provider: str, acme: CommandLine, shop: str
) -> None:
    rehearsed = ("run", CHECKOUT, "--account", "acme", "--provider", provider, "--dry-run")
    wish = ("--users", "20", "--duration", "10m", "--set", f"TARGET={shop}", "--json")
    process = acme.start(*rehearsed, "--with-load", *wish)
    acme.until_state("running", process)
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    run = json.loads(out)
    assert run["outcome"] == "cancelled"
    assert run["result"]["requests"] > 0
    assert not run["result"]["completed"]
    assert run["bill"]["usd"] == run["bill"]["startup_usd"]
    assert processes_of(str(acme.home)) == []


@pytest.mark.promise("one-request-one-run", command="run", provider="aws")
def test_the_same_request_id_runs_once_and_another_wish_under_it_is_refused(
    acme: CommandLine,
) -> None:
    wish = (*REHEARSED, "--speed", "600", "--request-id", "build-7", "--json")
    first = acme.charged(*wish).json
    assert acme.charged(*wish).json["id"] == first["id"]
    other = acme.charged(*wish, "--users", "10")
    assert other.code == 3
    assert other.json["error"]["code"] == "request_conflict"
    charge, payment = acme.here("--json", "ledger", "acme").json["transactions"]
    assert charge["key"] == f"run:{first['id']}:start"
    assert payment["key"] == f"run:{first['id']}:payment"


def until_it_waits(process: subprocess.Popen[str]) -> None:
    """Until a command has said that it waits for what another one drives."""
    assert process.stderr is not None
    assert any("another controller drives it" in line for line in process.stderr)


@pytest.mark.promise("one-request-one-run", command="run", provider="local")
def test_who_asks_for_the_same_again_waits_for_its_end_and_ends_nothing(
    acme: CommandLine, shop: str
) -> None:
    wish = ("run", CHECKOUT, "--account", "acme", "--users", "3", "--duration", "10m", "--json")
    same = (*wish, "--set", f"TARGET={shop}", "--request-id", "build-7")
    first = acme.start(*same)
    run = acme.until_state("running", first)
    ends = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
    *impatient, patient = (acme.start(*same) for _ in range(len(ends) + 1))
    for process in (*impatient, patient):
        until_it_waits(process)

    for process, (number, code) in zip(impatient, ends.items(), strict=True):
        os.killpg(process.pid, number)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code
    assert acme.here("--json", "show", run["id"]).json["state"] == "running"

    os.killpg(first.pid, signal.SIGINT)
    answers = [process.communicate(timeout=PATIENCE_S)[0] for process in (first, patient)]
    assert (first.returncode, patient.returncode) == (130, 8)
    assert [json.loads(answer)["id"] for answer in answers] == [run["id"]] * 2
    assert [json.loads(answer)["outcome"] for answer in answers] == ["cancelled"] * 2


@pytest.mark.promise("unattended-is-said", command=("runs", "show"))
def test_a_run_that_nobody_drives_is_told_with_since_when_and_what_to_do(
    acme: CommandLine,
) -> None:
    run = acme.here(*REHEARSED, "--queue", "--json").json
    for look in (("runs",), ("show", run["id"])):
        said = acme.here(*look).out
        assert f"{run['id']}: no controller has driven it since" in said
        assert f"loadmuster cancel {run['id']}" in said
    assert acme.here("show", run["id"], "--json").json["unattended_since"] == run["accepted_at"]


def test_a_run_above_the_price_cap_is_refused_before_anything_happens(acme: CommandLine) -> None:
    answer = acme.here(*REHEARSED, "--max-usd", "4.99")
    refused(answer, 3, "5.00", "4.99")
    assert acme.here("--json", "runs").json == {"runs": []}
    assert acme(*REHEARSED, "--speed", "600", "--max-usd", "5.00").code == 0


def test_a_cap_does_not_count_a_clouds_machines_for_a_run_on_this_computer(
    loadmuster: CommandLine,
) -> None:
    assert loadmuster.here("account", "open", "globex", "--plan", "starter").code == 0
    wish = ("run", CHECKOUT, "--account", "globex", "--max-usd", "0.00", "--queue")
    assert loadmuster.here(*wish, "--provider", "local").code == 0
    refused(loadmuster.here(*wish, "--provider", "aws", "--dry-run"), 3, "0.00")


@pytest.mark.parametrize("where", [("--provider", "local"), ("--provider", "aws", "--dry-run")])
def test_a_cap_counts_what_extra_credits_cost(
    loadmuster: CommandLine, where: tuple[str, ...]
) -> None:
    for words in (
        ("account", "open", "xc", "--plan", "trial"),
        ("account", "extra-credits", "xc", "--limit", "50"),
        ("department", "add", "xc", "lab"),
        ("department", "allocate", "xc", "lab", "30"),
    ):
        assert loadmuster.here(*words).code == 0
    wish = ("run", CHECKOUT, "--account", "xc", "--users", "9", "--queue", "--yes", *where)
    books = [("ledger", "xc", "--json"), ("account", "show", "xc", "--json")]
    before = [{**loadmuster.here(*each).json, "as_of": None} for each in books]
    answer = loadmuster.here(*wish, "--max-usd", "0.10")
    refused(answer, 3, "above the cap of 0.10 USD")
    cost = re.search(r"quoted at ([\d.]+) USD", answer.err)
    assert cost is not None
    assert loadmuster.here("--json", "runs").json == {"runs": []}
    assert [{**loadmuster.here(*each).json, "as_of": None} for each in books] == before
    assert loadmuster.here(*wish, "--max-usd", cost[1]).code == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("run", CHECKOUT, "--account", "nobody", "--provider", "local"), "nobody"),
        (("run", "missing.yaml", "--account", "acme"), "missing.yaml"),
        (("run", CHECKOUT, "--account", "acme", "--provider", "gcp"), "gcp"),
        (("run", CHECKOUT, "--account", "acme", "--provider", "local", "--dry-run"), "--dry-run"),
        (("run", CHECKOUT, "--account", "acme", "--speed", "9"), "--speed"),
        (("run", CHECKOUT, "--account", "acme", "--with-load"), "--with-load"),
        ((*REHEARSED, "--with-load", "--set", "TARGET=https://example.com"), "example.com"),
        (("run", CHECKOUT, "--account", "acme", "--provider", "azure"), "AZURE_SUBSCRIPTION_ID"),
        (("run", CHECKOUT, "--account", "acme", "--provider", "aws"), "--dry-run"),
        ((*REHEARSED, "--region", "mars-east-1"), "mars-east-1"),
        ((*REHEARSED, "--max-usd", "1e999999"), "--max-usd"),
        (("show", "run-0"), "run-0"),
        (("cancel", "run-0"), "run-0"),
        (("runs", "--account", "nobody"), "nobody"),
        (("runs", "--now", "yesterday"), "yesterday"),
        (("fly",), "fly"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing_behind(
    acme: CommandLine, arguments: tuple[str, ...], word: str
) -> None:
    refused(acme.here(*arguments), 2, word)
    assert acme.here("--json", *arguments).json["error"]["message"]
    assert acme.here("--json", "runs").json == {"runs": []}
    assert acme.here("--json", "ledger", "acme").json["transactions"] == []


@pytest.mark.parametrize("before", [True, False])
def test_a_database_that_is_typed_beats_the_environment(
    loadmuster: CommandLine,
    before: bool,
) -> None:
    """Here it is one that cannot be made."""
    database = ("--db", "sqlite:////proc/loadmuster/books.db")
    opening = ("account", "open", "acme")
    answer = loadmuster.here(*((*database, *opening) if before else (*opening, *database)))
    refused(answer, 2, "/proc")
    assert not loadmuster.database.exists()
