"""Runs, from their estimate on: prepared, accepted, and started here or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack, overload

from engine.calibrating.measured import counted_scenario
from engine.catalogs.in_use import catalog_in_use
from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from engine.commands.driven_runs import DrivenRunCommands
from engine.commands.former_names import FormerlyCalled
from engine.commands.orders import RunAcceptance
from engine.planning.estimate import Estimate, estimate
from engine.planning.places import ANY_PROVIDER
from engine.readers.scenario_request import (
    ScenarioOptions,
    requested_scenario,
    scenario_request,
)
from engine.runs.model.states import Run
from engine.runs.prepared import PreparedRun
from engine.runs.request import RunOptions, RunRequest, run_request
from engine.scenario import Scenario
from pricing.plans.on_sale import estimated_plans

if TYPE_CHECKING:
    from engine.runs.leases.lease import Lease
    from pricing.run_charges.funding import Funding

Given = Scenario | str | Path
"""A scenario, or the path of its file."""


@checked
class RunCommands(FormerlyCalled, DrivenRunCommands):
    """Runs, from their estimate to their end.

    ``prepare``, ``accept``, ``run`` and ``start`` take a ``RunRequest``, or a scenario (or the path
    of its file) with the fields of a request as keywords.
    """

    former_call = "runs"

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._acceptance = RunAcceptance(context)

    def estimate(
        self,
        given: Given | None = None,
        /,
        *,
        provider: str = ANY_PROVIDER,
        or_on: Sequence[str] = (),
        account: str | None = None,
        **options: Unpack[ScenarioOptions],
    ) -> Estimate:
        """What a load test takes and costs; nothing is put on record and no cloud is asked.

        Args:
            given: The scenario, or the path of its file.
            provider: ``aws``, ``azure``, or ``any`` for both.
            or_on: Clouds that may stand in for the provider.
            account: Quote under its plan.
            **options: The fields of a ``ScenarioRequest``, which change the scenario.

        Raises:
            BadInputError: The scenario cannot be read or estimated, or there is no such account.
        """
        from engine.commands.accounts import AccountCommands
        from pricing.tariffs import rates_file, read_rates

        request = scenario_request(given, options)
        plan = None if account is None else AccountCommands(self._context).plan_of(account)
        return estimate(
            counted_scenario(request, requested_scenario(request)),
            catalog=catalog_in_use(self._context.environment),
            provider=provider,
            or_on=or_on,
            at=self._context.clock.now().date(),
            plan=plan,
            plans=estimated_plans(self._context.plans_file),
            rates=read_rates(rates_file(self._context.environment)),
        )

    @overload
    def prepare(self, given: RunRequest, /) -> PreparedRun: ...

    @overload
    def prepare(
        self, given: Given | None = None, /, **options: Unpack[RunOptions]
    ) -> PreparedRun: ...

    def prepare(self, given: RunRequest | Given | None = None, /, **options: object) -> PreparedRun:
        """What would be started: read, estimated and placed; nothing is put on record.

        Raises:
            BadInputError: The request contradicts itself, or cannot be run.
        """
        return self._acceptance.prepare(run_request(given, options), self._context.clock.now())

    def payment(self, planned: Estimate, *, account: str, department: str | None = None) -> Funding:
        """Who would pay for a run of the estimated test now, and how much.

        Raises:
            RefusedError: What a run would be refused with.
        """
        return self._acceptance.payment(
            planned, account=account, department=department, now=self._context.clock.now()
        )

    @overload
    def accept(self, given: RunRequest | PreparedRun, /, *, lease: Lease | None = None) -> Run: ...

    @overload
    def accept(
        self,
        given: Given | None = None,
        /,
        *,
        lease: Lease | None = None,
        **options: Unpack[RunOptions],
    ) -> Run: ...

    def accept(
        self,
        given: RunRequest | PreparedRun | Given | None = None,
        /,
        *,
        lease: Lease | None = None,
        **options: object,
    ) -> Run:
        """Quote the run, reserve what it will cost, and put it on record; nothing is launched.

        What was prepared is accepted as it was shown. A run goes to the clouds ``or_on`` only
        where no place of ``provider`` has the machines; what it is charged stays the same. Before
        a run on a real cloud is put on record, the cloud is looked at: credentials, network,
        machine types, quotas. A new run is held by the ``lease`` of who is going to drive it;
        without one it is free for whoever serves.

        Raises:
            BadInputError: The scenario cannot run there, or the account does not exist.
            RefusedError: Not enough credits or money in the wallet, above the cap, the account has
                not allowed the target, or the request id was used before.
            ProviderFailedError: The cloud refuses what the run needs, or does not answer.
        """
        now = self._context.clock.now()
        if isinstance(given, PreparedRun):
            return self._acceptance.accept(given, lease, now)
        prepared = self._acceptance.prepare(run_request(given, options), now)
        return self._acceptance.accept(prepared, lease, now)

    @overload
    def run(self, given: RunRequest, /) -> Run: ...

    @overload
    def run(self, given: Given | None = None, /, **options: Unpack[RunOptions]) -> Run: ...

    def run(self, given: RunRequest | Given | None = None, /, **options: object) -> Run:
        """Accept the run and drive it in this process until it has ended.

        One that is to be queued or detached returns at once, as does one that was queued when it
        was asked for first, and still waits.
        """
        request = run_request(given, options)
        if request.queue or request.detach:
            return self.start(request)
        lease = self.new_lease()
        accepted = self.accept(request, lease=lease)
        return accepted if accepted.is_queued else self.drive(accepted.id, lease=lease)

    @overload
    def start(self, given: RunRequest, /) -> Run: ...

    @overload
    def start(self, given: Given | None = None, /, **options: Unpack[RunOptions]) -> Run: ...

    def start(self, given: RunRequest | Given | None = None, /, **options: object) -> Run:
        """Accept the run and leave it to a controller process of its own, or to whoever serves.

        One that was queued when it was asked for first is left to whoever serves.

        Raises:
            ControllerNotStartedError: It did not start; the run stays accepted.
        """
        request = run_request(given, options)
        accepted = self.accept(request)
        if not (request.queue or accepted.is_queued):
            self.detach(accepted.id)
        return accepted
