"""What a caller asks for when a load test is to be run: one value for every face.

The options of ``loadmuster run``, the keywords of Python and a request over HTTP are the fields of
a ``RunRequest``; what does not go together is refused here, with the same line for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Required

from engine.clouds import CLOUDS, LOCAL, not_offered
from engine.readers.scenario_request import (
    ScenarioOptions,
    ScenarioRequest,
    check_scenario_request,
    fields_of,
)
from engine.scenario import Scenario
from kernel.arguments import BadArgumentError
from kernel.errors import BadInputError


class RunRequest(ScenarioRequest, frozen=True, kw_only=True):
    """A load test that is to be run, and how.

    Attributes:
        account: Who pays.
        department: Which of the account's departments runs it; None: the account itself.
        provider: Whose machines put the load on: ``local``, or one of ``engine.clouds.CLOUDS``.
        or_on: Other clouds to go to where the first has no machines left, in this order.
        spot: Cheaper machines, which the cloud may take away.
        dry_run: On a rehearsed cloud, where no machine is real.
        with_load: The rehearsed machines are processes of this computer, and load a target on it.
        time_scale: Seconds of a rehearsed test that one second plays; None: chosen.
        max_usd_micros: Refuse a run above this price.
        request_id: The caller's own id of this request: the same again is answered, and does
            nothing.
        detach: Return at once; a process of its own drives the run.
        queue: Return at once; whoever serves drives the run.
    """

    account: str
    department: str | None = None
    provider: str = LOCAL
    or_on: tuple[str, ...] = ()
    spot: bool = False
    dry_run: bool = False
    with_load: bool = False
    time_scale: float | None = None
    max_usd_micros: int | None = None
    request_id: str | None = None
    detach: bool = False
    queue: bool = False

    @property
    def puts_load(self) -> bool:
        """Whether machines put load on the target; rehearsed ones do only where it is wanted."""
        return self.with_load or not self.dry_run

    @property
    def clouds(self) -> tuple[str, ...]:
        """Where its machines may come from, the first choice first."""
        return (self.provider, *self.or_on)


class RunOptions(ScenarioOptions, total=False):
    """The fields of a ``RunRequest`` as keywords."""

    account: Required[str]
    department: str | None
    provider: str
    or_on: Sequence[str]
    spot: bool
    dry_run: bool
    with_load: bool
    time_scale: float | None
    max_usd_micros: int | None
    request_id: str | None
    detach: bool
    queue: bool


def run_request(
    given: RunRequest | Scenario | str | Path | None, options: Mapping[str, Any]
) -> RunRequest:
    """The request that a caller made, as a whole or as a scenario with keywords.

    Raises:
        BadInputError: It contradicts itself.
        BadArgumentError: Keywords beside a whole request, a keyword that there is not, or something
            of the wrong kind.
    """
    if isinstance(given, RunRequest):
        if options:
            raise BadArgumentError(
                f"a RunRequest is whole: put {', '.join(options)} into it",
                argument=next(iter(options)),
            )
        request = given
    else:
        request = RunRequest(**fields_of(RunRequest, given, options))
    check_run_request(request)
    return request


def check_run_request(request: RunRequest) -> None:
    """Refuse what does not go together, before any file is read and any cloud is asked.

    Raises:
        BadInputError: One line that says what, and what would be right.
    """
    check_scenario_request(request)
    _check_clouds(request)
    if request.queue and request.detach:
        raise BadInputError(
            "--queue leaves the run to whoever serves, --detach to a process of its own: choose one"
        )
    if request.time_scale not in (None, 1.0) and not request.dry_run:
        raise BadInputError("--speed is for --dry-run: a real test plays in real time")
    if request.with_load and not request.dry_run:
        raise BadInputError("--with-load is for --dry-run: a real test always puts its load on")
    if request.max_usd_micros is not None and request.max_usd_micros < 0:
        raise BadInputError("--max-usd: a price is 0 or more")
    if request.request_id is not None:
        from pricing.ledger.idempotency import check_request_id

        check_request_id(request.request_id)


def _check_clouds(request: RunRequest) -> None:
    """A run may go from a cloud to another one, each named once."""
    provider, or_on = request.provider, request.or_on
    if LOCAL in request.clouds and or_on:
        raise BadInputError(
            "--or-on takes a run from one cloud to another; this machine is none: name two clouds",
            provider=provider,
        )
    if len(set(request.clouds)) != len(request.clouds):
        raise BadInputError(
            f"--or-on names another cloud than --provider, once: not {provider}, then "
            + ", ".join(or_on),
            provider=provider,
        )
    if provider == LOCAL and request.dry_run:
        raise BadInputError(
            "--dry-run rehearses a cloud, and on this machine a run is real: name the cloud, "
            + " or ".join(f"--provider {name}" for name in CLOUDS),
            provider=provider,
        )
    for name in request.clouds:
        if name != LOCAL and name not in CLOUDS:
            raise not_offered(name)
        if request.spot and (name == LOCAL or not CLOUDS[name].has_spot):
            titles = " or ".join(cloud.title for cloud in CLOUDS.values() if cloud.has_spot)
            raise BadInputError(
                f"--spot is for runs on {titles}; {name!r} has no spot machines here", provider=name
            )
