"""The Python API: everything that the command line does, in rooms with the nouns of its commands.

from loadmuster import Engine, estimate, read_scenario

scenario = read_scenario("checkout.yaml")
print(estimate(scenario).requirement.li_minutes, "LI-minutes")
with Engine(database_url="sqlite:///loads.db") as engine:
    engine.accounts.open("acme", plan="starter")
    run = engine.run(scenario, account="acme", provider="aws", dry_run=True)
    print(run.outcome, engine.runs.show(run.id).bill)
"""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, cast, overload

from engine.clouds import CLOUDS
from engine.clouds.aws import AWS
from engine.clouds.azure import AZURE
from engine.commands.context import EngineContext
from kernel.arguments import check_argument
from kernel.clock import Clock, SystemClock
from kernel.data_folder import DATABASE_VARIABLE
from kernel.key_log import put_aside_unusable_key_log
from pricing.accounts.owner import OWNER
from pricing.ledger.author import Via
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentGateway
from pricing.taxes.table import SHIPPED

if TYPE_CHECKING:
    from types import TracebackType

    import sqlalchemy

    from engine.commands.accounts import AccountCommands
    from engine.commands.billing import BillingCommands
    from engine.commands.calibrations import CalibrationCommands
    from engine.commands.catalogs import CatalogCommands
    from engine.commands.database import DatabaseCommands
    from engine.commands.departments import DepartmentCommands
    from engine.commands.doctor import DoctorCommands
    from engine.commands.reaper import ReaperCommands
    from engine.commands.reports import ReportCommands
    from engine.commands.runs import RunCommands
    from engine.commands.serving import ServingCommands
    from engine.commands.targets import TargetCommands
    from engine.commands.tariffs import TariffCommands
    from engine.planning.estimate import Estimate
    from engine.readers.scenario_request import ScenarioOptions
    from engine.runs.clouds.registry import CloudRegistry
    from engine.runs.model.states import Run
    from engine.runs.request import RunOptions, RunRequest
    from engine.scenario import Scenario
    from pricing.taxes.service import TaxService
    from providers.settings import AwsSettings, AzureSettings

R = TypeVar("R")


def new_run_id() -> str:
    """A random id that is easy to read aloud and to paste."""
    return f"run-{secrets.token_hex(5)}"


