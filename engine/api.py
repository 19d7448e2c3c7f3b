"""The Python API: everything that the command line does, as methods with the same names.

    from engine import Engine, read_scenario

    engine = Engine(database_url="sqlite:///loads.db")
    engine.open_account("acme", plan="starter")
    run = engine.start(read_scenario("checkout.yaml"), account="acme", provider="local")
    run = engine.wait(run.id)
    print(run.outcome, engine.show(run.id).bill)

``run`` drives a run in this process until it has ended; ``start`` leaves it to a process of its
own and returns at once; ``wait`` and ``cancel`` work on either, from any process.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.accounts import AccountCommands
from engine.commands.departments import DepartmentCommands
from engine.commands.doctor import DoctorCommands
from engine.commands.reports import ReportCommands
from engine.commands.serving import ServingCommands
from engine.commands.targets import TargetCommands
from engine.planning.estimate import Estimate, estimate
from engine.runs.acceptance import (
    check_price_cap,
    on_demand_quote_of,
    order_hash,
    quote_of,
    time_scale_of,
)
from engine.runs.alternatives import LOCAL, placements_of
from engine.runs.errors import DriveTimeoutError, LeaseLostError
from engine.runs.states import Order, Run
from engine.scenario import Scenario
from kernel.clock import Clock, SystemClock
from pricing.catalog import Catalog
from providers.settings import AwsSettings, aws_settings

if TYPE_CHECKING:
    import sqlalchemy

    from engine.runs.connect import Clouds
    from engine.runs.controller import Controller
    from engine.runs.decide import Observed
    from engine.runs.lease import Lease
    from engine.runs.store import RunStore
    from engine.runs.view import RunView
    from pricing.books.charges_payers import Payment

WAIT_POLL_S = 0.2
WAIT_S_MAX = 24 * 3600.0


def new_run_id() -> str:
    """A random id that is easy to read aloud and to paste."""
    return f"run-{secrets.token_hex(5)}"


class Engine(
    AccountCommands,
    DepartmentCommands,
    DoctorCommands,
    ReportCommands,
    ServingCommands,
    TargetCommands,
):
    """Estimates, runs, cancels and bills load tests against one database.

    Args:
        database_url: SQLAlchemy URL; None: a SQLite file in the user's data folder.
        clock: Time; a test clock makes everything behave as at another instant.
        folder: Where runs keep their files; default: beside the database.
        new_id: Makes run ids.
        aws: Bucket and network of real runs on AWS; None: as the environment says.
        rehearsal_url: A rehearsed AWS that runs share; default: each run has its own.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        clock: Clock | None = None,
        folder: Path | None = None,
        new_id: Callable[[], str] = new_run_id,
        aws: AwsSettings | None = None,
        rehearsal_url: str | None = None,
    ) -> None:
        self._url = database_url
        self.clock = clock or SystemClock()
        self._folder = folder
        self._new_id = new_id
        self._aws = aws
        self._rehearsal_url = rehearsal_url

    @cached_property
    def _db(self) -> sqlalchemy.Engine:
        from engine.database import open_database

        return open_database(self._url)

    @cached_property
    def store(self) -> RunStore:
        """The runs as they are on record."""
        from engine.runs.store import RunStore

        return RunStore(self._db)

    @cached_property
    def _clouds(self) -> Clouds:
        return self._clouds_in(self.folder)

    def _clouds_in(self, folder: Path) -> Clouds:
        from engine.runs.connect import Clouds

        aws = self._aws if self._aws is not None else aws_settings(os.environ)
        return Clouds(folder, self.clock, aws, self._rehearsal_url)

    @cached_property
    def folder(self) -> Path:
        """Where runs keep their files, and what marks this installation's local machines."""
        return self._folder or folder_beside(self._db.url)

    def close(self) -> None:
        """Let go of the database; the next call opens it again."""
        if "_db" in self.__dict__:
            self._db.dispose()

    def estimate(
        self,
        scenario: Scenario,
        *,
        provider: str = "any",
        regions: Sequence[str] = (),
        account: str | None = None,
    ) -> Estimate:
        """What the scenario takes and costs; with an account, quoted under its plan."""
        plan = None if account is None else self._plan_of(account)
        return estimate(
            scenario,
            catalog=Catalog.bundled(),
            provider=provider,
            regions=regions,
            at=self.clock.now().date(),
            plan=plan,
        )

    def payment(self, planned: Estimate, *, account: str, department: str | None = None) -> Payment:
        """Who would pay for a run of the estimated test now, and how much.

        Raises:
            RefusedError: What a run would be refused with.
        """
        from engine.database import transaction
        from pricing import accounts
        from pricing.books import charges
        from pricing.life import subscriptions

        now = self.clock.now()
        with transaction(self._db) as conn:
            accounts.advance(conn, account, now, payer=self.payer)
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
        from engine.database import reading, transaction
        from engine.runs.claims import hold
        from engine.runs.runnable import check_folder, check_runnable
        from engine.runs.shortages import known_shortages
        from pricing import accounts
        from pricing.books import charges
        from pricing.life import subscriptions

        now = self.clock.now()
        puts_load = with_load or not dry_run
        check_runnable(scenario, provider, rehearsal=dry_run, puts_load=puts_load, spot=spot)
        pace = time_scale_of(scenario, rehearsal=dry_run, puts_load=puts_load, wanted=time_scale)
        cloud = "any" if provider == LOCAL else provider
        planned = self.estimate(scenario, provider=cloud, regions=regions)
        with reading(self._db) as conn:
            short = known_shortages(conn, provider, rehearsal=dry_run, now=now)
        placements = placements_of(planned, provider, Catalog.bundled(), short)
        if provider != LOCAL and not dry_run and not self._was_requested(account, request_id):
            self._clouds.check_settings(provider)
            self.check_target(account, scenario.target)
            self._clouds.check(provider, placements, owner=account, spot=spot)
        with transaction(self._db) as conn:
            accounts.advance(conn, account, now, payer=self.payer)
            plan = subscriptions.latest(conn, account).plan
            quote = quote_of(planned, plan, now)
            order = Order(
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
            wish = order_hash(order, regions)
            if request_id is not None:
                known = self.store.find_request(conn, account, request_id, wish)
                if known is not None:
                    return self.store.load(known)
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
            check_price_cap(reserved.quote, planned, max_usd_micros)
            order = replace(order, quote=reserved.quote, department=reserved.department)
            check_folder(self.folder)
            self.store.accept(conn, order, request_id=request_id, request_hash=wish)
            if lease is not None:
                hold(conn, order.run_id, lease, SystemClock().now())
        return self.store.load(order.run_id)

    def _was_requested(self, account: str, request_id: str | None) -> bool:
        """The same request again is answered, however its cloud looks by now."""
        with self._reading() as conn:
            return request_id is not None and self.store.was_requested(conn, account, request_id)

    def run(
        self,
        scenario: Scenario,
        *,
        account: str,
        department: str | None = None,
        provider: str = LOCAL,
        dry_run: bool = False,
        spot: bool = False,
        request_id: str | None = None,
    ) -> Run:
        """Accept the run and drive it in this process until it has ended."""
        lease = self.new_lease()
        accepted = self.accept(
            scenario,
            account=account,
            department=department,
            provider=provider,
            dry_run=dry_run,
            spot=spot,
            request_id=request_id,
            lease=lease,
        )
        return self.drive(accepted.id, lease=lease)

    def start(
        self,
        scenario: Scenario,
        *,
        account: str,
        department: str | None = None,
        provider: str = LOCAL,
        dry_run: bool = False,
        spot: bool = False,
        request_id: str | None = None,
    ) -> Run:
        """Accept the run and leave it to a controller process of its own."""
        accepted = self.accept(
            scenario,
            account=account,
            department=department,
            provider=provider,
            dry_run=dry_run,
            spot=spot,
            request_id=request_id,
        )
        self.detach(accepted.id)
        return accepted

    def detach(self, run_id: str) -> None:
        """Start a controller process for the run; it outlives this one."""
        from engine.runs.detached import spawn

        test_clock = None if isinstance(self.clock, SystemClock) else self.clock.now()
        spawn(run_id, self._db.url, self.folder, test_clock=test_clock)

    def drive(
        self,
        run_id: str,
        *,
        watch: Callable[[Run, Observed], None] | None = None,
        cancel_wanted: Callable[[], bool] | None = None,
        stop_wanted: Callable[[], bool] | None = None,
        lease: Lease | None = None,
    ) -> Run:
        """Drive the run here until it has ended; also one whose controller died.

        Args:
            run_id: The run.
            watch: Told what is observed, several times a second.
            cancel_wanted: Asked as often; true ends the run.
            stop_wanted: Asked as often; true leaves the run, open, to the next controller.
            lease: Under which the run is held already.

        Raises:
            LeaseLostError: Another controller drives it.
            ProviderFailedError: Its machines could not be proven gone.
        """
        controller = self.controller(lease)
        if watch is not None:
            controller.watch = watch
        if cancel_wanted is not None:
            controller.cancel_wanted = cancel_wanted
        if stop_wanted is not None:
            controller.stop_wanted = stop_wanted
        run = controller.drive(run_id)
        self._clouds.close(run)
        return run

    def cancel(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> Run:
        """Ask for the run's end and return once its machines are proven gone.

        Cancelling twice, or after the end, changes nothing.
        """
        self.store.load(run_id)
        self.store.request_cancel(run_id, self.clock.now())
        return self.wait(run_id, timeout_s=timeout_s)

    def wait(self, run_id: str, *, timeout_s: float = WAIT_S_MAX) -> Run:
        """Return the run once it has ended; drive it here if nobody else does.

        Raises:
            DriveTimeoutError: It is still open after ``timeout_s``.
        """
        for _ in range(int(timeout_s / WAIT_POLL_S) + 1):
            run = self.store.load(run_id)
            if run.ended:
                return run
            try:
                return self.drive(run_id)
            except LeaseLostError:
                self.clock.sleep(WAIT_POLL_S)
        raise DriveTimeoutError(
            f"run {run_id} is still {run.state} after {timeout_s:.0f} s; its controller goes on",
            run=run_id,
            state=run.state.value,
        )

    def show(self, run_id: str) -> RunView:
        """The run with its timeline and its bill."""
        from engine.database import reading
        from engine.runs.view import RunView
        from pricing.books import charges

        run = self.store.load(run_id)
        with reading(self._db) as conn:
            bill = charges.bill_of(conn, run_id)
        return RunView(run, self.store.timeline(run_id), bill)

    def runs(self, account: str | None = None) -> Sequence[Run]:
        """All runs, newest first; of one account if named."""
        return self.store.list(account_id=account)

    def new_lease(self) -> Lease:
        """A lease of this process that no run is held by yet."""
        from engine.runs.lease import new_lease

        return new_lease(secrets.token_hex(4))

    def controller(self, lease: Lease | None = None) -> Controller:
        """A controller for callers that want to watch every step; without a lease, its own."""
        from engine.runs.controller import Controller

        return Controller(
            db=self._db,
            open_cloud=lambda run: self._clouds.open(run, self.store),
            clock=self.clock,
            folder=self.folder,
            lease=lease or self.new_lease(),
            payer=self.payer,
        )


def folder_beside(url: sqlalchemy.URL) -> Path:
    """The folder for the runs of a database: beside a file, in the user's data folder otherwise."""
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(f"{url.database}.runs").absolute()
    from platformdirs import user_data_path

    name = hashlib.sha256(url.render_as_string(hide_password=True).encode()).hexdigest()[:16]
    return user_data_path("loadmuster") / f"{name}.runs"
