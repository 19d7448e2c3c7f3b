"""A script's own load against the one that is quoted: refused where they surely differ."""

from __future__ import annotations

from collections.abc import Iterator

from engine.planning.requirement import Requirement, peak_users, planned_seconds
from engine.scenario import Scenario
from engine.scenario.script_load import ScriptLoad
from kernel.durations import format_duration
from kernel.errors import BadInputError
from kernel.words import counted

DURATION_TOLERANCE_S = 1.0
"""Durations are quoted in whole seconds."""


class ScriptLoadError(BadInputError):
    """The script plays another load than would be quoted; facts: the users of both."""

    code = "script_load"


def check_script_load(scenario: Scenario, requirement: Requirement) -> None:
    """Refuse to quote a load that the script surely does not play.

    Raises:
        ScriptLoadError: With what would be right.
    """
    own = _script_load(scenario)
    if own is None:
        return
    quoted_users, injectors = peak_users(scenario), requirement.injectors
    users = own.users_on(injectors, quoted_users)
    if users is not None and users != quoted_users:
        on = f" on {counted(injectors, 'injector')}" if own.each_injector else ""
        raise ScriptLoadError(
            f"{own.where} plays {counted(users, 'user')}{on} whatever it is told, and "
            f"{quoted_users:,} would be quoted; {own.remedy}",
            script_users=users,
            users=quoted_users,
            injectors=injectors,
        )
    quoted_s = planned_seconds(scenario)
    if own.duration_s is not None and abs(own.duration_s - quoted_s) > DURATION_TOLERANCE_S:
        raise ScriptLoadError(
            f"{own.where} plays for {format_duration(round(own.duration_s))} whatever it is told, "
            f"and {format_duration(quoted_s)} would be quoted; {own.remedy}",
            script_duration_s=round(own.duration_s),
            duration_s=quoted_s,
        )


def script_warnings(scenario: Scenario) -> Iterator[str]:
    """What the script may play beyond the quote, where its file does not surely say."""
    own = _script_load(scenario)
    if own is None or own.users is not None:
        return
    quoted_users = peak_users(scenario)
    if own.users_most is not None and own.users_most <= quoted_users:
        return
    plays = (
        "how many users it plays cannot be told from the file"
        if own.users_most is None
        else f"it may play up to {counted(own.users_most, 'user')}"
    )
    yield f"{own.where}: {plays}; a run with more than the quoted {quoted_users:,} is ended"


def _script_load(scenario: Scenario) -> ScriptLoad | None:
    return None if scenario.program is None else scenario.program.script_load
