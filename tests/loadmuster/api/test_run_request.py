"""One request for a run, whoever asks: command line, Python, and what comes later."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Required, get_origin, get_type_hints

import click
import msgspec
import pytest
from rich.console import Console

from engine import RunRequest, Scenario, read_scenario
from engine.api import Engine
from engine.readers.scenario_request import ScenarioOptions, ScenarioRequest
from engine.runs.prepared import PreparedRun
from engine.runs.request import RunOptions, check_run_request
from engine.scenario import MachineWishes
from kernel.arguments import BadArgumentError
from kernel.errors import BadInputError
from loadmuster.cli import run_question, run_session
from loadmuster.cli.compare import compare
from loadmuster.cli.estimate import estimate
from loadmuster.cli.run import run
from loadmuster.cli.settings import Settings
from tests.command_line import here

CHECKOUT = str(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")
GLOBAL = {"db", "now", "json"}
ABOUT_THE_TERMINAL = {"yes"}
"""Whether to ask; who calls from Python has nobody to ask."""


class Said(NamedTuple):
    """A field as the command line says it, and what it is then."""

    words: tuple[str, ...]
    value: Any = True
    needs: tuple[str, ...] = ()


AWS = ("--provider", "aws")
REHEARSED = (*AWS, "--dry-run")
FIELDS = {
    "source": Said((), CHECKOUT),
    "account": Said((), "acme"),
    "format": Said(("--format", "loadmuster"), "loadmuster"),
    "settings": Said(("--set", "A=1", "--set", "B=2"), ("A=1", "B=2")),
    "users": Said(("--users", "7"), 7),
    "duration_s": Said(("--duration", "3m"), 180),
    "injectors": Said(("--injectors", "2"), 2),
    "users_per_injector": Said(("--users-per-injector", "50"), 50),
    "iteration_s": Said(("--iteration-seconds", "1.5"), 1.5),
    "regions": Said(("--region", "eu-west-1", "--region", "us-east-1"), ("eu-west-1", "us-east-1")),
    "families": Said(("--family", "c7i", "--family", "c7g"), ("c7i", "c7g")),
    "types": Said(("--type", "c7i.large"), ("c7i.large",)),
    "architecture": Said(("--architecture", "arm64"), "arm64"),
    "machines_max": Said(("--machines-at-most", "3"), 3),
    "vcpus_max": Said(("--vcpus-at-most", "32"), 32),
    "vcpus_each_max": Said(("--vcpus-each-at-most", "8"), 8),
    "spread": Said(("--spread", "4"), 4),
    "cores_alike": Said(("--cores-alike",)),
    "nat": Said(("--nat",)),
    "one_type": Said(("--one-type",)),
    "published": Said(("--published",)),
    "department": Said(("--department", "research"), "research"),
    "provider": Said(AWS, "aws"),
    "or_on": Said(("--or-on", "azure"), ("azure",), AWS),
    "spot": Said(("--spot",), needs=AWS),
    "dry_run": Said(("--dry-run",), needs=AWS),
    "with_load": Said(("--with-load",), needs=REHEARSED),
    "time_scale": Said(("--speed", "40"), 40.0, REHEARSED),
    "max_usd_micros": Said(("--max-usd", "1.25"), 1_250_000),
    "request_id": Said(("--request-id", "r-1"), "r-1"),
    "detach": Said(("--detach",)),
    "queue": Said(("--queue",)),
}
NEEDED: dict[tuple[str, ...], dict[str, Any]] = {
    AWS: {"provider": "aws"},
    REHEARSED: {"provider": "aws", "dry_run": True},
    (): {},
}
CONTRADICTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "--queue leaves the run to whoever serves": (
        ("--queue", "--detach"),
        {"queue": True, "detach": True},
    ),
    "--speed is for --dry-run": (("--speed", "2"), {"time_scale": 2.0}),
    "--with-load is for --dry-run": (
        (*AWS, "--with-load"),
        {"provider": "aws", "with_load": True},
    ),
    "--dry-run rehearses a cloud": (("--dry-run",), {"dry_run": True}),
    "--spot is for runs on AWS": (("--spot",), {"spot": True}),
    "--or-on takes a run from one cloud to another": (
        ("--or-on", "aws"),
        {"or_on": ["aws"]},
    ),
    "--or-on names another cloud than --provider": (
        (*AWS, "--or-on", "aws"),
        {"provider": "aws", "or_on": ["aws"]},
    ),
    "injectors: give either injectors or users_per_injector": (
        ("--injectors", "2", "--users-per-injector", "50"),
        {"injectors": 2, "users_per_injector": 50},
    ),
    "regions: a region is given twice": (
        ("--region", "eu-west-1", "--region", "eu-west-1"),
        {"regions": ["eu-west-1", "eu-west-1"]},
    ),
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "loads.db"


@pytest.fixture
def engine(database: Path) -> Iterator[Engine]:
    with Engine(f"sqlite:///{database}") as opened:
        yield opened


def options_of(command: click.Command) -> set[str]:
    return {str(each.name) for each in command.params} - GLOBAL


def test_every_field_is_an_option_of_run_and_a_keyword_of_python_and_the_other_way_round() -> None:
    fields = set(RunRequest.__struct_fields__)
    assert options_of(run) - ABOUT_THE_TERMINAL == fields - {"scenario"}
    assert set(RunOptions.__annotations__) == fields
    hints = get_type_hints(RunOptions, include_extras=True)
    assert {name for name, each in hints.items() if get_origin(each) is Required} == {"account"}
    assert set(FIELDS) == fields - {"scenario"}


def test_what_can_be_said_to_an_estimate_can_be_said_to_a_run() -> None:
    fields = set(ScenarioRequest.__struct_fields__)
    assert set(ScenarioOptions.__annotations__) == fields
    assert fields < set(RunRequest.__struct_fields__)
    for command in (estimate, compare):
        assert fields - {"scenario"} <= options_of(command)
        said_by_run = {each.name: each.opts for each in run.params}
        for each in command.params:
            if each.name in fields:
                assert said_by_run[each.name] == each.opts, each.name


def test_every_wish_for_machines_is_a_field() -> None:
    fields = {*ScenarioRequest.__struct_fields__, "mixed"}
    assert set(MachineWishes.__struct_fields__) <= fields, "one_type is the opposite of mixed"


@pytest.mark.parametrize("name", FIELDS)
def test_the_command_line_and_python_make_the_same_request(
    name: str, engine: Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    field = FIELDS[name]
    made: list[RunRequest] = []
    monkeypatch.setattr(run_session, "run_session", lambda _, request, **__: made.append(request))
    here(capsys, "run", CHECKOUT, "--account", "acme")(*field.needs, *field.words)

    def prepared(request: RunRequest, _: object) -> None:
        made.append(request)

    monkeypatch.setattr(engine.runs._acceptance, "prepare", prepared)
    wanted = {"account": "acme", **NEEDED[field.needs], name: field.value}
    wanted.pop("source", None)
    engine.runs.prepare(CHECKOUT, **wanted)
    by_command, by_keywords = made
    assert by_command == by_keywords
    assert getattr(by_command, name) == field.value


@pytest.mark.parametrize("line", CONTRADICTIONS)
def test_what_does_not_go_together_is_refused_with_one_line_for_everybody(
    line: str,
    database: Path,
    engine: Engine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words, keywords = CONTRADICTIONS[line]
    monkeypatch.setattr(sys, "argv", ["loadmuster"])
    answer = here(capsys, "--json", "--db", f"sqlite:///{database}")(
        "run", "no-such-file.yaml", "--account", "acme", *words
    )
    assert answer.code == 2
    message = answer.json["error"]["message"]
    assert message.startswith(line)
    faces: tuple[Callable[..., object], ...] = (
        engine.run,
        engine.runs.run,
        engine.runs.start,
        engine.runs.accept,
        engine.runs.prepare,
    )
    for face in faces:
        with pytest.raises(BadInputError) as refused:
            face("no-such-file.yaml", account="acme", **keywords)
        assert refused.value.line == message, face
        as_a_whole = {name: _frozen(each) for name, each in keywords.items()}
        with pytest.raises(BadInputError) as refused:
            face(RunRequest(source="no-such-file.yaml", account="acme", **as_a_whole))
        assert refused.value.line == message, face
    assert not database.exists(), "it is refused before anything is opened"


def test_a_scenario_is_a_file_or_a_value_and_not_both(engine: Engine) -> None:
    checkout = read_scenario(CHECKOUT)
    with pytest.raises(BadInputError, match="either the path of a scenario's file or a scenario"):
        engine.runs.prepare(checkout, source=CHECKOUT, account="acme")
    with pytest.raises(BadInputError, match="either the path"):
        engine.runs.prepare(account="acme")
    with pytest.raises(BadArgumentError, match="source is given twice"):
        engine.runs.prepare(CHECKOUT, source=CHECKOUT, account="acme")
    with pytest.raises(BadInputError, match="--format and --set are for a scenario's file"):
        engine.runs.prepare(checkout, account="acme", settings=["A=1"])


def test_one_name_where_several_may_stand_is_told(engine: Engine) -> None:
    with pytest.raises(BadInputError, match="regions: the str 'eu-west-1' will not do"):
        engine.runs.prepare(CHECKOUT, account="acme", regions="eu-west-1")


def test_a_whole_request_takes_no_keywords_and_a_keyword_that_there_is_not_is_an_error(
    engine: Engine,
) -> None:
    request = RunRequest(source=CHECKOUT, account="acme")
    with pytest.raises(BadArgumentError, match="put spot into it"):
        engine.runs.start(request, spot=True)  # type: ignore[call-overload]
    with pytest.raises(BadArgumentError, match="colour"):
        engine.runs.start(CHECKOUT, account="acme", colour="red")  # type: ignore[call-overload]


def test_a_request_never_changes_and_survives_a_journey(engine: Engine) -> None:
    request = RunRequest(source=CHECKOUT, account="acme", users=10, queue=True)
    with pytest.raises(AttributeError):
        request.users = 20  # type: ignore[misc]
    regions = ["eu-west-1"]
    prepared = engine.runs.prepare(CHECKOUT, account="acme", regions=regions)
    regions.append("us-east-1")
    assert prepared.request.regions == ("eu-west-1",)
    assert msgspec.structs.asdict(request)["users"] == 10


def test_what_is_changed_of_a_file_is_changed_of_a_value_alike(engine: Engine) -> None:
    checkout = read_scenario(CHECKOUT)
    changes: dict[str, Any] = {"users": 321, "duration_s": 77, "injectors": 3, "nat": True}
    of_file = engine.runs.prepare(CHECKOUT, account="acme", **changes)
    of_value = engine.runs.prepare(checkout, account="acme", **changes)
    assert of_value.scenario == of_file.scenario
    assert of_value.estimate == of_file.estimate
    assert of_file.estimate == engine.estimate(CHECKOUT, **changes)
    assert of_file.scenario.injectors == 3
    assert of_file.estimate.load.peak_users == 321


class Question:
    """A terminal on which the question is answered, and what it showed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], bool]) -> None:
        self._out = io.StringIO()
        self.prepared: list[PreparedRun] = []
        terminal = io.StringIO()
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", terminal)
        monkeypatch.setattr(click, "confirm", lambda *_, **__: answer())
        monkeypatch.setattr(
            Settings,
            "progress_console",
            lambda _: Console(file=self._out, force_terminal=True, width=200),
        )
        asked = run_question.is_agreed

        def noted(console: Console, engine: Engine, prepared: PreparedRun) -> bool:
            self.prepared.append(prepared)
            return asked(console, engine, prepared)

        monkeypatch.setattr(run_session, "is_agreed", noted)

    @property
    def shown(self) -> str:
        return self._out.getvalue()