class Engine:
    """Estimates, runs, cancels and bills load tests against one database.

    Each noun of the command line is a room: ``engine.accounts.upgrade``, ``engine.runs.start``.
    A room's commands take and return typed values, are one transaction each, and do nothing when
    their ``request_id`` has been answered before. Errors are ``kernel.errors.LoadmusterError``
    with an exit code, one line and the facts behind it.

    An engine opens its database when that is first needed. It is a context manager, and ``close``
    lets go of the database at once.

    Args:
        database_url: SQLAlchemy URL; None: what ``LOADMUSTER_DB`` says in the environment, as for
            the command line, or else a SQLite file in the user's data folder.
        clock: Time; a test clock makes everything behave as at another instant.
        folder: Where runs keep their files; default: beside the database.
        new_id: Makes run ids; default: random ones.
        gateway: Collects money, and says whether it does (``collects``). The default only
            rehearses: it accepts all but its test cards, and collects nothing.
        tax_service: Knows how sales are taxed; it is asked as billing details are set, and what it
            tells is put on record. Default: the table of the EU's rates that ships.
        aws: Bucket and network of real runs on AWS; None: as the environment says.
        azure: Subscription and storage of real runs on Azure; None: as the environment says.
        user: Who is known to use the engine: usage, billing and cancellations are for an account's
            administrators. Default: the owner of the installation, who sees all accounts, and may
            ask in the name of others.
        via: What commands come through, for the log of who did what; default: this API.
        rehearsal_url: A rehearsed cloud that runs share; default: each run has its own.
        environment: What is read of the environment; default: this process's.
    """

    __slots__ = ("_context", "_rooms")

    def __init__(  # noqa: PLR0913 - one keyword for each thing that an engine is given
        self,
        database_url: str | None = None,
        *,
        clock: Clock | None = None,
        folder: Path | None = None,
        new_id: Callable[[], str] | None = None,
        gateway: PaymentGateway | None = None,
        tax_service: TaxService | None = None,
        aws: AwsSettings | None = None,
        azure: AzureSettings | None = None,
        user: str = OWNER,
        via: Via = Via.API,
        rehearsal_url: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        for name, value, kinds in (
            ("database_url", database_url, "str | URL | None"),
            ("folder", folder, "Path | None"),
            ("new_id", new_id, "Callable[[], str] | None"),
            ("user", user, "str"),
            ("rehearsal_url", rehearsal_url, "str | None"),
        ):
            check_argument(name, value, kinds)
        time = clock or SystemClock()
        variables = os.environ if environment is None else environment
        said = {AWS.name: aws, AZURE.name: azure}

        def open_db() -> sqlalchemy.Engine:
            from engine.database import open_database

            named = database_url or variables.get(DATABASE_VARIABLE) or None
            return open_database(named, at_first_write=True)

        def open_clouds(runs_folder: Path) -> CloudRegistry:
            from engine.runs.clouds.registry import CloudRegistry

            # The SDKs of clouds look at this process's own.
            if (unusable := put_aside_unusable_key_log(os.environ)) is not None:
                warnings.warn(unusable, stacklevel=2)
            settings = {
                name: said.get(name) or cloud.settings_in(variables)
                for name, cloud in CLOUDS.items()
            }
            return CloudRegistry(runs_folder, time, settings, rehearsal_url)

        self._rooms: dict[type[object], object] = {}
        self._context = EngineContext(
            open_db=open_db,
            open_clouds=open_clouds,
            clock=time,
            gateway=REHEARSED_GATEWAY if gateway is None else gateway,
            taxes=SHIPPED if tax_service is None else tax_service,
            user=user,
            via=via,
            environment=variables,
            new_id=new_id or new_run_id,
            new_token=lambda: secrets.token_hex(8),
            runs_folder=folder,
        )

    @overload
    def run(self, given: RunRequest, /) -> Run: ...

    @overload
    def run(
        self, given: Scenario | str | Path | None = None, /, **options: Unpack[RunOptions]
    ) -> Run: ...

    def run(
        self, given: RunRequest | Scenario | str | Path | None = None, /, **options: Any
    ) -> Run:
        """Run a load test in this process until it has ended: ``engine.runs.run``."""
        return self.runs.run(cast("Scenario", given), **options)

    def estimate(
        self,
        given: Scenario | str | Path | None = None,
        /,
        *,
        provider: str = "any",
        or_on: Sequence[str] = (),
        account: str | None = None,
        **options: Unpack[ScenarioOptions],
    ) -> Estimate:
        """What a load test takes and costs: ``engine.runs.estimate``."""
        return self.runs.estimate(given, provider=provider, or_on=or_on, account=account, **options)

    @property
    def accounts(self) -> AccountCommands:
        """Accounts: open, show, list; their plan up, down, on demand; boost, cancel, renew, pay."""
        from engine.commands.accounts import AccountCommands

        return self._room(AccountCommands)

    @property
    def departments(self) -> DepartmentCommands:
        """Departments of an account: add, allocate, limit, show, list."""
        from engine.commands.departments import DepartmentCommands

        return self._room(DepartmentCommands)

    @property
    def targets(self) -> TargetCommands:
        """Hosts that an account's runs may load from a cloud: allow, forbid, list, check."""
        from engine.commands.targets import TargetCommands

        return self._room(TargetCommands)

    @property
    def runs(self) -> RunCommands:
        """Runs: estimate, prepare, accept, run, start, drive, wait, cancel, show, list."""
        from engine.commands.runs import RunCommands

        return self._room(RunCommands)

    @property
    def reports(self) -> ReportCommands:
        """What the books say of an account: ledger, invoices, usage, and advice on plans."""
        from engine.commands.reports import ReportCommands

        return self._room(ReportCommands)

    @property
    def billing(self) -> BillingCommands:
        """Who is named on invoices: the customer of an account, and the seller."""
        from engine.commands.billing import BillingCommands

        return self._room(BillingCommands)

    @property
    def tariffs(self) -> TariffCommands:
        """What load-testing services cost, and one's own contract rates: list, set, unset."""
        from engine.commands.tariffs import TariffCommands

        return self._room(TariffCommands)

    @property
    def calibrations(self) -> CalibrationCommands:
        """What one user of a test takes of an injector, measured here or on a cloud."""
        from engine.commands.calibrations import CalibrationCommands

        return self._room(CalibrationCommands)

    @property
    def catalog(self) -> CatalogCommands:
        """Machine types and prices: the current ones, refresh, versions, use."""
        from engine.commands.catalogs import CatalogCommands

        return self._room(CatalogCommands)

    @property
    def serving(self) -> ServingCommands:
        """The controller that runs what is queued, and what others left behind: serve."""
        from engine.commands.serving import ServingCommands

        return self._room(ServingCommands)

    @property
    def reaper(self) -> ReaperCommands:
        """Machines that outlived their run: reap, places; and whether anybody looks for them."""
        from engine.commands.reaper import ReaperCommands

        return self._room(ReaperCommands)

    @property
    def doctor(self) -> DoctorCommands:
        """What a run needs and what is missing: examine; the least that it must be allowed."""
        from engine.commands.doctor import DoctorCommands

        return self._room(DoctorCommands)

    @property
    def db(self) -> DatabaseCommands:
        """The database as a whole: check."""
        from engine.commands.database import DatabaseCommands

        return self._room(DatabaseCommands)

    @property
    def clock(self) -> Clock:
        """The clock that everything lives by."""
        return self._context.clock

    def close(self) -> None:
        """Let go of the database; the next command opens it again."""
        self._context.close()

    def __enter__(self) -> Self:
        """The engine, which is closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the engine."""
        self.close()

    def _room(self, kind: Callable[[EngineContext], R]) -> R:
        key = cast("type[object]", kind)
        if key not in self._rooms:
            self._rooms[key] = kind(self._context)
        return cast("R", self._rooms[key])

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it was
            """What a name of former versions stands for, with a ``DeprecationWarning``."""
            from engine.commands.former_names import of_former_name

            return of_former_name(self, name)
