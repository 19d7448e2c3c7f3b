"""The deliberate faults of ``make mutants`` still fit the code; running them all takes longer."""

from __future__ import annotations

import ast
import re

from msgspec.structs import replace

from tests.faults import FAULTS
from tests.faults.fault import Fault
from tests.faults.trees import ROOT, sound_tree
from tests.faults.trials import fork_server, run_tests
from tests.mutations import Verdict, try_all


def test_every_fault_has_its_place_and_its_tests() -> None:
    assert [fault.name for fault in FAULTS if not fault.fits(ROOT)] == []
    missing = {test for fault in FAULTS for test in fault.tests if not (ROOT / test).exists()}
    assert missing == set()
    assert [fault.name for fault in FAULTS if not names_tests(fault)] == []


def test_every_fault_can_be_run() -> None:
    for fault in FAULTS:
        if fault.file.endswith(".py"):
            text = (ROOT / fault.file).read_text(encoding="utf-8")
            ast.parse(text.replace(fault.right, fault.wrong, 1), fault.name)


def names_tests(fault: Fault) -> bool:
    """Whether the words that choose among a fault's tests are in them; a database is no word."""
    places = [ROOT / test for test in fault.tests]
    files = [file for each in places for file in (each, *each.rglob("test_*.py")) if file.is_file()]
    said = "".join(file.read_text(encoding="utf-8") for file in files)
    words = set(re.findall(r"\w+", fault.only)) - {"and", "or", "not", "sqlite"}
    return all(word in said for word in words)


def test_a_fault_is_caught_by_a_test_that_passes_without_it_and_a_harmless_one_survives() -> None:
    (real,) = (each for each in FAULTS if each.name == "a period lasts 30 days")
    harmless = replace(real, wrong=f" {real.right}")
    elsewhere = replace(real, right="no such line")
    untested = replace(real, only="no_such_test")
    server = fork_server()
    with sound_tree() as sound:
        tries = list(try_all([real, harmless, elsewhere, untested], server, sound))
        (test,) = (each.caught_by for each in tries if each.caught_by)
        assert test.startswith(real.tests[0])
        assert run_tests(server, sound, [test]).code == 0
    assert [each.verdict for each in tries] == [
        Verdict.CAUGHT,
        Verdict.SURVIVED,
        Verdict.STALE,
        Verdict.BROKEN,
    ]
