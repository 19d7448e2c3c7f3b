"""What is said of a load whose target's certificate nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator

from engine.load.driver import UnrunnableScenarioError
from engine.load_engines import LOAD_ENGINES
from engine.scenario import Scenario

CA_FILE = "ca.pem"
"""The authorities, beside what else injectors and run folders hold."""


def check_tls(scenario: Scenario) -> None:
    """Refuse certificates that the load engine would not look at.

    Raises:
        UnrunnableScenarioError: With what would be right.
    """
    engine = LOAD_ENGINES[scenario.load_engine]
    if scenario.tls.ca_pem is not None and not engine.verifies_tls:
        raise UnrunnableScenarioError(
            f"tls.ca: {engine.title} takes any certificate, so no authority is asked; leave it out"
        )


def tls_warnings(scenario: Scenario) -> Iterator[str]:
    """That the certificate of the target was not verified, and why."""
    if not (scenario.target or "").lower().startswith("https:"):
        return
    engine = LOAD_ENGINES[scenario.load_engine]
    if not engine.verifies_tls:
        yield f"the target's certificate was not verified: {engine.title} takes any"
    elif not scenario.tls.verify:
        yield "the target's certificate was not verified: tls says verify: false"
