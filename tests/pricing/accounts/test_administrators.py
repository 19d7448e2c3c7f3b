"""Who administers an account changes by its administrators and by the owner (R56, R88, C44)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.api import Engine
from engine.database import transaction
from kernel.clock import ManualClock
from kernel.errors import BadInputError, LoadmusterError, RequestConflictError
from pricing.accounts.administrators import LastAdministratorError, NotAdministratorError
from tests.command_line import here

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
EngineOf = Callable[[str], Engine]


@pytest.fixture
def url(migrated_file: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"


@pytest.fixture
def engine_of(url: str) -> EngineOf:
    def of(user: str) -> Engine:
        return Engine(url, clock=ManualClock(NOW), environment={}, user=user)

    with of("owner") as engine:
        engine.accounts.open("acme", plan="starter", administrators=["ann"])
    return of


def test_r88_an_administrator_names_another_who_can_do_all_of_it_then(engine_of: EngineOf) -> None:
    with engine_of("ann") as anns:
        assert anns.accounts.change_administrators("acme", add=["bob", "ann"]) == ["ann", "bob"]
    with engine_of("bob") as bobs:
        assert bobs.accounts.administrators("acme") == ["ann", "bob"]
        assert bobs.accounts.change_administrators("acme", remove=["ann"]) == ["bob"]
        assert bobs.accounts.cancel("acme").pending is not None
    with engine_of("ann") as anns, pytest.raises(NotAdministratorError):
        anns.reports.usage("acme")


def test_c44_the_owner_can_give_an_account_somebody_who_speaks_for_it(engine_of: EngineOf) -> None:
    with engine_of("owner") as owners:
        assert owners.accounts.change_administrators("acme", add=["eve"], remove=["ann"]) == ["eve"]


@pytest.mark.parametrize(
    ("user", "asked", "error"),
    [
        ("bob", {"add": ["bob"]}, NotAdministratorError),
        ("bob", {"add": ["bob"], "by": "ann"}, NotAdministratorError),
        ("owner", {"add": ["bob"], "by": "eve"}, NotAdministratorError),
        ("ann", {"remove": ["ann"]}, LastAdministratorError),
        ("ann", {"remove": ["bob"]}, BadInputError),
        ("ann", {"add": ["bob"], "remove": ["bob"]}, BadInputError),
        ("ann", {}, BadInputError),
        ("ann", {"add": [" "]}, BadInputError),
        ("ann", {"add": ["b\nob"]}, BadInputError),
        ("ann", {"add": ["b" * 255]}, BadInputError),
    ],
)
def test_what_will_not_do_changes_nothing(
    engine_of: EngineOf, user: str, asked: dict[str, list[str]], error: type[LoadmusterError]
) -> None:
    with engine_of(user) as engine, pytest.raises(error) as refused:
        engine.accounts.change_administrators("acme", **asked)  # type: ignore[arg-type]
    assert "\n" not in refused.value.message
    with engine_of("ann") as anns:
        assert anns.accounts.administrators("acme") == ["ann"]


def test_a_request_id_does_it_once(engine_of: EngineOf) -> None:
    with engine_of("ann") as anns:
        for _ in range(2):
            anns.accounts.change_administrators("acme", add=["bob"], request_id="a1")
        with pytest.raises(RequestConflictError):
            anns.accounts.change_administrators("acme", add=["eve"], request_id="a1")


def test_the_log_says_who_named_whom_and_forgets_the_names(engine_of: EngineOf) -> None:
    with engine_of("ann") as anns:
        anns.accounts.change_administrators("acme", add=["bob", "eve"])
        anns.accounts.change_administrators("acme", remove=["eve"])
        *_, named, removed = anns.accounts.log("acme")
        assert (named.command, named.actor) == ("administrators", "ann")
        assert named.content == {"by": "ann", "added": ["bob", "eve"], "removed": []}
        assert removed.content == {"by": "ann", "added": [], "removed": ["eve"]}
        with transaction(anns._context.db) as conn:
            conn.execute(text("UPDATE persons SET name = NULL WHERE name = 'eve'"))
        removed_names = anns.accounts.log("acme")[-1].content["removed"]
        assert isinstance(removed_names, list)
        assert [str(name)[:7] for name in removed_names] == ["person-"]


def test_the_command_line_shows_and_changes_them(
    engine_of: EngineOf, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert engine_of("owner")
    call = here(capsys, "--db", url, "--now", NOW.isoformat())
    words = ("account", "administrators", "acme")
    assert call(*words).out == "ann\n"
    changed = call("--json", *words, "--add", "bob", "--add", "eve", "--remove", "ann")
    assert changed.json == {"id": "acme", "administrators": ["bob", "eve"]}
    refused = call("--json", *words, "--by", "ann", "--add", "ann")
    assert (refused.code, refused.json["error"]["code"]) == (3, "not_administrator")
    assert "; bob, eve can name others" in refused.err
