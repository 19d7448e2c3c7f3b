"""Who is named on invoices: the customer of each account, and the seller of the installation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.commands.account_pages import each_page
from engine.commands.arguments import checked
from engine.commands.context import EngineContext
from kernel.clock import Clock, StartingClock
from pricing.accounts.owner import OWNER, NotOwnerError

if TYPE_CHECKING:
    import sqlalchemy

    from pricing.accounts.account import Account
    from pricing.parties.party import Party
    from pricing.parties.retention import DataKind, Retention
    from pricing.parties.sellers import Seller
    from pricing.taxes.service import TaxQuestion


@checked
class BillingCommands:
    """Setting and showing the parties that invoices name from then on."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    def details(self, account_id: str) -> Party:
        """The customer of an account, as its next invoice names it.

        Raises:
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks (R96).
        """
        from pricing.parties.billing_details import find_billing_details

        with self._context.record_seen(account_id) as conn:
            return find_billing_details(conn, account_id)

    def set_details(
        self,
        account_id: str,
        *,
        name: str | None = None,
        address: str | None = None,
        country: str | None = None,
        email: str | None = None,
        tax_id: str | None = None,
        request_id: str | None = None,
    ) -> Party:
        """Say anew whom the account's invoices are for; what is None stays, "" goes.

        Args:
            account_id: Whose.
            name: Of the business or person.
            address: Street and place, on as many lines as they need.
            country: ISO 3166-1 code of two letters; it decides the tax.
            email: Where invoices go.
            tax_id: VAT number; checked by the format and check digits of the country.
            request_id: The caller's id of this request.

        Raises:
            BadInputError: One of them cannot stand on an invoice.
            UnknownAccountError: There is no such account.
            NotAdministratorError: Somebody else asks (R96).
        """
        from pricing.accounts.bill_to import set_billing_details
        from pricing.parties.billing_details import find_billing_details
        from pricing.parties.party import with_changes
        from pricing.taxes.on_record import note_told, tax_question

        use = self._context
        changes = {
            "name": name,
            "address": address,
            "country": country,
            "email": email,
            "tax_id": tax_id,
        }
        now = use.clock.now()
        with use.record_seen(account_id) as conn:
            changed = with_changes(find_billing_details(conn, account_id), changes)
            question = tax_question(conn, account_id, now, customer=changed)
        # Outside of every transaction: the service may be on the net.
        told = None if question is None else use.taxes.taxation(question)
        with use.changing(account_id, "billing set") as conn:
            party = set_billing_details(
                conn,
                account_id,
                changes,
                now=now,
                request_id=use.id_of(request_id),
                gateway=use.gateway,
            )
            if question is not None and told is not None and party == changed:
                name = use.taxes.name
                note_told(conn, account_id, question, told, service=name, now=now)
        return party

    def refresh_taxes(self) -> int:
        """Ask the tax service again about every account; what is new is put on record.

        Returns:
            How many accounts it was asked about: none where no seller with a country is on record.
        """
        from pricing.taxes.on_record import note_told, tax_question

        use = self._context
        now = use.clock.now()

        def questions_of(
            conn: sqlalchemy.Connection, page: Sequence[Account]
        ) -> Mapping[str, TaxQuestion | None]:
            return {each.id: tax_question(conn, each.id, now) for each in page}

        asked = 0
        for questions in each_page(use, questions_of):
            for account_id, question in questions.items():
                if question is not None:
                    told = use.taxes.taxation(question)
                    asked += 1
                    with use.transaction() as conn:
                        name = use.taxes.name
                        note_told(conn, account_id, question, told, service=name, now=now)
        return asked

    def sellers(self) -> Sequence[Seller]:
        """Every version of the seller, in the order in which they come into force."""
        from pricing.parties.sellers import sellers

        with self._context.reading() as conn:
            return sellers(conn)

    def seller(self) -> Seller | None:
        """The seller that invoices of now name; None: none is on record."""
        from pricing.parties.sellers import seller_at

        now = self._context.clock.now()
        with self._context.reading() as conn:
            return seller_at(conn, now)

    def retention(self) -> Mapping[DataKind, Retention | None]:
        """How long each kind of data is kept, by what is in force now in the seller's country.

        Returns:
            By kind, all of them; None: no law of that country is on record, or nobody has said in
            which country the seller is.
        """
        from pricing.parties.retention import retention
        from pricing.parties.sellers import seller_at

        now = self._context.clock.now()
        with self._context.reading() as conn:
            seller = seller_at(conn, now)
        country = None if seller is None else seller.party.country
        return retention(country, now.astimezone(UTC).date())

    def set_seller(  # noqa: PLR0913 - one keyword an option of `loadmuster billing set-seller`
        self,
        *,
        name: str | None = None,
        address: str | None = None,
        country: str | None = None,
        email: str | None = None,
        tax_id: str | None = None,
        payment_days: int | None = None,
        series: str | None = None,
        valid_from: datetime | None = None,
    ) -> Seller:
        """Put a version of the seller on record; what is None is as in the version before, "" goes.

        Said again it does nothing. Invoices that were issued keep the seller that they name.

        Args:
            name: Of the business.
            address: Street and place, on as many lines as they need.
            country: ISO 3166-1 code of two letters; without one no tax is computed.
            email: Where customers ask.
            tax_id: VAT number; checked by the format and check digits of the country.
            payment_days: Days in which an invoice is to be paid.
            series: What the numbers of invoices begin with.
            valid_from: From when on it counts; None: from now on.

        Raises:
            BadInputError: One of them cannot stand on an invoice.
            SellerNotCoveredError: The tax service knows nothing of sellers in that country.
            NotOwnerError: The engine's user is not the owner of the installation.
        """
        from pricing.parties.party import Party, with_changes
        from pricing.parties.sellers import (
            PAYMENT_DAYS,
            SERIES,
            Seller,
            check_seller,
            put_seller,
            seller_at,
        )
        from pricing.taxes.service import check_covered

        use = self._context
        if use.user != OWNER:
            raise NotOwnerError(
                f"{use.user} is not the owner of the installation, who alone says who sells",
                by=use.user,
            )
        now = use.clock.now()
        at = _begin_of(use.clock, now) if valid_from is None else valid_from
        changes = {
            "name": name,
            "address": address,
            "country": country,
            "email": email,
            "tax_id": tax_id,
        }
        with use.transaction() as conn:
            there = seller_at(conn, at)
            before = Seller(Party(), at, PAYMENT_DAYS, SERIES) if there is None else there
            seller = check_seller(
                Seller(
                    with_changes(before.party, changes),
                    at,
                    before.payment_days if payment_days is None else payment_days,
                    before.series if series is None else series,
                )
            )
            check_covered(seller.party.country, use.taxes)
            put_seller(conn, seller, now=now)
            in_force = seller_at(conn, at)
        assert in_force is not None
        return in_force


def _begin_of(clock: Clock, now: datetime) -> datetime:
    """From when on what is set now counts.

    Commands under one test clock each start at the same instant, and the clock runs on in each:
    what one has set counts for the next one, however long either took to start.
    """
    return clock.start if isinstance(clock, StartingClock) else now
