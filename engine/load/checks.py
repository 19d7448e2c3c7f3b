"""What is looked at before a load is accepted: can its engine play it, and is the engine there."""

from __future__ import annotations

import shutil

from engine.load import locust
from engine.load.driver import LoadEngineMissingError, UnrunnableScenarioError
from engine.load.shape import plan_users
from engine.load.tls import check_tls
from engine.load_engines import LOAD_ENGINES, LOCUST
from engine.scenario import Scenario
from engine.scenario.program import LoadProgram

_AGENT_NEEDS = ("curl", "tar", "awk")


def check_runnable(scenario: Scenario) -> None:
    """Refuse a scenario that its engine could not play, or must not.

    Raises:
        UnrunnableScenarioError: The message names the field and what would be right.
    """
    check_tls(scenario)
    if scenario.program is None:
        locust.check_runnable(scenario)
        return
    plan_users(scenario.profile)
    locust.check_target(scenario)
    if scenario.program.kind == LOCUST.name and scenario.user_classes:
        raise UnrunnableScenarioError(
            "user_classes: the locustfile says what its users do; leave one of the two out"
        )
    if scenario.reference_injector:
        raise UnrunnableScenarioError(
            f"reference_injector: {scenario.load_engine} has one load for all injectors; leave it "
            "out"
        )


def check_engine(scenario: Scenario, *, on_this_computer: bool) -> None:
    """See that the machines will have what plays the load.

    Args:
        scenario: Runnable.
        on_this_computer: Whether the machines are processes here, or a cloud's, which come bare.

    Raises:
        LoadEngineMissingError: The message says what to install, or to write.
    """
    program = scenario.program
    if program is None:
        locust.check_installed()
        return
    if program.kind == LOCUST.name:
        locust.check_installed()
    if on_this_computer:
        for name in _AGENT_NEEDS:
            if shutil.which(name) is None:
                raise LoadEngineMissingError(f"{name} is not on this computer; injectors need it")
    _check_command(program, on_this_computer=on_this_computer)


def _check_command(program: LoadProgram, *, on_this_computer: bool) -> None:
    engine = LOAD_ENGINES[program.kind]
    command = engine.command
    if command is None or program.prepare is not None or program.version is not None:
        return
    if on_this_computer and shutil.which(command) is not None:
        return
    where = "is not on this computer" if on_this_computer else "is not on a cloud's machines"
    fetch = "give load_engine a version: to fetch, or " if engine.fetches_version else ""
    raise LoadEngineMissingError(
        f"load_engine: {command} {where}; {fetch}let its prepare: install it",
        command=command,
    )
