"""The reconciliation report: what the payment gateway says that it moved, against the books."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from kernel.errors import BadInputError, ProviderFailedError
from pricing.accounts.owner import check_owner

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.payments.movements import Movement
    from pricing.reports.money_moved import BookedMovement
    from pricing.reports.reconciliation import ReconciliationReport

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any installation."""

MARGIN = timedelta(days=1)
"""How far beyond the span a gateway is asked: its clock is another, and answers take their time."""

MICROS_MAX = 2**63 - 1
TOLD_EVERY = 5_000
"""Movements, which take about a tenth of a second."""


class GatewayListsNothingError(ProviderFailedError):
    """The payment gateway does not say what it moved; facts: ``reason``."""

    code = "gateway_lists_nothing"


class NothingToReconcileError(BadInputError):
    """A file has no movement that says which time it is of; facts: ``file``."""

    code = "nothing_to_reconcile"


@checked
class GatewayReportCommands:
    """Comparing the payment gateway's books with the installation's."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def reconcile(
        self,
        file: Path | str | None = None,
        *,
        month: str | None = None,
        watch: Callable[[int], None] | None = None,
    ) -> ReconciliationReport:
        """Compare what the payment gateway says that it moved with the books (C74); writes nothing.

        Args:
            file: A CSV file of its movements, as ``docs/billing.md`` says; None: it is asked.
            month: Of the month ``2026-11``, in UTC; None: of the time from the file's first to its
                last movement, or of all time.
            watch: Told how many of its movements have been read, every few thousand.

        Raises:
            ReportPeriodError: It is no month.
            GatewayFileError: The file cannot be read, or a line of it is no movement.
            NothingToReconcileError: The file has no movements, and no month was named.
            GatewayListsNothingError: The gateway does not say.
            TooManyMovementsError: There are more movements than one report compares.
            NotOwnerError: The engine's user is not the owner of the installation.
            DatabaseNotThereError: There is no such database.
        """
        from engine.commands.gateway_files import read_movements
        from pricing.reports.reconciliation import MOVEMENTS_MAX, reconciliation
        from pricing.reports.report_period import ReportPeriod

        use = self._context
        check_owner(use.user, "compare the gateway's books with these")
        use.check_there()
        now = use.clock.now()
        span = None
        if month is not None:
            period = ReportPeriod.of_month(month).in_zone("UTC")
            span = period.start.astimezone(UTC), period.end.astimezone(UTC)
        if file is None:
            start, end = span or (BEGINNING, now + MARGIN)
            listed = self._asked(start - MARGIN, end + MARGIN, watch)
        else:
            path = Path(file)
            # One more than is compared, which is refused there.
            listed = tuple(islice(_watched(read_movements(path), watch), MOVEMENTS_MAX + 1))
            start, end = span or _span_of(path, listed)
        with use.reading() as conn:
            return reconciliation(listed, _Books(conn), start, end)

    def _asked(
        self, start: datetime, end: datetime, watch: Callable[[int], None] | None
    ) -> Sequence[Movement]:
        """What the gateway lists; outside of every transaction, and looked at."""
        from kernel.outside import check_outside
        from pricing.reports.reconciliation import MOVEMENTS_MAX

        check_outside("the payment gateway")
        try:
            movements = _watched(self._context.gateway.movements(start, end), watch)
            listed = tuple(islice(movements, MOVEMENTS_MAX + 1))
        except Exception as error:
            raise GatewayListsNothingError(
                "the payment gateway does not say what it moved"
                f" ({type(error).__name__}: {error}); a file of its movements would do",
                reason=type(error).__name__,
            ) from error
        for each in listed:
            if not _is_movement(each):
                raise GatewayListsNothingError(
                    "the payment gateway lists what is no movement of money: its implementation"
                    " has to be looked at",
                    reason="no movement",
                )
        return listed


class _Books:
    """The books as the report reads them."""

    def __init__(self, conn: sqlalchemy.Connection) -> None:
        self._conn = conn

    def between(self, start: datetime, end: datetime) -> Iterator[BookedMovement]:
        from pricing.reports.money_moved import booked_between

        return booked_between(self._conn, start, end)

    def under(self, keys: Sequence[str]) -> Iterable[BookedMovement]:
        from pricing.reports.money_moved import booked_under

        return booked_under(self._conn, keys)

    def on_record(self, keys: Sequence[str]) -> Mapping[str, str]:
        from pricing.reports.money_moved import on_record

        return on_record(self._conn, keys)


def _watched(
    movements: Iterable[Movement], watch: Callable[[int], None] | None
) -> Iterator[Movement]:
    """The movements; who watches is told how many they are by now."""
    for number, each in enumerate(movements, start=1):
        if watch is not None and number % TOLD_EVERY == 0:
            watch(number)
        yield each


def _span_of(path: Path, listed: Sequence[Movement]) -> tuple[datetime, datetime]:
    """From the first movement to the last one."""
    if not listed:
        raise NothingToReconcileError(
            f"{path} has no movement that says which time it is of; --month 2026-11 would",
            file=str(path),
        )
    instants = [each.at for each in listed]
    return min(instants), max(instants) + timedelta(microseconds=1)


def _is_movement(listed: object) -> bool:
    from pricing.payments.movements import Movement, MovementKind

    return (
        isinstance(listed, Movement)
        and all(isinstance(text, str) for text in (listed.key, listed.currency, listed.id))
        and isinstance(listed.kind, MovementKind)
        and all(type(n) is int for n in (listed.micros, listed.fee_micros))
        and 0 < listed.micros <= MICROS_MAX
        and abs(listed.fee_micros) <= MICROS_MAX
        and isinstance(listed.at, datetime)
        and listed.at.tzinfo is not None
    )
