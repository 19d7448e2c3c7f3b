"""How far it has come with an account that does not pay, and the letters that it was told by."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection

from kernel.errors import BadInputError
from kernel.words import counted
from pricing.parties.billing_details import find_billing_details
from pricing.parties.party import Party
from pricing.parties.sellers import seller_at
from pricing.subscriptions.dunning import Standing, TakenStep, standing_of, steps_of
from pricing.subscriptions.subscriptions import latest


class UnknownLetterError(BadInputError):
    """The account has no dunning letter of that number; facts: ``account``, ``number``."""

    code = "unknown_letter"


class DunningReport(Struct, frozen=True):
    """How far it has come.

    Attributes:
        account_id: With whom.
        standing: What is owed, and what comes next; None: nothing is owed that was declined.
        steps: All that were ever taken, oldest first; each was told.
    """

    account_id: str
    standing: Standing | None
    steps: tuple[TakenStep, ...]

    def letter(self, number: int | None) -> TakenStep:
        """The step that a letter is about; None: the latest.

        Raises:
            UnknownLetterError: There is none.
        """
        if not self.steps:
            raise UnknownLetterError(
                f"account {self.account_id} was never told of anything unpaid: there is no letter",
                account=self.account_id,
                number=number,
            )
        if number is None:
            return self.steps[-1]
        if number not in range(1, len(self.steps) + 1):
            raise UnknownLetterError(
                f"account {self.account_id} has {counted(len(self.steps), 'letter')}, counted from"
                f" 1; there is no number {number}",
                account=self.account_id,
                number=number,
            )
        return self.steps[number - 1]

    def told_before(self, step: TakenStep) -> int:
        """How often the account was told of the same before."""
        return sum(each.due_before == step.due_before for each in self.steps[: step.number - 1])


class LetterParties(Struct, frozen=True):
    """Whom a letter names, as they are on record; None: nobody is."""

    seller: Party | None
    customer: Party | None


def dunning_report(conn: Connection, account_id: str, instant: datetime) -> DunningReport:
    """How far it has come with an account, its books having been brought up to an instant."""
    standing = standing_of(conn, latest(conn, account_id), instant)
    return DunningReport(account_id, standing, steps_of(conn, account_id))


def letter_parties(conn: Connection, account_id: str, at: datetime) -> LetterParties:
    """Whom a letter of that day names."""
    seller, customer = seller_at(conn, at), find_billing_details(conn, account_id)
    return LetterParties(
        None if seller is None else seller.party, customer if customer.name else None
    )
