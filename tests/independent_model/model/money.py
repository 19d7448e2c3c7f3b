"""What is owed, what a card does, and credit: each run in money is one payment (C41 to C43).

What there is of credit pays first for whatever is charged (C80).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.independent_model.model.invoices import Invoice, Invoices
from tests.independent_model.model.picture import Charge


@dataclass
class RunPayment:
    """What a run costs in money.

    Attributes:
        owed: What the card was, or will be, asked for; credit that was set off is not in it.
        state: ``paid``, ``declined``, ``delayed``; ``lowered`` where nothing of it is asked for
            any more, though it was never collected.
        credited: What was given back while the bank had not answered.
        invoice: Once the run is over.
    """

    owed: int
    state: str
    credited: int = 0
    invoice: Invoice | None = None


@dataclass
class Money:
    """The account's money.

    Attributes:
        card: What its card does.
        credit: What the account has to its good (C43).
        kept: What of that is set off as soon as a bank has answered, by what it is for.
    """

    card: str = "pays"
    credit: int = 0
    kept: dict[object, int] = field(default_factory=dict)
    runs: dict[str, RunPayment] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    invoices: Invoices = field(default_factory=Invoices)

    @property
    def answer(self) -> str:
        """What becomes of a payment that is asked for."""
        return {"pays": "paid", "declines": "declined", "delays": "delayed"}[self.card]

    @property
    def free(self) -> int:
        """What of the credit nothing waits for."""
        return self.credit - sum(self.kept.values())

    def ask(self, what: object, price: int) -> str:
        """What becomes of a price: credit is set off if the card pays the rest, or if it is all."""
        self.kept.pop(what, None)
        set_off = min(self.free, price)
        answer = "paid" if set_off == price else self.answer
        if answer == "paid":
            self.credit -= set_off
        elif answer == "delayed":
            self.kept[what] = set_off
        return answer

    def would_pay(self, what: object, price: int) -> bool:
        """Whether a price would be paid."""
        return self.answer == "paid" or self.free + self.kept.get(what, 0) >= price

    @property
    def charged(self) -> int:
        """All that was charged, less what was taken back."""
        return sum(charge.usd_micros for charge in self.charges)

    @property
    def overdue_runs(self) -> int:
        """What is owed for runs."""
        return sum(each.owed for each in self.runs.values() if each.state != "paid")

    def sell(self, at: datetime, what: str, usd_micros: int) -> None:
        """Charge and invoice something that was bought at once."""
        if usd_micros:
            self.charges.append(Charge(at, what, usd_micros))
            self.invoices.issue(at, usd_micros)

    def charge(self, at: datetime, what: str, usd_micros: int) -> None:
        """Charge what has its invoice already, or later: a run has it when it is over."""
        if usd_micros:
            self.charges.append(Charge(at, what, usd_micros))

    def owe(self, run_id: str, usd_micros: int) -> None:
        """A run is charged: credit is set off, and the card is asked for the rest."""
        if not usd_micros:
            return
        set_off = min(self.free, usd_micros)
        self.credit -= set_off
        owed = usd_micros - set_off
        self.runs[run_id] = RunPayment(owed, self.answer if owed else "paid")

    def answered(self, payment: RunPayment) -> None:
        """What is owed for a run is asked for again; a decline takes back credit (C43)."""
        if payment.state == "declined":
            set_off = min(self.free, payment.owed)
            self.credit -= set_off
            payment.owed -= set_off
            if not payment.owed:
                payment.state = "lowered"
                return
        payment.state = self.answer
        if payment.state == "declined" and payment.credited:
            taken = min(payment.credited, payment.owed, self.free)
            self.credit -= taken
            payment.owed -= taken
            payment.credited = 0 if taken else payment.credited
            if not payment.owed:
                payment.state = "lowered"

    def give_back(self, run_id: str, usd_micros: int) -> None:
        """A correction lowers what was not paid, and is credit where it was, or may have been."""
        payment = self.runs.get(run_id)
        if payment is None or not usd_micros:
            return
        if payment.state in {"declined", "lowered"}:
            lowered = min(payment.owed, usd_micros)
            payment.owed -= lowered
            self.credit += usd_micros - lowered
            if not payment.owed:
                payment.state = "lowered"
            return
        self.credit += usd_micros
        if payment.state == "delayed":
            payment.credited += usd_micros
