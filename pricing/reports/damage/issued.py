"""Invoices that are not as they were issued: their parties, their day, their tax, their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple, cast

from msgspec import Struct, ValidationError, convert
from msgspec.structs import fields
from sqlalchemy import Connection

from pricing.ledger.invoices import InvoiceKind
from pricing.ledger.numbering import place_in_own_series
from pricing.parties.party import Party
from pricing.reports.damage.reading import Damage, as_document, as_instant, raw_rows
from pricing.reports.damage.rule import SHOWN_MAX
from pricing.taxes.model import TaxLine

PAGE = 500
"""Invoices that are read at once."""

_INVOICES = (
    "SELECT id, number, account_id, kind, issued_at, due_at, corrects, seller, customer, taxes"
    " FROM invoices WHERE id > :after ORDER BY id LIMIT :most"
)
_TAXES = """
    SELECT n.invoice_id, x.treatment, x.country, x.rate_ppm, sum(x.net_usd_micros),
      sum(x.tax_usd_micros)
    FROM (SELECT DISTINCT invoice_id, cause FROM invoice_lines
      WHERE invoice_id BETWEEN :first AND :last) n
    JOIN tax_lines x ON x.natural_key = n.cause
    GROUP BY n.invoice_id, x.treatment, x.country, x.rate_ppm
