"""Accounts that live through changes of plan, by a clock in their own zone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine

from engine.database import open_database, transaction
from pricing.accounts.cancellations import cancel
from pricing.accounts.opening import open_account
from pricing.accounts.owner import OWNER
from pricing.accounts.view import AccountView, account_view
from pricing.ledger.invoices import list_invoices
from pricing.ledger.ledger import entries
from pricing.payments.gateway import REHEARSED_GATEWAY
from pricing.plans.channels import Channel
from pricing.plans.model import Plan
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import charge_start, reserve
from pricing.tariffs import LoadSize

MICROS = 1_000_000


class Subscriber:
    """One account and everything that is done to it; instants are written in its own zone."""

    def __init__(self, db: Engine, account_id: str, zone: str) -> None:
        self.db = db
        self.id = account_id
        self.zone = ZoneInfo(zone)
        self._numbers = count()

    def at(self, text: str) -> datetime:
        """An instant of the account's zone: "2027-02-24 12:00", or a day's first."""
        return datetime.fromisoformat(text).replace(tzinfo=self.zone)

    def books(self) -> AbstractContextManager[Connection]:
        """One write transaction."""
        return transaction(self.db)

    def do(
        self,
        command: Callable[..., None],
        at: str,
        *content: object,
        request_id: str | None = None,
        **options: object,
    ) -> AccountView:
        """Send a command; the account afterwards."""
        now = self.at(at)
        if command is cancel:
            options.setdefault("user", OWNER)
        with self.books() as conn:
            key = request_id or f"r{next(self._numbers)}"
            command(
                conn,
                self.id,
                *content,
                now=now,
                request_id=key,
                gateway=REHEARSED_GATEWAY,
                **options,
            )
            return account_view(conn, self.id, now, gateway=REHEARSED_GATEWAY)

    def view(self, at: str) -> AccountView:
        """The account at an instant."""
        with self.books() as conn:
            return account_view(conn, self.id, self.at(at), gateway=REHEARSED_GATEWAY)

    def run(self, run_id: str, at: str, plan: Plan, *, injectors: int, minutes: int) -> None:
        """Reserve and charge a run with 100 users an injector."""
        usage = LoadSize(injectors=injectors, users=100 * injectors, duration_s=60 * minutes)
        with self.books() as conn:
            reserve(
                conn,
                self.id,
                run_id,
                quote_run(plan, usage),
                now=self.at(at),
                gateway=REHEARSED_GATEWAY,
            )
            charge_start(conn, run_id, now=self.at(at), gateway=REHEARSED_GATEWAY)

    def charges(self) -> list[tuple[str, int]]:
        """Instant (in the account's zone) and dollars of every charge in money."""
        with self.db.connect() as conn:
            return [
                (f"{entry.effective_at.astimezone(self.zone):%Y-%m-%d %H:%M}", dollars)
                for entry in entries(conn, self.id)
                for posting in entry.postings
                if posting.ledger_account == "receivable" and posting.amount > 0
                for dollars in [posting.amount // MICROS]
            ]

    def invoiced(self) -> list[int]:
        """Dollars of every invoice, in the order of their numbers."""
        with self.db.connect() as conn:
            return [each.usd_micros // MICROS for each in list_invoices(conn, self.id)]


OpenSubscriber = Callable[..., Subscriber]


@pytest.fixture(scope="session")
def plans() -> dict[str, Plan]:
    """The shipped plans."""
    return dict(load_plans(BUNDLED_PLANS))


@pytest.fixture
def sqlite_db(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """An open database with empty books; the rules are the same on PostgreSQL."""
    file = shutil.copy(migrated_file, tmp_path / "life.db")
    engine = open_database(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.fixture
def open_subscriber(sqlite_db: Engine, plans: dict[str, Plan]) -> OpenSubscriber:
    """Open an account on a plan at an instant, in Paris unless another zone is named."""
    return _opener(sqlite_db, plans)


@pytest.fixture
def open_subscriber_anywhere(db: Engine, plans: dict[str, Plan]) -> OpenSubscriber:
    """The same, on SQLite and on PostgreSQL."""
    return _opener(db, plans)


def _opener(db: Engine, plans: dict[str, Plan]) -> OpenSubscriber:
    def open_it(
        plan: str | Plan,
        at: str,
        *,
        zone: str = "Europe/Paris",
        account_id: str = "acme",
        activated: str | None = None,
        channel: str = "card",
        **options: object,
    ) -> Subscriber:
        subscriber = Subscriber(db, account_id, zone)
        with subscriber.books() as conn:
            open_account(
                conn,
                account_id,
                plans[plan] if isinstance(plan, str) else plan,
                timezone=zone,
                activated_at=None if activated is None else subscriber.at(activated),
                now=subscriber.at(at),
                channel=Channel(channel),
                gateway=REHEARSED_GATEWAY,
                **options,  # type: ignore[arg-type]
            )
        return subscriber

    return open_it
