"""What of each invoice was taken back: by refunds, and by credits that an operator gave (C73, C76).

Both lower the same revenue and the same tax, so whoever gives more back looks at both. A refund
names one invoice. A credit names the newest ones that come to so much: it takes back what is left
of the last of them, then of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, func, select, text

from pricing.ledger.invoices import (
    ADJUSTMENT_CAUSE,
    REFUND_CAUSE,
    Invoice,
    InvoiceKind,
    list_invoices,
    void_invoices,
)
from pricing.tables import INVOICE_LINES, INVOICES, REFUNDS, TRANSACTIONS
from pricing.tables.refunds import OPEN_REFUND

_BOOKED = (
    select(INVOICES.c.number)
    .join(INVOICE_LINES, INVOICE_LINES.c.invoice_id == INVOICES.c.id)
    .join(TRANSACTIONS, TRANSACTIONS.c.natural_key == INVOICE_LINES.c.cause)
    .where(INVOICES.c.account_id == bindparam("of"))
)
_UNDER_WAY = (
    select(REFUNDS.c.invoice, func.sum(REFUNDS.c.usd_micros - REFUNDS.c.from_credit_usd_micros))
    .where(REFUNDS.c.account_id == bindparam("of"), text(OPEN_REFUND))
    .group_by(REFUNDS.c.invoice)
)


class TakenBack(Struct, frozen=True):
    """An invoice whose charge is in the books, and what was taken back of it.

    Attributes:
        invoice: It.
        credited_usd_micros: By credits that were given by hand, tax included.
        refunded_usd_micros: By refunds, tax included, without what they paid out of credit.
        under_way_usd_micros: By refunds that an answer is to come of, likewise.
    """

    invoice: Invoice
    credited_usd_micros: int = 0
    refunded_usd_micros: int = 0
    under_way_usd_micros: int = 0

    @property
    def booked_usd_micros(self) -> int:
        """What was taken back of it in the books."""
        return self.credited_usd_micros + self.refunded_usd_micros

    @property
    def left_usd_micros(self) -> int:
        """What nothing has taken back, nor is about to."""
        taken = self.booked_usd_micros + self.under_way_usd_micros
        return max(self.invoice.total_usd_micros - taken, 0)


def taken_back(conn: Connection, account_id: str) -> dict[str, TakenBack]:
    """What was taken back of an account's invoices, by number, in their order.

    None that is void, and none of what was never charged, since it was not paid.

    Args:
        conn: An open connection.
        account_id: Whose.
    """
    of = {"of": account_id}
    standing = set(conn.execute(_BOOKED, of).scalars()) - void_invoices(conn, [account_id])
    found: dict[str, TakenBack] = {}
    for each in list_invoices(conn, account_id):
        if each.kind is InvoiceKind.CREDIT_NOTE:
            _take(found, each)
        elif each.number in standing and each.total_usd_micros > 0:
            found[each.number] = TakenBack(each)
    for number, usd_micros in conn.execute(_UNDER_WAY, of):
        if number in found:
            found[number] = replace(found[number], under_way_usd_micros=int(usd_micros))
    return found


def newest_over(found: Sequence[TakenBack], usd_micros: int) -> tuple[str, ...]:
    """The numbers of the newest invoices of which together so much is left, the oldest first."""
    numbers: list[str] = []
    for each in reversed(found):
        if usd_micros > 0 and each.left_usd_micros:
            numbers.append(each.invoice.number)
            usd_micros -= each.left_usd_micros
    return tuple(reversed(numbers))


def _take(found: dict[str, TakenBack], note: Invoice) -> None:
    """Count a credit note with the invoices that it names."""
    amount = -note.total_usd_micros
    is_credit = note.cause.startswith(ADJUSTMENT_CAUSE)
    if not is_credit and not note.cause.startswith(REFUND_CAUSE):
        return
    for number in reversed(note.corrects):
        before = found.get(number)
        if before is None:
            continue
        part = min(amount, before.left_usd_micros)
        amount -= part
        if is_credit:
            part += before.credited_usd_micros
            found[number] = replace(before, credited_usd_micros=part)
        else:
            part += before.refunded_usd_micros
            found[number] = replace(before, refunded_usd_micros=part)
