"""What all commands of the Python API work with: the time, the database, who collects money."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kernel.clock import Clock, SystemClock
from kernel.data_folder import data_folder
from kernel.errors import BadInputError, LoadmusterError, RefusedError
from kernel.login import os_login
from pricing.accounts.owner import OWNER
from pricing.ledger.author import Author, BegunCommand, Via
from pricing.payments.gateway import PaymentGateway
from pricing.plans.model import Plan
from pricing.plans.on_sale import find_plan, load_plans, plans_file

if TYPE_CHECKING:
    import sqlalchemy

    from engine.runs.clouds.registry import CloudRegistry
    from engine.runs.record.store import RunStore
    from pricing.accounts.clock import AsOf
    from pricing.taxes.service import TaxService


@dataclass(frozen=True)
class BooksNow:
    """An account's books as a read sees them.

    Attributes:
        conn: A connection to them; what it writes is undone.
        as_of: What instant they are of, and whether that is hypothetical.
        gateway: Answers for what falls due; it collects nothing.
    """

    conn: sqlalchemy.Connection
    as_of: AsOf
    gateway: PaymentGateway

    @property
    def instant(self) -> datetime:
        """What they are of: now, or the last command's if that is later."""
        return self.as_of.instant


@dataclass
class CommandAttempt:
    """A command that may be refused: its connection, once it has one, says what was begun."""

    conn: sqlalchemy.Connection | None = None

    def begun(self, otherwise: str) -> BegunCommand:
        """What was begun; a command of that name and of unknown content, if nothing was."""
        from pricing.ledger.signing import signature_of

        signature = None if self.conn is None else signature_of(self.conn)
        if signature is None or signature.begun is None:
            return BegunCommand(otherwise, {})
        return signature.begun


