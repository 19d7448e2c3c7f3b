"""Many who write to one SQLite file take turns, and each waits a bounded time."""

from __future__ import annotations

import fcntl
import multiprocessing
import shutil
import time
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import pytest

from engine.database import open_database, transaction
from engine.database.errors import DatabaseBusyError
from engine.database.queue import SUFFIX, head_of_queue
from pricing.tables import ACCOUNTS, REQUESTS

WRITERS = 8
WRITES_S = 2.0
WHEN = datetime(2027, 1, 1, tzinfo=UTC)
LEAST_SHARE = 0.2
"""Of the mean; without turns some write once or thrice while others write hundreds of times."""


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated_file, tmp_path / "books.db"))


def keep_writing(file: Path, number: int, told: Pipe) -> None:
    """Write again and again; how often, and the longest wait."""
    db = open_database(f"sqlite:///{file}")
    told.send("ready")
    told.recv()
    until = time.monotonic() + WRITES_S
    count, longest_s = 0, 0.0
    while (began := time.monotonic()) < until:
        with transaction(db) as conn:
            request = {"account_id": "acme", "request_id": f"{number}-{count}", "command": "x"}
            conn.execute(REQUESTS.insert().values(**request, content_hash="y", made_at=WHEN))
        count, longest_s = count + 1, max(longest_s, time.monotonic() - began)
    told.send((count, longest_s))


def test_nobody_starves_while_others_go_on_writing(file: Path) -> None:
    with transaction(open_database(f"sqlite:///{file}")) as conn:
        conn.execute(
            ACCOUNTS.insert().values(
                id="acme",
                timezone="UTC",
                activated_at=WHEN,
                opened_at=WHEN,
                opening_hash="x",
                last_command_at=WHEN,
            )
        )
    fork = multiprocessing.get_context("fork")
    pipes = []
    processes = []
    for number in range(WRITERS):
        ours, theirs = fork.Pipe()
        process = fork.Process(target=keep_writing, args=(file, number, theirs), daemon=True)
        process.start()
        pipes.append(ours)
        processes.append(process)
    for pipe in pipes:
        assert pipe.recv() == "ready"
    for pipe in pipes:
        pipe.send("go")
    told = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    counts = [count for count, _ in told]
    mean = sum(counts) / WRITERS
    assert min(counts) >= LEAST_SHARE * mean, counts
    # A turn is one transaction of each of the others, as long as they take on average here.
    turn_s = WRITES_S / mean
    assert max(longest_s for _, longest_s in told) <= max(20 * turn_s, 1.0), told


def test_who_waits_too_long_is_told_that_others_write(file: Path) -> None:
    with Path(f"{file}{SUFFIX}").open("w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(DatabaseBusyError, match="other processes have been writing"),
            head_of_queue(file, wait_s=0.05),
        ):
            pytest.fail("somebody else has the place")


def test_the_place_is_free_again_whatever_becomes_of_who_had_it(file: Path) -> None:
    with pytest.raises(RuntimeError), head_of_queue(file, wait_s=1):
        raise RuntimeError
    with head_of_queue(file, wait_s=1):
        pass


def test_where_there_can_be_no_queue_the_database_is_written_all_the_same(file: Path) -> None:
    Path(f"{file}{SUFFIX}").mkdir()
    with transaction(open_database(f"sqlite:///{file}")) as conn:
        assert conn.execute(ACCOUNTS.select()).all() == []
