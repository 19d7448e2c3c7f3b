"""Why injectors failed: told once, however many processes say it."""

from __future__ import annotations

import pytest

from engine.load.sliced.reasons import Reason, is_the_load, told_once

IMPORT = "the load generator failed: own.py:1: ModuleNotFoundError: No module named 'x'"


def said(*texts: str) -> list[Reason]:
    """One after the other, by machines of which each has two processes."""
    return [Reason(f"machine-{number // 2:05}", text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "injectors", "line"),
    [
        ((), 3, ""),
        ((IMPORT, IMPORT), 1, IMPORT),
        ((IMPORT,) * 6, 3, f"3 of 3 injectors: {IMPORT}"),
        ((IMPORT,) * 2, 3, f"1 of 3 injectors: {IMPORT}"),
        (
            ("own.py ended the load itself after 3 s", "own.py ended the load itself after 4 s"),
            1,
            "own.py ended the load itself after 3 s",
        ),
        (("a", "a", "b", "a"), 2, "2 of 2 injectors: a; 1 of 2 injectors: b"),
        (("a", "b", "c", "d"), 1, "a; b; c; and 1 other reason"),
        (("a", "b", "c", "d", "e"), 1, "a; b; c; and 2 other reasons"),
    ],
)
def test_a_reason_is_told_once_with_how_many_injectors_it_was(
    texts: tuple[str, ...], injectors: int, line: str
) -> None:
    assert told_once(said(*texts), injectors) == line


def test_a_load_fails_where_its_engine_or_its_own_preparation_does() -> None:
    assert is_the_load(said(IMPORT), prepares=False)
    assert is_the_load(said("cannot get ready: No matching distribution"), prepares=True)
    assert not is_the_load(said("cannot get ready: apt-get is not there"), prepares=False)
    assert not is_the_load(said("the work cannot be fetched"), prepares=True)


def test_a_load_generator_that_ends_without_a_word_is_still_the_load() -> None:
    silent = said("the load generator failed:")
    assert is_the_load(silent, prepares=False)
    assert told_once(silent, 1) == "the load generator failed, and did not say why"
