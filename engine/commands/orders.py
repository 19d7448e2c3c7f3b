"""What comes before a run: its estimate, who pays for it, and its acceptance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.calibrating.place import as_measured
from engine.commands.accounts import AccountCommands
from engine.commands.catalogs import CatalogCommands
from engine.commands.targets import TargetCommands
from engine.planning.estimate import Estimate, estimate
from engine.runs.acceptance import (
    check_price_cap,
    on_demand_quote_of,
    order_hash,
    quote_of,
    time_scale_of,
)
from engine.runs.launching.placements import LOCAL, placements_of, providers_of
from engine.runs.states import Placement, Run, RunOrder
from engine.scenario import Scenario
from kernel.clock import SystemClock

if TYPE_CHECKING:
    from engine.runs.leases.lease import Lease
    from pricing.run_charges.funding import Funding


class OrderCommands(AccountCommands, CatalogCommands, TargetCommands):
    """Estimate, quote and accept runs."""

    _new_id: Callable[[], str]

    def estimate(
        self,
        scenario: Scenario,
        *,
        provider: str = "any",
        or_on: Sequence[str] = (),
        regions: Sequence[str] = (),
        account: str | None = None,
    ) -> Estimate:
        """What the scenario takes and costs; with an account, quoted under its plan.

        Counts with what was measured of the same test, where it was calibrated or has run.
        """
        plan = None if account is None else self._plan_of(account)
        return estimate(
            as_measured(scenario),
            catalog=self.catalog(),
            provider=provider,
            or_on=or_on,
            regions=regions,
            at=self.clock.now().date(),
            plan=plan,
        )

    def payment(self, planned: Estimate, *, account: str, department: str | None = None) -> Funding:
        """Who would pay for a run of the estimated test now, and how much.

        Raises:
            RefusedError: What a run would be refused with.
        """
        from pricing.accounts.advance import advance
        from pricing.run_charges import charges
        from pricing.subscriptions import subscriptions

        now = self.clock.now()
        with self._transaction() as conn:
            advance(conn, account, now, payer=self.payer)
            plan = subscriptions.latest(conn, account).plan
            return charges.preview(
                conn,
                account,
                quote_of(planned, plan, now),
                department=department,
                on_demand=on_demand_quote_of(planned, plan, now),
                now=now,
                payer=self.payer,
            )

    def accept(  # noqa: PLR0913 - one keyword an option of `loadmuster run`
        self,
        scenario: Scenario,
        *,
        account: str,
        department: str | None = None,
        provider: str = LOCAL,
        or_on: Sequence[str] = (),
        dry_run: bool = False,
        with_load: bool = False,
        spot: bool = False,
        regions: Sequence[str] = (),
        max_usd_micros: int | None = None,
        time_scale: float | None = None,
        request_id: str | None = None,
        lease: Lease | None = None,
    ) -> Run:
        """Quote the run, reserve what it will cost, and put it on record; nothing is launched.

        A run goes to the clouds ``or_on`` only where no place of ``provider`` has the machines;
        what it is charged stays the same.
        ``dry_run`` rehearses the cloud; ``with_load`` lets its machines, which are processes of
        this computer then, really load a target on loopback. ``spot`` takes machines that are
        cheaper and may be taken away. Before a run on a real cloud is put on record, the cloud is
        looked at: credentials, network, machine types, quotas. A new run is held by the ``lease``
        of who is going to drive it; without one it is free for whoever serves.

        Raises:
            BadInputError: The scenario cannot run there, or the account does not exist.
            RefusedError: Not enough credits or money in the wallet, above the cap, the account has
                not allowed the target, or the request id was used before.
            ProviderFailedError: The cloud refuses what the run needs, or does not answer.
        """
        from engine.readers.program_bundle import pack
        from engine.runs.leases.claims import hold
        from engine.runs.program_bundles import keep_bundle
        from engine.runs.runnable import check_folder, check_runnable
        from pricing.accounts.advance import advance
        from pricing.run_charges import charges
        from pricing.subscriptions import subscriptions

        now = self.clock.now()
        puts_load = with_load or not dry_run
        check_runnable(
            scenario, provider, or_on=or_on, rehearsal=dry_run, puts_load=puts_load, spot=spot
        )
        pace = time_scale_of(scenario, rehearsal=dry_run, puts_load=puts_load, wanted=time_scale)
        cloud = "any" if provider == LOCAL else provider
        planned = self.estimate(scenario, provider=cloud, or_on=or_on, regions=regions)
        placements = self._placements(planned, provider, or_on, rehearsal=dry_run)
        packed = pack(scenario.program) if scenario.program is not None and puts_load else None
        if not self._was_requested(account, request_id):
            self._look_at_clouds(
                planned.scenario,
                placements,
                account=account,
                rehearsal=dry_run,
                spot=spot,
                pace=pace,
            )
        with self._transaction() as conn:
            advance(conn, account, now, payer=self.payer)
            plan = subscriptions.latest(conn, account).plan
            quote = quote_of(planned, plan, now)
            order = RunOrder(
                run_id=self._new_id(),
                account_id=account,
                scenario=scenario,
                quote=quote,
                provider=provider,
                placements=placements,
                rehearsal=dry_run,
                time_scale=pace,
                accepted_at=now,
                department=department,
                puts_load=puts_load,
                spot=spot,
            )
            wish = order_hash(order, regions, or_on)
            if request_id is not None:
                known = self.store.find_request(conn, account, request_id, wish)
                if known is not None:
                    return self.store.load(known)
            fleets = [each for each in planned.clouds if each.provider in (provider, *or_on)]
            reserved = charges.reserve(
                conn,
                account,
                order.run_id,
                quote,
                rehearsal=dry_run,
                department=department,
                on_demand=on_demand_quote_of(planned, plan, now),
                now=now,
                payer=self.payer,
            )
            check_price_cap(reserved.quote, fleets, max_usd_micros)
            order = replace(order, quote=reserved.quote, department=reserved.department)
            check_folder(self.folder)
            if scenario.program is not None and packed is not None:
                keep_bundle(conn, scenario.program.bundle_key, packed)
            self.store.accept(conn, order, request_id=request_id, request_hash=wish)
            if lease is not None:
                hold(conn, order.run_id, lease, SystemClock().now())
        return self.store.load(order.run_id)

    def _placements(
        self, planned: Estimate, provider: str, or_on: Sequence[str], *, rehearsal: bool
    ) -> tuple[Placement, ...]:
        """Where the machines come from; places that refused a moment ago come last."""
        from engine.runs.launching.shortages import known_shortages

        with self._reading() as conn:
            short = known_shortages(conn, rehearsal=rehearsal, now=self.clock.now())
        return placements_of(planned, provider, self.catalog(), short, or_on=or_on)

    def _look_at_clouds(
        self,
        scenario: Scenario,
        placements: Sequence[Placement],
        *,
        account: str,
        rehearsal: bool,
        spot: bool,
        pace: float,
    ) -> None:
        """Whether the run could work in all clouds that it may go to; costs nothing."""
        clouds = providers_of(placements)
        for name in clouds:
            self._clouds.check_settings(name, rehearsal=rehearsal)
        if rehearsal or clouds == (LOCAL,):
            return
        self.check_target(account, scenario.target)
        load_s = scenario.profile.duration_s / pace
        self._clouds.check(placements, owner=account, spot=spot, load_s=load_s)

    def _was_requested(self, account: str, request_id: str | None) -> bool:
        """The same request again is answered, however its cloud looks by now."""
        if request_id is None:
            return False
        with self._reading() as conn:
            return self.store.was_requested(conn, account, request_id)
