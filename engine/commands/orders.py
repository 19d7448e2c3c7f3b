"""What comes before a run: it is prepared, it is known who pays for it, and it is accepted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from engine.calibrating.measured import counted_scenario
from engine.catalogs.in_use import catalog_in_use
from engine.clouds import LOCAL
from engine.commands.context import EngineContext
from engine.commands.targets import TargetCommands
from engine.planning.estimate import Estimate, estimate
from engine.planning.places import ANY_PROVIDER
from engine.readers.scenario_request import requested_scenario
from engine.runs.acceptance import (
    check_price_cap,
    on_demand_quote_of,
    order_hash,
    quote_of,
    time_scale_of,
)
from engine.runs.launching.placements import placements_of, providers_of
from engine.runs.model.states import Run, RunOrder
from engine.runs.prepared import PreparedRun
from engine.runs.request import RunRequest
from kernel.clock import SystemClock
from pricing.ledger.author import BegunCommand
from pricing.money import format_usd
from pricing.plans.on_sale import estimated_plans

if TYPE_CHECKING:
    import sqlalchemy

    from engine.runs.leases.lease import Lease
    from pricing.payments.gateway import PaymentGateway
    from pricing.plans.model import Plan
    from pricing.run_charges.funding import Funding


class RunAcceptance:
    """Prepares, quotes and accepts runs that are requested."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def prepare(self, request: RunRequest, now: datetime) -> PreparedRun:
        """Read, estimate and place the run; nothing is put on record and no cloud is asked.

        Raises:
            BadInputError: The scenario cannot be read, or not be run there.
        """
        from engine.runs.runnable import check_runnable

        scenario = requested_scenario(request)
        rehearsal, puts_load = request.dry_run, request.puts_load
        check_runnable(scenario, request.provider, rehearsal=rehearsal, puts_load=puts_load)
        pace = time_scale_of(
            scenario, rehearsal=rehearsal, puts_load=puts_load, wanted=request.time_scale
        )
        catalog = catalog_in_use(self._context.environment)
        planned = estimate(
            counted_scenario(request, scenario),
            catalog=catalog,
            provider=ANY_PROVIDER if request.provider == LOCAL else request.provider,
            or_on=request.or_on,
            at=now.date(),
            plans=estimated_plans(self._context.plans_file),
        )
        from engine.runs.launching.shortages import known_shortages

        # Places that refused a moment ago come last.
        with self._context.reading() as conn:
            short = known_shortages(conn, rehearsal=rehearsal, now=now)
        placements = placements_of(planned, request.provider, catalog, short, or_on=request.or_on)
        return PreparedRun(request, scenario, planned, placements, pace)

    def payment(
        self, planned: Estimate, *, account: str, department: str | None, now: datetime
    ) -> Funding:
        """Who would pay for a run of the estimated test, and how much.

        Raises:
            RefusedError: What a run would be refused with.
        """
        from pricing.run_charges.funding import preview
        from pricing.subscriptions import subscriptions

        with self._context.books_now(account, at=now) as books:
            plan = subscriptions.latest(books.conn, account).plan
            on_sale = self._context.plans_on_sale(now)
            return preview(
                books.conn,
                account,
                quote_of(planned, plan, now),
                department=department,
                on_demand=on_demand_quote_of(planned, plan, on_sale, now),
                on_sale=on_sale.values(),
                now=books.instant,
                gateway=books.gateway,
            )

    def accept(self, prepared: PreparedRun, lease: Lease | None, now: datetime) -> Run:
        """Quote the run, reserve what it will cost, and put it on record.

        Raises:
            LoadmusterError: As ``RunCommands.accept``.
        """
        from engine.readers.program.bundle import pack
        from engine.runs.leases.claims import hold
        from engine.runs.record.program_bundles import keep_bundle
        from engine.runs.runnable import check_folder
        from pricing.ledger.command_log import Outcome, note_command
        from pricing.run_charges import books

        use, request, planned = self._context, prepared.request, prepared.estimate
        program = prepared.scenario.program
        packed = pack(program) if program is not None and request.puts_load else None
        if not self._was_requested(request):
            self._look_at_clouds(prepared)
        charged_in = books.books_for(rehearsal=request.dry_run)
        run_id, on_sale = use.new_id(), use.plans_on_sale(now)

        def work(conn: sqlalchemy.Connection, *, gateway: PaymentGateway) -> str:
            plan = charged_in.plan_of(conn, request.account, now=now, gateway=gateway)
            order = _order(prepared, run_id, plan, now)
            wish = order_hash(order, request.regions, request.or_on, published=request.published)
            if request.request_id is not None:
                known = use.store.find_request(conn, request.account, request.request_id, wish)
                if known is not None:
                    sent = _sent(request, known)
                    note_command(conn, request.account, sent, at=now, outcome=Outcome.REPEATED)
                    return known
            note_command(conn, request.account, _sent(request, order.run_id), at=now)
            reserved = charged_in.reserve(
                conn,
                request.account,
                order.run_id,
                order.quote,
                department=request.department,
                on_demand=on_demand_quote_of(planned, plan, on_sale, now),
                on_sale=on_sale.values(),
                now=now,
                gateway=gateway,
            )
            check_price_cap(reserved, prepared.fleets, request.max_usd_micros)
            order = replace(order, quote=reserved.quote, department=reserved.department)
            check_folder(use.folder)
            if program is not None and packed is not None:
                keep_bundle(conn, program.bundle_key, packed)
            use.store.accept(conn, order, request_id=request.request_id, request_hash=wish)
            if lease is not None:
                hold(conn, order.run_id, lease, SystemClock().now())
            return order.run_id

        return use.store.load(use.settled(request.account, "run", work, now=now))

    def _look_at_clouds(self, prepared: PreparedRun) -> None:
        """Whether the run could work in all clouds that it may go to; costs nothing."""
        request, clouds = prepared.request, providers_of(prepared.placements)
        for name in clouds:
            self._context.clouds.check_settings(name, rehearsal=request.dry_run)
        if clouds == (LOCAL,):
            return
        scenario = prepared.estimate.scenario
        if request.dry_run:
            # What a real run would be refused for whatever its account has, at its own pace.
            self._context.clouds.check_length(clouds, scenario.profile.duration_s)
            return
        TargetCommands(self._context).check(request.account, scenario.target)
        self._context.clouds.check(
            prepared.placements,
            owner=request.account,
            spot=request.spot,
            load_s=scenario.profile.duration_s / prepared.time_scale,
        )

    def _was_requested(self, request: RunRequest) -> bool:
        """The same request again is answered, however its cloud looks by now."""
        if request.request_id is None:
            return False
        with self._context.reading() as conn:
            return self._context.store.was_requested(conn, request.account, request.request_id)


def _sent(request: RunRequest, run_id: str) -> BegunCommand:
    """The command that asks for the run, for the record."""
    chosen = {
        "run": run_id,
        "provider": request.provider,
        "department": request.department,
        "rehearsal": int(request.dry_run),
        "max_usd": None if request.max_usd_micros is None else format_usd(request.max_usd_micros),
    }
    return BegunCommand("run", chosen, request.request_id)


def _order(prepared: PreparedRun, run_id: str, plan: Plan, now: datetime) -> RunOrder:
    """What is accepted, as long as nothing says that another funding source pays."""
    request = prepared.request
    return RunOrder(
        run_id=run_id,
        account_id=request.account,
        scenario=prepared.scenario,
        quote=quote_of(prepared.estimate, plan, now),
        provider=request.provider,
        placements=prepared.placements,
        rehearsal=request.dry_run,
        time_scale=prepared.time_scale,
        accepted_at=now,
        department=request.department,
        puts_load=request.puts_load,
        spot=request.spot,
        queued=request.queue,
    )
