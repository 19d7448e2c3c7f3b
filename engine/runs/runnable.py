"""What is refused before anything is put on record: runs that could not be, or must not be."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.clouds import CLOUDS, LOCAL
from engine.load.checks import check_engine
from engine.load.checks import check_runnable as check_load
from engine.runs.targets import host_of, is_this_computer
from engine.scenario import Scenario
from kernel.errors import BadInputError


def check_runnable(
    scenario: Scenario,
    provider: str,
    *,
    rehearsal: bool,
    puts_load: bool,
    spot: bool,
    or_on: Sequence[str] = (),
) -> None:
    """Refuse what cannot run, before anything is put on record.

    Raises:
        BadInputError: A provider is unknown or cannot run this, or the load engine is missing.
    """
    _check_other_clouds(provider, or_on)
    if provider == LOCAL and rehearsal:
        raise BadInputError(
            "--dry-run rehearses a cloud; on this machine a run is real: drop --dry-run",
            provider=provider,
        )
    for name in (provider, *or_on):
        if name != LOCAL and name not in CLOUDS:
            raise not_offered(name)
        if spot and (name == LOCAL or not CLOUDS[name].has_spot):
            titles = " or ".join(cloud.title for cloud in CLOUDS.values() if cloud.has_spot)
            raise BadInputError(
                f"--spot is for runs on {titles}; {name!r} has no spot machines here", provider=name
            )
    if puts_load:
        check_load(scenario)
        check_engine(scenario, on_this_computer=provider == LOCAL)
    if puts_load and rehearsal:
        _check_on_this_computer(scenario)


def _check_other_clouds(provider: str, or_on: Sequence[str]) -> None:
    """A run may go from a cloud to another one, each named once."""
    if LOCAL in (provider, *or_on) and or_on:
        raise BadInputError(
            "--or-on takes a run from one cloud to another; this machine is none: name two clouds",
            provider=provider,
        )
    if len({provider, *or_on}) != 1 + len(or_on):
        raise BadInputError(
            f"--or-on names another cloud than --provider, once: not {provider}, then "
            + ", ".join(or_on),
            provider=provider,
        )


def _check_on_this_computer(scenario: Scenario) -> None:
    """Rehearsed machines are this computer, so what they load must be this computer too."""
    host = host_of(scenario.target)
    if not is_this_computer(host):
        raise BadInputError(
            f"target: {host!r} is not this computer; a dry run with load may only load a target on "
            "loopback, such as http://127.0.0.1:8080",
            target=host,
        )


def check_folder(folder: Path) -> None:
    """Refuse a run whose files could not be written; makes the folder if it is missing.

    Raises:
        BadInputError: The folder cannot be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = None if os.access(folder, os.W_OK | os.X_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise BadInputError(
            f"runs keep their files in {folder}, which cannot be written: {reason}; make it "
            "writable, or name a database beside which there is room",
            folder=str(folder),
        )


def not_offered(provider: str) -> BadInputError:
    """The error for a provider that there is not."""
    return BadInputError(
        f"runs on {provider!r} are not offered: use --provider local for load from this machine, "
        f"{' or '.join(CLOUDS)}",
        provider=provider,
    )
