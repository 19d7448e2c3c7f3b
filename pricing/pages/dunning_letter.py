"""A dunning letter: which invoices are not paid, how much, since when, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from kernel.words import counted
from pricing.pages.invoice import CURRENCIES, Parties
from pricing.pages.sheet import Fact, Row, Sheet, Sum, amount_in_words, day_in_words

TITLES = ("Payment reminder", "Second reminder", "Final notice")
"""By how often was asked; after the last there is none but that."""


_OFTEN = {1: "once", 2: "twice"}


class UnpaidInvoice(Struct, frozen=True):
    """An invoice that is not paid.

    Attributes:
        number: Its number.
        issued: Its day.
        due: The day until which it was to be paid.
        usd_micros: What is still owed of it, tax included.
    """

    number: str
    issued: date
    due: date
    usd_micros: int


class DunningLetter(Struct, frozen=True):
    """What a letter says.

    Attributes:
        account_id: Who owes.
        reminder: How often it was asked for with this one: 1 is the first.
        day: Of the letter.
        unpaid: At least one; the oldest first.
        pay_by: Until when it is to be paid now.
        next_step: What happens then, as the end of a sentence: "the account is suspended".
        currency: What the amounts are in.
        number: The letter's own; empty: it has none.
    """

    account_id: str
    reminder: int
    day: date
    unpaid: tuple[UnpaidInvoice, ...]
    pay_by: date
    next_step: str
    currency: str = "USD"
    number: str = ""

    @property
    def usd_micros(self) -> int:
        """All that is owed."""
        return sum(each.usd_micros for each in self.unpaid)


def dunning_sheet(letter: DunningLetter, parties: Parties) -> Sheet:
    """The letter as a sheet that is sent, as HTML or as PDF."""
    total = f"{amount_in_words(letter.usd_micros)} {letter.currency}"
    pay_by = day_in_words(letter.pay_by)
    return Sheet(
        title=TITLES[min(letter.reminder, len(TITLES)) - 1],
        number=letter.number or f"Account {letter.account_id}",
        seller=parties.seller,
        facts=(
            Fact("For", parties.customer or letter.account_id, is_party=True),
            Fact("Account", letter.account_id),
            Fact("Date", day_in_words(letter.day)),
            Fact("To be paid by", pay_by),
            Fact("Currency", CURRENCIES.get(letter.currency, letter.currency)),
        ),
        text=(_asked(letter),),
        head=("Invoice", letter.currency),
        rows=tuple(_rows(letter)),
        sums=(Sum("Total", amount_in_words(letter.usd_micros), is_total=True),),
        closing=(
            f"Please pay {total} by {pay_by}. If it is not paid by then, {letter.next_step}.",
            "If you have paid in the meantime, please disregard this letter.",
        ),
        notes=(),
        day=letter.day,
    )


def _asked(letter: DunningLetter) -> str:
    invoices = counted(len(letter.unpaid), "invoice")
    verb = "is" if len(letter.unpaid) == 1 else "are"
    before = letter.reminder - 1
    often = _OFTEN.get(before, f"{before} times")
    asked = f" We have asked {often} before." if before > 0 else ""
    since = day_in_words(min(each.due for each in letter.unpaid))
    return f"{invoices} of yours {verb} not paid, the oldest due since {since}.{asked}"


def _rows(letter: DunningLetter) -> Iterator[Row]:
    for each in letter.unpaid:
        days = (letter.day - each.due).days
        overdue = f", {counted(days, 'day')} overdue" if days > 0 else ""
        yield Row(
            each.number,
            amount_in_words(each.usd_micros),
            small=f"of {day_in_words(each.issued)}, due {day_in_words(each.due)}{overdue}",
        )
