"""A run on demand is asked for its money once it is charged, before a machine is launched (C41)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.scenario import Scenario
from pricing.payments.play_bank import PlayBank

if TYPE_CHECKING:
    from engine.runs.controller import Controller
    from tests.engine.runs.conftest import Lab


def test_c41_a_run_is_asked_for_between_its_charge_and_its_launch(
    lab: Lab, checkout: Scenario
) -> None:
    gateway = PlayBank()
    run = lab.accept(checkout)
    plain = lab.controller

    def controller() -> Controller:
        made = plain()
        made.gateway = gateway
        return made

    lab.controller = controller  # type: ignore[method-assign]
    seen: list[list[str]] = []

    def look() -> None:
        seen.append([each.request.purpose for each in gateway.charges.values()])

    steps = ("accepted/RecordIntent/charged", "launching/Launch/before")
    lab.drive(run, at_step=dict.fromkeys(steps, look))
    assert seen == [[], [f"run:{run.id}"]]
    assert gateway.calls.total() == 1
