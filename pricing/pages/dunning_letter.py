"""A dunning letter: which invoices are not paid, how much, since when, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from kernel.words import counted
from pricing.ledger.invoices import run_cause
from pricing.pages.invoice import CURRENCIES, Parties
from pricing.pages.sheet import Fact, Row, Sheet, Sum, amount_in_words, day_in_words
from pricing.payments.gateway import REHEARSED_NOTE
from pricing.plans.dunning import StepKind
from pricing.subscriptions.dunning import ComingStep, TakenStep
from pricing.subscriptions.owed import OwedInvoice

_ORDINALS = ("Payment", "Second", "Third", "Fourth", "Fifth")
_OFTEN = {1: "once", 2: "twice"}
_COMING = {
    StepKind.REMINDED: "we will remind you again on {day}",
    StepKind.ASKED: "we will try to collect it again on {day}, from a card on record"
    " that can still be charged",
    StepKind.SUSPENDED: "your account is suspended from {day} on: no load test can be started then"
    " before it is paid; your credits are kept",
    StepKind.ENDED: "your subscription ends on {day}: unused credits are void then",
}
_DONE = {
    StepKind.SUSPENDED: " Your account is suspended: no load test can be started before this is"
    " paid. Your credits are kept.",
    StepKind.ENDED: " Your subscription has ended, and unused credits are void.",
}


class DunningLetter(Struct, frozen=True):
    """What a letter says.

    Attributes:
        account_id: Who owes.
        timezone: The account's; decides its days.
        step: What was done and told.
        asked_before: How often it was told of the same before.
        payments_rehearsed: The payment gateway collects nothing, which the letter then says.
    """

    account_id: str
    timezone: str
    step: TakenStep
    asked_before: int = 0
    payments_rehearsed: bool = False

    @property
    def title(self) -> str:
        """What it is headed: the last before a suspension, or an end, is a final notice."""
        if self.step.kind is StepKind.ENDED:
            return "Your subscription has ended"
        if self.step.kind is StepKind.SUSPENDED:
            return "Notice of suspension"
        if self.step.next is not None and self.step.next.kind in {
            StepKind.SUSPENDED,
            StepKind.ENDED,
        }:
            return "Final notice"
        return f"{_ORDINALS[min(self.asked_before, len(_ORDINALS) - 1)]} reminder"

    @property
    def number(self) -> str:
        """Its own: the account's, and its place among the account's letters."""
        return f"{self.account_id}-L-{self.step.number:05}"

    @property
    def zone(self) -> ZoneInfo:
        """Where its days are."""
        return ZoneInfo(self.timezone)


def dunning_sheet(letter: DunningLetter, parties: Parties) -> Sheet:
    """The letter as a sheet that is sent, as HTML or as PDF."""
    step, zone = letter.step, letter.zone
    currency = step.unpaid[0].currency
    day = step.at.astimezone(zone).date()
    pay_by = None if step.next is None else _last_day_before(step.next, zone)
    facts = [
        Fact("For", parties.customer or letter.account_id, is_party=True),
        Fact("Account", letter.account_id),
        Fact("Date", day_in_words(day)),
    ]
    if pay_by is not None:
        facts.append(Fact("To be paid by", day_in_words(pay_by)))
    facts.append(Fact("Currency", CURRENCIES.get(currency, currency)))
    return Sheet(
        title=letter.title,
        number=letter.number,
        seller=parties.seller,
        facts=tuple(facts),
        text=(_asked(letter),),
        head=("Invoice", currency),
        rows=tuple(_rows(step.unpaid, day, zone)),
        sums=(Sum("Total", amount_in_words(step.usd_micros), is_total=True),),
        closing=tuple(_closing(letter, pay_by, currency)),
        notes=(REHEARSED_NOTE,) if letter.payments_rehearsed else (),
        day=day,
    )


def _asked(letter: DunningLetter) -> str:
    unpaid = letter.step.unpaid
    verb = "is" if len(unpaid) == 1 else "are"
    before = letter.asked_before
    asked = f" We have told you {_OFTEN.get(before, f'{before} times')} before." if before else ""
    day = unpaid[0].due_at.astimezone(letter.zone).date()
    since = day_in_words(day)
    due = "due since" if day <= letter.step.at.astimezone(letter.zone).date() else "due on"
    oldest = due if len(unpaid) == 1 else f"the oldest {due}"
    said = f"{counted(len(unpaid), 'invoice')} to you {verb} not paid, {oldest} {since}."
    return said + asked + _DONE.get(letter.step.kind, "")


def _rows(unpaid: tuple[OwedInvoice, ...], day: date, zone: ZoneInfo) -> Iterator[Row]:
    for each in unpaid:
        issued, due = each.issued_at.astimezone(zone).date(), each.due_at.astimezone(zone).date()
        days = (day - due).days
        overdue = f", {counted(days, 'day')} overdue" if days > 0 else ", not overdue yet"
        yield Row(
            each.number,
            amount_in_words(each.usd_micros),
            small=f"of {day_in_words(issued)}, due {day_in_words(due)}{overdue}",
        )


def _closing(letter: DunningLetter, pay_by: date | None, currency: str) -> Iterator[str]:
    step, owed = letter.step, letter.step.usd_micros
    if step.kind is StepKind.ENDED:
        yield (
            "What was asked for billing periods is taken back by credit notes: you do not owe it"
            " any more."
        )
        owed = sum(each.usd_micros for each in step.unpaid if each.cause.startswith(run_cause("")))
        if not owed:
            return
    total = f"{amount_in_words(owed)} {currency}"
    if step.next is None or pay_by is None:
        yield f"Please pay {total} now."
    else:
        coming = _COMING[step.next.kind].format(
            day=day_in_words(step.next.at.astimezone(letter.zone).date())
        )
        yield f"Please pay {total} by {day_in_words(pay_by)}. If it is not paid by then, {coming}."
    yield "If you have paid in the meantime, please disregard this letter."


def _last_day_before(coming: ComingStep, zone: ZoneInfo) -> date:
    """A step is due as its day begins, so that the day before is the last to pay on."""
    return (coming.at - timedelta.resolution).astimezone(zone).date()