@dataclass(frozen=True, kw_only=True)
class EngineContext:
    """What ``Engine`` hands to each of its rooms; nothing is opened before it is needed.

    Attributes:
        open_db: Opens the database.
        open_clouds: The registry of the clouds of runs whose files lie in a folder.
        clock: Time.
        gateway: Collects money.
        taxes: Knows how sales are taxed; asked outside of transactions alone.
        environment: What the environment says.
        new_id: Makes run ids.
        new_token: Makes what must be unlike anything before: leases, and the request ids of
            callers that gave none.
        user: Who is known to use the engine.
        via: What commands come through.
        login: The operating system's user.
        runs_folder: Where runs keep their files; None: beside the database.
    """

    open_db: Callable[[], sqlalchemy.Engine]
    open_clouds: Callable[[Path], CloudRegistry]
    clock: Clock
    gateway: PaymentGateway
    environment: Mapping[str, str]
    new_id: Callable[[], str]
    new_token: Callable[[], str]
    taxes: TaxService
    user: str = OWNER
    via: Via = Via.API
    login: Callable[[], str] = os_login
    runs_folder: Path | None = None

    @cached_property
    def db(self) -> sqlalchemy.Engine:
        """The open database."""
        return self.open_db()

    @cached_property
    def store(self) -> RunStore:
        """The runs as they are on record."""
        from engine.runs.record.store import RunStore

        return RunStore(self.db)

    @cached_property
    def clouds(self) -> CloudRegistry:
        """Connections to where runs have machines; one set for all runs, which share limits."""
        return self.open_clouds(self.folder)

    @cached_property
    def folder(self) -> Path:
        """Where runs keep their files, and what marks this installation's local machines."""
        return self.runs_folder or folder_beside(self.db.url, self.environment)

    @property
    def plans_file(self) -> Path:
        """The file that plans are sold from."""
        return plans_file(self.environment)

    def plan_named(self, name: str, now: datetime) -> Plan:
        """The plan of that name, as it is sold that day.

        Raises:
            UnknownPlanError: There is none.
        """
        return find_plan(name, self.plans_file, at=now.date())

    def plans_on_sale(self, now: datetime) -> Mapping[str, Plan]:
        """The plans by name, as they are sold that day."""
        return load_plans(self.plans_file, at=now.date())

    @cached_property
    def author(self) -> Author:
        """Who has commands done, for the record."""
        return Author(self.user, self.via, self.login(), is_service=self.user == OWNER)

    @contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """One write transaction, signed; what is posted for no command is put to ``advance``."""
        from engine.database import transaction
        from pricing.ledger.signing import sign

        with transaction(self.db) as conn:
            sign(conn, self.author, BegunCommand("advance", {}))
            yield conn

    @property
    def has_test_clock(self) -> bool:
        """Whether time is not the real one."""
        return not isinstance(self.clock, SystemClock)

    @contextmanager
    def changing(self, account_id: str, command: str) -> Iterator[sqlalchemy.Connection]:
        """One write transaction on an account, for one command; a refusal is put on record.

        Args:
            account_id: Whose.
            command: What it is called in the log, should it be refused before it says so itself.

        Raises:
            WrongClockError: The account lives by another clock than this.
        """
        from pricing.accounts.clock import check_clock

        with (
            self.noting_refusal(account_id, command) as attempt,
            self._damage_named(account_id),
            self.transaction() as conn,
        ):
            attempt.conn = conn
            check_clock(conn, account_id, is_test=self.has_test_clock)
            yield conn

    @contextmanager
    def _damage_named(self, account_id: str) -> Iterator[None]:
        """Where an account's books cannot be read, that is said with the row that is to blame.

        Without such a row the fault is not the books', and stays what it is.

        Raises:
            BooksDamagedError: A row is damaged.
        """
        from pricing.accounts.damaged_books import UNREADABLE, damaged

        try:
            yield
        except UNREADABLE as error:
            from pricing.reports.damage.finding import find_damage

            with self.reading() as conn:
                found = [each for each in find_damage(conn) if each.account_id == account_id]
            if not found:
                raise
            raise damaged(account_id, error, found[0].line) from error

    @contextmanager
    def noting_refusal(self, account_id: str, command: str) -> Iterator[CommandAttempt]:
        """Put on record what is refused within: its own transaction is undone, so in another.

        Whoever opens the transaction says so to what this yields, which finds there what was asked.

        Args:
            account_id: Whose; a refusal for an account that there is not is not kept.
            command: What it is called in the log, if it was not begun.
        """
        attempt = CommandAttempt()
        try:
            yield attempt
        except (BadInputError, RefusedError) as refusal:
            # Where nothing can be written any more, the refusal is what counts.
            with suppress(LoadmusterError):
                self._note_refusal(account_id, attempt.begun(command), refusal.code)
            raise

    def _note_refusal(self, account_id: str, begun: BegunCommand, code: str) -> None:
        from pricing.accounts.account import is_known
        from pricing.ledger.command_log import note_refusal

        with self.reading() as conn:
            if not is_known(conn, account_id):
                return
        with self.transaction() as conn:
            note_refusal(conn, account_id, begun, at=self.clock.now(), code=code)

    def reading(self) -> AbstractContextManager[sqlalchemy.Connection]:
        """A connection that only reads."""
        from engine.database import reading

        return reading(self.db)

    @contextmanager
    def books_now(self, account_id: str, *, at: datetime | None = None) -> Iterator[BooksNow]:
        """An account's books with all done that is due by now, for reads: nothing of it is kept.

        Nothing is posted and nobody is asked for money; what falls due is taken to be paid as the
        rehearsed gateway says. An account that was dealt with at a later instant is seen at that.

        Args:
            account_id: Whose.
            at: The command's instant, where the clock has been read already.

        Raises:
            UnknownAccountError: There is no such account.
        """
        from engine.database import undone
        from pricing.accounts.advance import catch_up
        from pricing.accounts.clock import as_of
        from pricing.payments.gateway import REHEARSED_GATEWAY

        gateway = REHEARSED_GATEWAY
        with self._damage_named(account_id), undone(self.db) as conn:
            now = self.clock.now() if at is None else at
            seen = as_of(conn, account_id, now, is_test=self.has_test_clock)
            catch_up(conn, account_id, now, gateway=gateway)
            yield BooksNow(conn, seen, gateway)

    def id_of(self, request_id: str | None) -> str:
        """A caller without a request id gets a random one: it cannot repeat the command safely.

        Raises:
            BadInputError: It is empty, as an unset variable of a shell is.
        """
        from pricing.ledger.idempotency import check_request_id

        check_request_id(request_id)
        return f"once-{self.new_token()}" if request_id is None else request_id

    def close(self) -> None:
        """Let go of the database; the next call opens it again."""
        if "db" in self.__dict__:
            self.db.dispose()


def folder_beside(url: sqlalchemy.URL, environment: Mapping[str, str]) -> Path:
    """The folder for the runs of a database: beside a file, in the user's data folder otherwise."""
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(f"{url.database}.runs").absolute()
    name = hashlib.sha256(url.render_as_string(hide_password=True).encode()).hexdigest()[:16]
    return data_folder(environment) / f"{name}.runs"
