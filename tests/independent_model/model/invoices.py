"""Invoices and credit notes: issued once, never rewritten, and where each stands (C59)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.independent_model.model.picture import InvoiceSeen


@dataclass
class Invoice:
    """A document with a number.

    Attributes:
        lines: What is asked for; of a credit note, what is taken back.
        due_at: Until when it is to be paid; None: nobody was on record who says so.
        corrects: Of a credit note: the invoice that it takes back.
        asked: What became of the payment that it asks for; ``lowered``: nobody is asked any more.
        is_void: Whether a credit note took it back.
    """

    at: datetime
    lines: tuple[int, ...]
    due_at: datetime | None = None
    corrects: Invoice | None = None
    asked: Callable[[], str] = lambda: "paid"
    is_void: bool = False

    def status(self, now: datetime) -> str:
        """Where it stands: overdue when its due date has passed, or at once where it has none."""
        if self.corrects is not None:
            return "credit"
        if self.is_void:
            return "void"
        asked = self.asked()
        if asked == "void":
            return "void"
        if not sum(self.lines):
            return "void" if asked == "lowered" else "paid"
        if asked in {"paid", "lowered"}:
            # What was not lowered has been set off against credit.
            return "paid"
        return "overdue" if self.due_at is None or self.due_at < now else "due"

    def seen(self, now: datetime) -> InvoiceSeen:
        """It, as it is compared."""
        return InvoiceSeen(
            self.at,
            sum(self.lines),
            self.lines,
            "invoice" if self.corrects is None else "credit_note",
            self.due_at,
            () if self.corrects is None else (self.corrects.at,),
            self.status(now),
        )


@dataclass
class Invoices:
    """All that were issued to an account.

    Attributes:
        payment_days: How long the seller on record gives to pay; None: nobody is on record.
    """

    payment_days: int | None = None
    issued: list[Invoice] = field(default_factory=list)

    def issue(
        self, at: datetime, *lines: int, asked: Callable[[], str] = lambda: "paid"
    ) -> Invoice:
        """One more; what is sold to a buyer who waits for the answer is paid as it is issued."""
        invoice = Invoice(at, lines, self._due(at), asked=asked)
        self.issued.append(invoice)
        return invoice

    def take_back(self, at: datetime, invoice: Invoice) -> None:
        """What was given up has a credit note, which names it (C59)."""
        invoice.is_void = True
        lines = tuple(-line for line in invoice.lines)
        self.issued.append(Invoice(at, lines, corrects=invoice))

    def seen(self, now: datetime) -> tuple[InvoiceSeen, ...]:
        """All, as they are compared."""
        return tuple(sorted(invoice.seen(now) for invoice in self.issued))

    def _due(self, at: datetime) -> datetime | None:
        return None if self.payment_days is None else at + timedelta(days=self.payment_days)
