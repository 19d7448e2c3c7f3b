"""Every cell of every promise has a test that says so, and one without is found."""

from __future__ import annotations

from pathlib import Path

from tests.promises_report import ROOT, Cell, Held, faults, held_by_tests, read_promises

TABLE = """\
| Promise | Statement | Where |
|---|---|---|
| `never-loud` | It is quiet. | `run`, `cancel`: local, aws; `usage` |
| `never-late` | It is early. | `run`: azure |
"""
SAYS = """\
import pytest

pytestmark = [pytest.mark.promise("never-loud", command="cancel", provider=("local", "aws"))]

@pytest.mark.parametrize(
    "name",
    [pytest.param("a", marks=pytest.mark.promise("never-late", command="run", provider="azure"))],
)
@pytest.mark.promise("never-loud", command="usage")
def test_quiet(): ...
"""


def test_every_cell_of_every_promise_has_a_test() -> None:
    promises = read_promises((ROOT / "docs" / "promises.md").read_text(encoding="utf-8"))
    assert list(faults(promises, held_by_tests(ROOT / "tests"))) == []
    assert len(promises) > 10


def test_the_table_and_the_marks_are_read(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(SAYS)
    loud, late = read_promises(TABLE)
    assert (loud.slug, loud.statement, late.cells) == (
        "never-loud",
        "It is quiet.",
        (Cell("run", "azure"),),
    )
    assert set(loud.cells) == {
        *(Cell(command, where) for command in ("run", "cancel") for where in ("local", "aws")),
        Cell("usage"),
    }
    assert {(each.slug, each.cells, each.test) for each in held_by_tests(tmp_path)} == {
        ("never-loud", (Cell("cancel", "local"), Cell("cancel", "aws")), "test_some.py::(all)"),
        ("never-late", (Cell("run", "azure"),), "test_some.py::test_quiet"),
        ("never-loud", (Cell("usage"),), "test_some.py::test_quiet"),
    }


def test_a_cell_without_a_test_and_one_that_is_promised_nowhere_are_found() -> None:
    promises = read_promises(TABLE + TABLE.splitlines()[-1] + "\n")
    held = [
        Held("never-late", (Cell("run", "azure"), Cell("run", "local")), "a::b"),
        Held("never-loud", promises[0].cells[1:], "a::c"),
    ]
    assert list(faults(promises, held)) == [
        "never-loud has no test for run, local",
        "never-late for run, local is promised nowhere, but a::b names it",
        "never-late stands twice in the table",
    ]
