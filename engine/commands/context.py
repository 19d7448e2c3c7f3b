"""How commands of the Python API go about accounts: in transactions, with refusals on record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from engine.commands.resources import EngineResources
from kernel.errors import BadInputError, LoadmusterError, RefusedError
from pricing.ledger.author import BegunCommand
from pricing.payments.gateway import PaymentGateway

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.accounts.clock import AsOf
    from pricing.accounts.settling import CommandWork, Rim, Work

T = TypeVar("T")


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
    kept: BegunCommand | None = None

    def keep(self) -> None:
        """Remember what was begun on the connection; another transaction may follow."""
        from pricing.ledger.signing import signature_of

        signature = None if self.conn is None else signature_of(self.conn)
        if signature is not None and signature.begun is not None:
            self.kept = signature.begun

    def begun(self, otherwise: str) -> BegunCommand:
        """What was begun; a command of that name and of unknown content, if nothing was."""
        self.keep()
        return BegunCommand(otherwise, {}) if self.kept is None else self.kept


@dataclass(frozen=True, kw_only=True)
class EngineContext(EngineResources):
    """What ``Engine`` hands to each of its rooms; the arguments are those of its base."""

    @contextmanager
    def changing(self, account_id: str, command: str) -> Iterator[sqlalchemy.Connection]:
        """One write transaction on an account, for one command; a refusal is put on record.

        Args:
            account_id: Whose.
            command: What it is called in the log, should it be refused before it says so itself.

        Raises:
            WrongClockError: The account lives by another clock than this.
        """
        with (
            self.noting_refusal(account_id, command) as attempt,
            self._attempted(account_id, attempt) as conn,
        ):
            yield conn

    @contextmanager
    def _attempted(
        self, account_id: str, attempt: CommandAttempt, *, checks_clock: bool = True
    ) -> Iterator[sqlalchemy.Connection]:
        """One write transaction of a command on an account."""
        from pricing.accounts.clock import check_clock

        if checks_clock:
            self._check_can_be_known(account_id)
        with (
            self._damage_named(account_id),
            self._pending_named(account_id),
            self.transaction() as conn,
        ):
            attempt.conn = conn
            if checks_clock:
                check_clock(conn, account_id, is_test=self.has_test_clock)
            try:
                yield conn
            finally:
                attempt.keep()

    def _check_can_be_known(self, account_id: str) -> None:
        """Refuse an account of a database that nobody has made, which a slip of its name made not.

        Raises:
            UnknownAccountError: The database is not there, and so is no account.
        """
        from engine.database import is_unmade
        from pricing.accounts.account import find_account

        if is_unmade(self.db):
            with self.reading() as conn:
                find_account(conn, account_id)

    @contextmanager
    def _pending_named(self, account_id: str) -> Iterator[None]:
        """Where the disk takes no more, say which money is on its way by then.

        What the gateway is asked for is on record before: it is carried out once there is room.

        Raises:
            DatabaseFullError: The disk takes no more.
        """
        from engine.database import DatabaseFullError
        from pricing.accounts.on_the_way import on_the_way

        try:
            yield
        except DatabaseFullError as error:
            kept = ""
            with suppress(LoadmusterError), self.reading() as conn:
                kept = on_the_way(conn, account_id)
            if not kept:
                raise
            database = str(error.facts["database"])
            raise DatabaseFullError(error.why, kept=kept, database=database) from error

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
    def noting_refusal(self, account_id: str | None, command: str) -> Iterator[CommandAttempt]:
        """Put on record what is refused within: its own transaction is undone, so in another.

        Whoever opens the transaction says so to what this yields, which finds there what was asked.

        Args:
            account_id: Whose; a refusal for an account that there is not is not kept. None: the
                installation's.
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

    def _note_refusal(self, account_id: str | None, begun: BegunCommand, code: str) -> None:
        from pricing.accounts.account import is_known
        from pricing.ledger.command_log import note_refusal

        with self.reading() as conn:
            if account_id is not None and not is_known(conn, account_id):
                return
        with self.transaction() as conn:
            note_refusal(conn, account_id, begun, at=self.clock.now(), code=code)

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

    @contextmanager
    def books_seen(
        self, account_id: str, *, by: str | None = None, at: datetime | None = None
    ) -> Iterator[BooksNow]:
        """``books_now``, for who may see the account's usage and billing; ``by`` is who asks.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks (R94, R96).
        """
        from pricing.accounts.administrators import Asker
        from pricing.reports.usage_access import check_may_see

        with self.books_now(account_id, at=at) as books:
            check_may_see(books.conn, account_id, Asker(self.user, by))
            yield books

    @contextmanager
    def record_seen(
        self, account_id: str, *, by: str | None = None
    ) -> Iterator[sqlalchemy.Connection]:
        """An account as it is on record, for the same people and with the same errors."""
        from pricing.accounts.account import find_account
        from pricing.accounts.administrators import Asker
        from pricing.reports.usage_access import check_may_see

        with self.reading() as conn:
            find_account(conn, account_id)
            check_may_see(conn, account_id, Asker(self.user, by))
            yield conn

    def rim(
        self,
        account_id: str,
        now: datetime,
        attempt: CommandAttempt | None = None,
        *,
        checks_clock: bool = True,
    ) -> Rim:
        """What a command on an account works with that may collect money.

        Its transactions refuse an account that lives by another clock than this.
        """
        from pricing.accounts.settling import Rim

        attempt = CommandAttempt() if attempt is None else attempt
        transaction = partial(self._attempted, account_id, attempt, checks_clock=checks_clock)
        return Rim(transaction, self.gateway, now, self.clock.sleep)

    def settled(self, account_id: str, command: str, work: Work[T], *, now: datetime) -> T:
        """Do what may collect what is due of an account; the gateway is asked in between.

        Args:
            account_id: Whose.
            command: What it is called in the log, should it be refused before it says so itself.
            work: What is done in a transaction, and perhaps again in another one.
            now: The command's instant.

        Raises:
            WrongClockError: The account lives by another clock than this.
            LoadmusterError: What ``work`` raises.
        """
        from pricing.accounts.settling import settled

        with self.noting_refusal(account_id, command) as attempt:
            return settled(self.rim(account_id, now, attempt), account_id, work)

    def commanded(
        self,
        account_id: str,
        command: str,
        content: dict[str, Any],
        work: CommandWork[T],
        *,
        request_id: str | None,
        now: datetime,
        checks_clock: bool = True,
    ) -> T:
        """Do a command that may collect money, also the price of what is bought.

        Takes and raises what ``pricing.accounts.settling.settled_command`` does.
        """
        from pricing.accounts.settling import settled_command

        with self.noting_refusal(account_id, command) as attempt:
            rim = self.rim(account_id, now, attempt, checks_clock=checks_clock)
            return settled_command(rim, account_id, command, content, work, request_id=request_id)

    def id_of(self, request_id: str | None) -> str:
        """A caller without a request id gets a random one: it cannot repeat the command safely.

        Raises:
            BadInputError: It is empty, as an unset variable of a shell is.
        """
        from pricing.ledger.idempotency import check_request_id

        check_request_id(request_id)
        return f"once-{self.new_token()}" if request_id is None else request_id
