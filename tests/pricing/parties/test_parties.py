"""Who is named on an invoice: what may stand there, and that it stays as it was issued."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from engine.api import Engine as Loadmuster
from engine.commands.billing import NotOwnerError
from engine.database import reading
from kernel.clock import ManualClock
from kernel.errors import BadInputError
from pricing.accounts.administrators import NotAdministratorError
from pricing.ledger.invoices import InvoiceKind
from pricing.pages.invoice import PartyOnRecordError
from pricing.parties.countries import UnknownCountryError, check_country, countries
from pricing.parties.party import BadPartyError, Party, with_changes
from pricing.parties.sellers import BadSellerError
from pricing.parties.vat_ids import EU, BadTaxIdError, check_tax_id
from pricing.tables import BILLING_DETAILS

VALID = {
    "AT": "U13585627",
    "BE": "428759497",
    "BG": "175074752",
    "CY": "10259033P",
    "CZ": "25123891",
    "DE": "136695976",
    "DK": "13585628",
    "EE": "100931558",
    "ES": "B58378431",
    "FI": "20774740",
    "FR": "40303265045",
    "GR": "094259216",
    "HR": "33392005961",
    "HU": "12892312",
    "IE": "6433435F",
    "IT": "00743110157",
    "LT": "119511515",
    "LU": "15027442",
    "LV": "40003521600",
    "MT": "11679112",
    "NL": "004495445B01",
    "PL": "8567346215",
    "PT": "501964843",
    "RO": "18547290",
    "SE": "123456789701",
    "SI": "50223054",
    "SK": "2022749619",
}
"""A VAT number of each member state, from the examples of python-stdnum."""

PREFIX = {"GR": "EL"}


@pytest.fixture
def engine(database_url: str, clock: ManualClock) -> Iterator[Loadmuster]:
    with Loadmuster(database_url, clock=clock, environment={}) as opened:
        yield opened


def test_there_is_a_number_of_every_member_state_to_check() -> None:
    assert set(VALID) == EU
    assert set(countries()) > EU


def is_taken(tax_id: str, country: str) -> bool:
    try:
        check_tax_id(tax_id, country)
    except BadTaxIdError:
        return False
    return True


@pytest.mark.parametrize("country", sorted(VALID))
def test_a_vat_number_is_checked_by_its_countrys_digits_and_has_one_way_of_writing(
    country: str,
) -> None:
    bare = VALID[country]
    written = PREFIX.get(country, country) + bare
    spaced = f"{written[:4]} {written[4:]}"
    assert {check_tax_id(each, country) for each in (bare, written, spaced)} <= {written} | {
        PREFIX.get(country, country) + "0" + bare
    }
    # Two letters and a digit end a Dutch number, and have no part in its check.
    end = bare.index("B") if country == "NL" else len(bare)
    last = next(place for place in range(end - 1, -1, -1) if bare[place].isdigit())
    wrong = [
        bare[:last] + digit + bare[last + 1 :] for digit in "0123456789" if digit != bare[last]
    ]
    refused = [each for each in wrong if not is_taken(each, country)]
    assert len(refused) >= 8, "the check digit is checked"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"country": "Germany"}, UnknownCountryError, "Germany is DE"),
        ({"country": "ZZ"}, UnknownCountryError, "two letters of ISO 3166"),
        ({"tax_id": "DE136695976"}, BadPartyError, "say which, like --country DE"),
        ({"country": "FR", "tax_id": "DE136695976"}, BadTaxIdError, "no VAT number of FR"),
        ({"country": "DE", "tax_id": "DE136695977"}, BadTaxIdError, "check digit"),
        ({"country": "US", "tax_id": "1" * 41}, BadTaxIdError, "at most 40"),
        ({"name": "x" * 201}, BadPartyError, "at most 200"),
        ({"name": "a\x1b[31mb"}, BadPartyError, "cannot be printed"),
        ({"address": "\n".join("abcdefghi")}, BadPartyError, "has 9 lines"),
        ({"email": "nobody"}, BadPartyError, "no e-mail address"),
        ({"email": "a@b.c\nBcc: x@y.z"}, BadPartyError, "no e-mail address"),
    ],
)
def test_what_cannot_stand_on_an_invoice_is_refused_in_one_line(
    changes: dict[str, str | None], error: type[BadInputError], said: str
) -> None:
    with pytest.raises(error) as refused:
        with_changes(Party(), changes)
    assert said in refused.value.line
    assert refused.value.line.count("\n") == 0
    assert refused.value.exit_code == 2


def test_countries_are_found_by_code_in_either_case() -> None:
    assert check_country(" de ") == "DE"
    assert check_country("GB") == "GB"
    assert countries()["GB"] == "United Kingdom"


def test_details_change_field_by_field_and_go_with_the_account(
    engine: Loadmuster, db: Engine
) -> None:
    engine.accounts.open("acme")
    assert engine.billing.details("acme") == Party()
    said = engine.billing.set_details("acme", name="Acme", country="de", tax_id="136695976")
    assert said == Party(name="Acme", country="DE", tax_id="DE136695976")
    assert engine.billing.set_details("acme", email="bill@acme.example").name == "Acme"
    assert engine.billing.set_details("acme", tax_id="").tax_id is None
    with pytest.raises(BadTaxIdError):
        engine.billing.set_details("acme", tax_id="DE136695977")
    assert engine.billing.details("acme").tax_id is None

    engine.accounts.delete("acme")

    assert engine.billing.details("acme") == Party()
    with reading(db) as conn:
        assert conn.execute(select(BILLING_DETAILS)).all() == []


def test_the_same_request_changes_details_once(engine: Loadmuster) -> None:
    engine.accounts.open("acme")
    for _ in range(2):
        engine.billing.set_details("acme", name="Acme", request_id="r1")
    engine.billing.set_details("acme", name="Acme Ltd")
    assert engine.billing.set_details("acme", name="Acme", request_id="r1").name == "Acme Ltd"


def test_billing_is_for_administrators_and_the_seller_for_the_owner(
    engine: Loadmuster, database_url: str, clock: ManualClock
) -> None:
    engine.accounts.open("acme", administrators=["ann"])
    with Loadmuster(database_url, clock=clock, user="ann", environment={}) as ann:
        assert ann.billing.set_details("acme", name="Acme").name == "Acme"
        with pytest.raises(NotOwnerError):
            ann.billing.set_seller(name="Mine")
    with Loadmuster(database_url, clock=clock, user="bob", environment={}) as bob:
        with pytest.raises(NotAdministratorError):
            bob.billing.details("acme")
        with pytest.raises(NotAdministratorError):
            bob.billing.set_details("acme", name="Bob")


def test_versions_of_the_seller_count_from_their_day(
    engine: Loadmuster, clock: ManualClock
) -> None:
    assert engine.billing.seller() is None
    with pytest.raises(BadSellerError):
        engine.billing.set_seller(country="DE")
    first = engine.billing.set_seller(name="Load Ltd", country="DE", payment_days=30)
    moved = clock.now() + timedelta(days=10)
    engine.billing.set_seller(address="New Street 1\nBerlin", valid_from=moved)
    assert engine.billing.seller() == first
    clock.move_to(moved)
    seller = engine.billing.seller()
    assert seller is not None
    assert (seller.party.name, seller.payment_days) == ("Load Ltd", 30)
    assert seller.party.address == "New Street 1\nBerlin"
    engine.billing.set_seller(address="New Street 1\nBerlin")
    assert len(engine.billing.sellers()) == 2, "said again it is no new version"


@pytest.mark.parametrize(("field", "value"), [("payment_days", 366), ("series", "in-v")])
def test_a_seller_that_cannot_be_is_refused(
    engine: Loadmuster, field: str, value: int | str
) -> None:
    with pytest.raises(BadSellerError) as refused:
        engine.billing.set_seller(name="Load Ltd", **{field: value})  # type: ignore[arg-type]
    assert refused.value.facts["field"] == field


def test_an_invoice_names_the_parties_that_it_was_issued_with_for_ever(
    engine: Loadmuster, clock: ManualClock
) -> None:
    engine.billing.set_seller(name="Load Ltd", address="Street 1\nBerlin", payment_days=30)
    engine.accounts.open("acme", plan="starter")
    engine.billing.set_details("acme", name="Acme", country="US")
    engine.accounts.boost("acme")
    first, second = engine.reports.invoices("acme")
    assert (first.number, second.number) == ("INV-2027-000001", "INV-2027-000002")
    assert first.seller == second.seller == Party("Load Ltd", "Street 1\nBerlin")
    assert (first.customer, second.customer) == (None, Party("Acme", country="US"))
    assert second.due_at == clock.now() + timedelta(days=30)
    page = engine.reports.invoice_page("acme", second.number)

    engine.billing.set_seller(name="Other Ltd", series="OTH")
    engine.billing.set_details("acme", name="Renamed")

    assert engine.reports.invoices("acme") == (first, second)
    assert engine.reports.invoice_page("acme", second.number) == page
    for name in ("Load Ltd", "Street 1", "Acme", "United States"):
        assert name in page
    with pytest.raises(PartyOnRecordError, match="leave --seller out"):
        engine.reports.invoice_page("acme", second.number, seller="Somebody")
    with pytest.raises(PartyOnRecordError, match="leave --customer out"):
        engine.reports.invoice_page("acme", second.number, customer="Somebody")
    assert "Somebody" in engine.reports.invoice_page("acme", first.number, customer="Somebody")
    assert first.kind is InvoiceKind.INVOICE


def test_a_command_tells_and_sets_the_parties(run_json: Callable[..., dict[str, object]]) -> None:
    run_json("account", "open", "acme")
    assert run_json("billing", "show", "acme")["name"] is None
    said = run_json("billing", "set", "acme", "--name", "Acme", "--address", "Street 1; Town")
    assert (said["id"], said["address"]) == ("acme", "Street 1\nTown")
    assert run_json("billing", "seller") == {"seller": None, "versions": []}
    version = run_json("billing", "set-seller", "--name", "Load Ltd", "--from", "2026-01-01")
    assert version["in_force_from"] == "2026-01-01T00:00:00+00:00"
    told = run_json("billing", "seller")
    assert told["versions"] == [version]
    assert told["seller"] == version