"""
_CORRECTED = "SELECT 1 FROM invoices WHERE account_id = :account AND number = :number"


class _Issued(NamedTuple):
    """A row of ``_INVOICES``."""

    id: int
    number: str
    account_id: str
    kind: str
    issued_at: object
    due_at: object
    corrects: object
    seller: object
    customer: object
    taxes: object


class _Sellers(Struct, frozen=True):
    """Every version of the seller, with the days in which its invoices are to be paid."""

    days: tuple[tuple[Party, timedelta], ...]

    def days_of(self, party: Party) -> tuple[timedelta, ...]:
        """Of the versions with these details; none: no version has them."""
        return tuple(days for known, days in self.days if known == party)


def not_as_issued(conn: Connection) -> Iterator[Damage]:
    """Invoices with a party, a due date, a tax or a correction that nobody issued them with."""
    sellers = _sellers(conn)
    after, told = 0, 0
    while page := [_Issued(*row) for row in raw_rows(conn, _INVOICES, after=after, most=PAGE)]:  # type: ignore[arg-type]
        after = page[-1].id
        taxes = _taxes(conn, page[0].id, after)
        for row in page:
            for what in _faults(conn, row, sellers, taxes.get(row.id, ())):
                yield Damage("invoices", row.number, row.account_id, what)
                told += 1
        if told >= SHOWN_MAX:
            return


def _faults(
    conn: Connection, row: _Issued, sellers: _Sellers, taxes: Iterable[TaxLine]
) -> Iterator[str]:
    try:
        _party(row.customer)
        seller = _party(row.seller)
    except (TypeError, ValueError):
        yield "its seller or its customer cannot be read"
        return
    yield from _due_faults(row, seller, sellers)
    try:
        of_it = convert(as_document(row.taxes) or (), tuple[TaxLine, ...])
    except (ValidationError, ValueError):
        yield "its taxes cannot be read"
    else:
        if set(of_it) != set(taxes):
            yield "its taxes are not the sum of the lines of tax of what it is for"
    yield from _correction_faults(conn, row)


def _due_faults(row: _Issued, seller: Party | None, sellers: _Sellers) -> Iterator[str]:
    """The seller is one that was on record, and gives so many days."""
    days = () if seller is None else sellers.days_of(seller)
    if seller is not None and not days:
        yield "its seller was never on record"
        return
    if row.kind == InvoiceKind.CREDIT_NOTE or seller is None:
        if row.due_at is not None:
            yield f"it is due at {row.due_at}, and nobody said so"
        return
    try:
        issued_at = as_instant(row.issued_at)
        due = [issued_at + each for each in days]
        if row.due_at is None or as_instant(row.due_at) not in due:
            yield f"it is due at {row.due_at}, and its seller gives other days"
    except ValueError:
        yield "its instants cannot be read"


def _correction_faults(conn: Connection, row: _Issued) -> Iterator[str]:
    """A credit note corrects invoices of its account; an invoice corrects nothing."""
    corrects = as_document(row.corrects)
    if row.kind != InvoiceKind.CREDIT_NOTE:
        if corrects is not None:
            yield "it is no credit note, and corrects something"
        return
    if not isinstance(corrects, list) or not corrects:
        yield "it is a credit note, and does not say what it corrects"
        return
    for number in corrects:
        asked = {"account": row.account_id, "number": str(number)}
        if str(number) == row.number or not raw_rows(conn, _CORRECTED, **asked):
            yield f"it corrects {number}, which is no invoice of the account"


def gaps_in_numbers(conn: Connection) -> Iterator[Damage]:
    """Numbers that are in no series, and series of which a number is missing."""
    given = {
        str(row[0]): int(str(row[1]))
        for row in raw_rows(conn, "SELECT series, last_number FROM invoice_series")
    }
    series: dict[tuple[str, str | None], _Series] = {}
    rows = "SELECT number, account_id, seller IS NULL FROM invoices ORDER BY id"
    for number, account, is_own in raw_rows(conn, rows):
        of = str(account) if is_own else None
        place = _place(str(number), of, given)
        if place is None:
            yield Damage("invoices", str(number), str(account), "its number is of no series")
            continue
        series.setdefault((place[0], of), _Series()).add(place[1])
    for (name, of), each in series.items():
        if each.count != each.last:
            what = f"its series {name} has {each.count} numbers, up to {each.last}"
            yield Damage("invoices", name, of, what)
    for name, last in given.items():
        found = series.get((name, None), _Series())
        if found.last != last:
            what = f"the number given last is {last}, and {found.last} stands on an invoice"
            yield Damage("invoice_series", name, None, what)


class _Series:
    """The numbers of one series, counted; no two invoices have the same."""

    def __init__(self) -> None:
        self.count = 0
        self.last = 0

    def add(self, place: int) -> None:
        """Count one."""
        self.count += 1
        self.last = max(self.last, place)


def _place(number: str, account: str | None, given: Mapping[str, int]) -> tuple[str, int] | None:
    """The series of a number and its place in it; None: it is in none."""
    if account is not None:
        return place_in_own_series(number, account)
    name, _, digits = number.rpartition("-")
    return (name, int(digits)) if name in given and digits.isdecimal() else None


def _sellers(conn: Connection) -> _Sellers:
    found = []
    for document, days in raw_rows(conn, "SELECT document, payment_days FROM sellers"):
        try:
            party = _party(document)
        except (TypeError, ValueError):
            continue
        found.append((party or Party(), timedelta(int(str(days)))))
    return _Sellers(tuple(found))


def _taxes(conn: Connection, first: int, last: int) -> Mapping[int, tuple[TaxLine, ...]]:
    """What the tax on record of some invoices adds up to, by treatment, country and rate."""
    found: dict[int, list[TaxLine]] = {}
    for row in raw_rows(conn, _TAXES, first=first, last=last):
        try:
            _, treatment, country, rate, net, tax = (str(each) for each in row)
            line = convert(
                {
                    "treatment": treatment,
                    "country": country,
                    "rate_ppm": int(rate),
                    "net_usd_micros": int(net),
                    "tax_usd_micros": int(tax),
                },
                TaxLine,
            )
        except (ValidationError, ValueError):
            # Such a line is told by a rule of its own.
            continue
        found.setdefault(int(str(row[0])), []).append(line)
    return {invoice: tuple(lines) for invoice, lines in found.items()}


def _party(value: object) -> Party | None:
    """A party as it is stored.

    Raises:
        ValueError: It is no party's document, or says nothing.
    """
    document = as_document(value)
    if document is None:
        return None
    party = convert(document, Party)
    known = {field.name for field in fields(Party)}
    if not set(cast("Mapping[str, object]", document)) <= known or party == Party():
        raise ValueError(document)
    return party