WISHES = ("--type", "c7g.xlarge", "--region", "eu-west-1", "--users", "2000", "--nat")


def test_what_was_shown_is_what_is_started(
    engine: Engine,
    database: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = tmp_path / "checkout.yaml"
    source.write_text(Path(CHECKOUT).read_text())

    def answer() -> bool:
        # Whatever happens to the file while somebody thinks.
        source.write_text("name: something else")
        return True

    question = Question(monkeypatch, answer)
    engine.accounts.open("acme")
    command = here(capsys, "--db", f"sqlite:///{database}")
    estimated = command(
        *("estimate", str(source), "--provider", "aws", "--account", "acme", "--json", *WISHES)
    ).json
    started = command(
        *("run", str(source), "--account", "acme", "--provider", "aws", "--dry-run", "--queue"),
        *WISHES,
    )
    assert started.code == 0, started.err
    (prepared,) = question.prepared
    (accepted,) = engine.runs.list()
    (part,) = estimated["fleet"]
    assert (part["instance_type"], part["region"]) == ("c7g.xlarge", "eu-west-1")
    assert f"{part['count']} x c7g.xlarge in eu-west-1" in question.shown
    assert accepted.order.placements == prepared.placements
    (placement,) = accepted.order.placements
    assert (placement.region, placement.machine_types) == ("eu-west-1", ("c7g.xlarge",))
    assert placement.count == part["count"]
    assert accepted.order.scenario == prepared.scenario
    assert accepted.order.scenario.machines.nat
    li_minutes = estimated["requirement"]["li_minutes"]
    assert accepted.order.quote.li_minutes == li_minutes
    assert f"{li_minutes:,} LI-minutes" in question.shown


def test_who_says_no_starts_nothing(
    engine: Engine,
    database: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    question = Question(monkeypatch, lambda: False)
    engine.accounts.open("acme")
    answer = here(capsys, "--db", f"sqlite:///{database}")("run", CHECKOUT, "--account", "acme")
    # Else `run ... && deploy` would deploy what was not tested.
    assert (answer.code, engine.runs.list()) == (130, [])
    assert "Nothing was started." in question.shown


@pytest.mark.parametrize("mode", ["queue", "detach"])
def test_run_and_start_leave_a_run_to_whom_the_request_says(
    mode: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.accounts.open("acme")
    left: list[str] = []
    how: dict[str, Any] = {mode: True}
    monkeypatch.setattr(engine.runs, "detach", left.append)
    checkout = read_scenario(CHECKOUT, users=5, duration_s=5)
    by_start = engine.runs.start(checkout, account="acme", **how)
    by_run = engine.run(checkout, account="acme", **how)
    assert left == ([] if mode == "queue" else [by_start.id, by_run.id])
    assert not by_start.ended
    assert not by_run.ended


def test_the_same_request_again_is_answered_whoever_asks(engine: Engine) -> None:
    engine.accounts.open("acme")
    checkout: Scenario = read_scenario(CHECKOUT)
    request = RunRequest(
        scenario=checkout, account="acme", request_id="r-1", users=9, published=True
    )
    first = engine.runs.accept(request)
    again = engine.runs.accept(CHECKOUT, account="acme", request_id="r-1", users=9, published=True)
    assert again == first
    with pytest.raises(Exception, match="r-1"):
        engine.runs.accept(CHECKOUT, account="acme", request_id="r-1", users=9)


def test_every_way_to_ask_for_a_run_takes_a_request(engine: Engine) -> None:
    for command in (engine.run, engine.runs.run, engine.runs.start, engine.runs.prepare):
        first, *_ = inspect.signature(command).parameters.values()
        assert first.kind is inspect.Parameter.POSITIONAL_ONLY
        assert str(first.annotation).startswith("RunRequest | ")


def _frozen(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    return tuple(value) if isinstance(value, list) else value


def test_an_empty_request_id_is_refused_and_starts_nothing() -> None:
    with pytest.raises(BadInputError, match="--request-id: an id is not empty"):
        check_run_request(RunRequest(source=CHECKOUT, account="acme", request_id=""))
