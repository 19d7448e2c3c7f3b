"""The deliberate faults of ``make mutants`` still fit the code; running them takes longer."""

from __future__ import annotations

from tests.faults import FAULTS
from tests.mutations import ROOT


def test_every_fault_has_its_place_and_its_tests() -> None:
    assert [fault.name for fault in FAULTS if not fault.fits(ROOT)] == []
    missing = {test for fault in FAULTS for test in fault.tests if not (ROOT / test).exists()}
    assert missing == set()
