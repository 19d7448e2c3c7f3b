"""Sentences end their lines between words on a terminal, and stay one line in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

WIDTH = 40


def printed_at_a_terminal(*line: str, home: Path) -> list[str]:
    """The lines that a terminal of 40 columns gets."""
    master, slave = pty.openpty()
    environment = {**os.environ, "HOME": str(home), "COLUMNS": str(WIDTH), "NO_COLOR": "1"}
    try:
        subprocess.run(
            [sys.executable, "-m", "loadmuster.cli", *line],
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            env=environment,
            check=True,
            timeout=60,
        )
    finally:
        os.close(slave)
    with os.fdopen(master, "rb", buffering=0) as terminal:
        return terminal.read(65536).decode().replace("\r", "").splitlines()


@pytest.mark.parametrize(
    "command", [("billing", "seller"), ("account", "targets", "acme"), ("books", "months")]
)
def test_sentences_are_wrapped_between_words(command: tuple[str, ...], tmp_path: Path) -> None:
    database = ("--db", f"sqlite:///{tmp_path}/books.db")
    printed_at_a_terminal(*database, "account", "open", "acme", home=tmp_path)

    lines = printed_at_a_terminal(*database, *command, home=tmp_path)

    piped = subprocess.run(
        [sys.executable, "-m", "loadmuster.cli", *database, *command],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    ).stdout
    assert len(lines) > 1
    assert all(len(line) <= WIDTH for line in lines), lines
    assert " ".join(lines).split() == piped.split()


def test_nothing_but_an_injectors_own_lines_is_left_to_the_terminal() -> None:
    kept_whole = {
        path.name
        for path in Path("loadmuster/cli").glob("*.py")
        if "soft_wrap=True" in path.read_text(encoding="utf-8")
    }
    assert kept_whole == {"logs.py"}
