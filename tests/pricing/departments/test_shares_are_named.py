"""What an account's departments hold is named where the account's own credits do not suffice."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.api import Engine
from engine.readers import read_scenario
from kernel.clock import ManualClock
from pricing.run_charges.funding import InsufficientCreditsError

NOW = datetime(2026, 1, 25, 9, 0, tzinfo=UTC)
CHECKOUT = read_scenario(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")


def test_a_run_that_the_account_cannot_pay_is_told_what_its_departments_have(
    migrated_file: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"
    with Engine(url, clock=ManualClock(NOW), environment={}) as engine:
        engine.accounts.open("acme", plan="trial")
        engine.departments.add("acme", "idle")
        engine.departments.add("acme", "lab")
        engine.departments.allocate("acme", "lab", 30)
        with pytest.raises(InsufficientCreditsError) as refused:
            engine.runs.accept(CHECKOUT, account="acme", users=9)
    assert "0 are available besides what its departments have (30 in lab);" in refused.value.message
    assert refused.value.facts["available"] == 0
