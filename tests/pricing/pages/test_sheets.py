"""What is sent says the same as HTML and as PDF, whatever texts it holds."""

from __future__ import annotations

import builtins
import re
import sys
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from msgspec.structs import replace

from pricing.ledger.invoices import Invoice, InvoiceKind, InvoiceLine
from pricing.pages.dunning_letter import DunningLetter, dunning_sheet
from pricing.pages.html import html_of
from pricing.pages.invoice import Parties, invoice_sheet
from pricing.pages.pdf import NoPdfError, pdf_of
from pricing.pages.sheet import Sheet, amount_in_words
from pricing.parties.party import Party
from pricing.plans.dunning import StepKind
from pricing.subscriptions.dunning import ComingStep, TakenStep
from pricing.subscriptions.owed import OwedInvoice
from pricing.taxes.model import TaxLine, Treatment
from tests.command_line import Command

NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
SELLER = Party("Loadwerk GmbH", "Torstraße 1\n10115 Berlin", "DE", "a@b.example", "DE136695976")
CUSTOMER = Party("Łódź & Sons", "ul. Piotrkowska 1\n90-001 Łódź", "PL")
MARKUP = '#panic("no") *bold* _soft_ $x^2$ <b>&amp; \\u{41} // "quoted" @ref ```'
INVOICE = Invoice(
    "acme",
    "INV-2027-000042",
    "run:r1",
    NOW,
    (
        InvoiceLine("r1: start-up", 7_500_000, "run:r1:start"),
        InvoiceLine("r1: use", 1_234_567_890_000, "run:r1:start"),
    ),
    due_at=datetime(2027, 2, 8, 9, tzinfo=UTC),
    seller=SELLER,
    customer=CUSTOMER,
    taxes=(TaxLine(Treatment.STANDARD, "PL", 230_000, 1_234_575_390_000, 283_952_340_000),),
)
NOTE = replace(
    INVOICE,
    number="INV-CN-2027-000003",
    kind=InvoiceKind.CREDIT_NOTE,
    lines=(InvoiceLine("undone: starter", -199_000_000, "healing:x"),),
    corrects=("INV-2027-000042", "INV-2027-000043"),
    due_at=None,
    taxes=(TaxLine(Treatment.REVERSE_CHARGE, "FR", 0, -199_000_000, 0),),
)


def owed(number: int, cause: str, usd_micros: int, *, issued: date, due: date) -> OwedInvoice:
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (issued, due))
    return OwedInvoice(f"INV-2027-{number:06}", cause, first, last, usd_micros, "USD")


STEP = TakenStep(
    number=2,
    kind=StepKind.ASKED,
    day=14,
    at=datetime(2027, 3, 10, tzinfo=UTC),
    due_before=datetime(2027, 2, 9, tzinfo=UTC),
    usd_micros=273_160_000,
    unpaid=(
        owed(42, "run:r1", 36_350_000, issued=date(2027, 1, 25), due=date(2027, 2, 8)),
        owed(
            51,
            "subscription:1:period:1",
            236_810_000,
            issued=date(2027, 2, 24),
            due=date(2027, 3, 10),
        ),
    ),
    next=ComingStep(StepKind.SUSPENDED, datetime(2027, 3, 25, tzinfo=UTC)),
)
LETTER = DunningLetter("acme", "UTC", STEP, asked_before=1)
SHEETS = {
    "invoice": invoice_sheet(INVOICE, "UTC", payments_rehearsed=True),
    "credit note": invoice_sheet(NOTE, "UTC"),
    "letter": dunning_sheet(LETTER, Parties(SELLER.text, CUSTOMER.text)),
    "markup": invoice_sheet(
        replace(
            INVOICE,
            seller=Party(MARKUP, MARKUP),
            customer=Party(MARKUP),
            lines=(InvoiceLine(MARKUP, 10_000, MARKUP),),
            taxes=(),
        ),
        "UTC",
    ),
}


def squeezed(text: str) -> str:
    """A text without blanks, hyphens of broken lines and ligatures, which typesetting puts in."""
    plain = text.replace("\ufb01", "fi").replace("\ufb00", "ff").replace("\u200b", "")
    return re.sub(r"[\s\u00ad\ufffe\x02]+", "", plain)


def pages_of(drawn: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(drawn)
    texts = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    return texts


def said_by(sheet: Sheet) -> list[str]:
    """Every text of a sheet, line by line."""
    texts = [
        *(sheet.title, sheet.number, sheet.seller, *sheet.head),
        *(text for fact in sheet.facts for text in (fact.name, fact.value)),
        *(text for row in sheet.rows for text in (row.what, row.amount, row.more, row.small)),
        *(text for each in sheet.sums for text in (each.name, each.amount)),
        *(*sheet.text, *sheet.closing, *sheet.notes),
    ]
    return [line for text in texts for line in text.split("\n") if line]


@pytest.mark.parametrize("name", SHEETS)
def test_both_say_all_of_it_whatever_it_holds(name: str) -> None:
    sheet = SHEETS[name]
    drawn = squeezed("".join(pages_of(pdf_of(sheet))))
    page = squeezed(unescape(html_of(sheet)))
    for line in said_by(sheet):
        assert squeezed(line) in page, line
        assert squeezed(line) in drawn, line


def test_what_a_letter_and_a_credit_note_say() -> None:
    letter = said_by(SHEETS["letter"])
    assert letter[:2] == ["Final notice", "acme-L-00002"]
    assert (
        "2 invoices to you are not paid, the oldest due since 8 February 2027."
        " We have told you once before." in letter
    )
    assert "of 25 January 2027, due 8 February 2027, 30 days overdue" in letter
    assert (
        "Please pay 273.16 USD by 24 March 2027. If it is not paid by then,"
        " your account is suspended from 25 March 2027 on: no load test can be started then before"
        " it is paid; your credits are kept." in letter
    )
    assert "of 24 February 2027, due 10 March 2027, not overdue yet" in letter
    note = said_by(SHEETS["credit note"])
    assert note[0] == "Credit note"
    assert "INV-2027-000042, INV-2027-000043" in note
    assert any(line.startswith("Reverse charge") for line in note)


def letter_of(
    kind: StepKind, coming: StepKind | None, *, before: int = 0, invoices: int = 2
) -> Sheet:
    unpaid = STEP.unpaid[:invoices]
    following = None if coming is None else ComingStep(coming, datetime(2027, 3, 25, tzinfo=UTC))
    usd_micros = sum(each.usd_micros for each in unpaid)
    step = replace(STEP, kind=kind, next=following, unpaid=unpaid, usd_micros=usd_micros)
    return dunning_sheet(replace(LETTER, step=step, asked_before=before), Parties())


def test_each_letter_says_what_was_done_and_what_comes_next() -> None:
    first = letter_of(StepKind.REMINDED, StepKind.ASKED, invoices=1)
    assert first.title == "Payment reminder"
    assert first.text == ("1 invoice to you is not paid, due since 8 February 2027.",)
    assert "we will try to collect it again on 25 March 2027, from a card" in first.closing[0]
    assert "by 24 March 2027" in first.closing[0]
    assert letter_of(StepKind.ASKED, StepKind.ASKED, before=1).title == "Second reminder"
    assert letter_of(StepKind.ASKED, StepKind.ASKED, before=9).title == "Fifth reminder"
    suspended = letter_of(StepKind.SUSPENDED, StepKind.ENDED, before=4)
    assert suspended.title == "Notice of suspension"
    assert "Your account is suspended" in suspended.text[0]
    assert "your subscription ends on 25 March 2027" in suspended.closing[0]
    on_demand = letter_of(StepKind.SUSPENDED, None)
    assert on_demand.closing[0] == "Please pay 273.16 USD now."


def test_a_letter_about_the_end_asks_for_what_is_owed_still_and_no_more() -> None:
    ended = letter_of(StepKind.ENDED, None)
    assert ended.title == "Your subscription has ended"
    assert ended.closing[0].startswith("What was asked for billing periods is taken back")
    assert ended.closing[1] == "Please pay 36.35 USD now."
    unpaid = STEP.unpaid[1:]
    step = replace(STEP, kind=StepKind.ENDED, next=None, unpaid=unpaid)
    assert len(dunning_sheet(replace(LETTER, step=step), Parties()).closing) == 1


def test_a_long_invoice_has_its_head_and_its_number_on_every_page() -> None:
    lines = tuple(
        InvoiceLine(f"extra credits {number}", 10_000, f"cause-{'x' * 80}-{number}")
        for number in range(60)
    )
    texts = pages_of(pdf_of(invoice_sheet(replace(INVOICE, lines=lines), "UTC")))
    assert len(texts) > 2
    for number, text in enumerate(texts, 1):
        assert "Description" in text
        assert "INV-2027-000042" in text
        assert f"{number} of {len(texts)}" in text


def test_the_same_sheet_is_the_same_file_and_one_for_archives() -> None:
    drawn = pdf_of(SHEETS["invoice"])
    assert drawn == pdf_of(SHEETS["invoice"])
    assert drawn.startswith(b"%PDF-1.7")
    assert b"<pdfaid:part>2</pdfaid:part>" in drawn


def test_letters_that_no_font_has_leave_the_rest_of_the_page() -> None:
    unknown = replace(INVOICE, customer=Party("\U000e0041 \u16a0 Acme"))
    assert "INV-2027-000042" in pages_of(pdf_of(invoice_sheet(unknown, "UTC")))[0]


@pytest.mark.parametrize(
    ("usd_micros", "written"),
    [
        (1_234_567_890_000, "1,234,567.89"),
        (-1_234_500_000, "-1,234.50"),
        (-500_000, "-0.50"),
        (0, "0.00"),
        (125_000, "0.125"),
    ],
)
def test_amounts_have_their_thousands_parted(usd_micros: int, written: str) -> None:
    assert amount_in_words(usd_micros) == written


def test_without_typst_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:  # noqa: ANN401 - handed on
        if name == "typst":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    monkeypatch.delitem(sys.modules, "typst", raising=False)
    with pytest.raises(NoPdfError, match=r"pip install 'loadmuster\[pdf\]'"):
        pdf_of(SHEETS["letter"])


def test_the_command_writes_a_pdf_and_says_where(
    loadmuster: Command, tmp_path: Path, migrated_file: Path
) -> None:
    (tmp_path / "books.db").write_bytes(migrated_file.read_bytes())
    db = ("--db", f"sqlite:///{tmp_path / 'books.db'}")
    assert loadmuster(*db, "account", "open", "acme", "--plan", "starter").code == 0
    out = tmp_path / "invoice.pdf"
    command = (*db, "--json", "invoices", "acme", "--pdf", "acme-00001")
    answer = loadmuster(*command, "--out", str(out))
    assert (answer.code, answer.json) == (0, {"number": "acme-00001", "path": str(out)})
    assert "acme-00001" in pages_of(out.read_bytes())[0]
    without = loadmuster(*command)
    assert (without.code, "--pdf NUMBER needs --out FILE" in without.err) == (2, True)
    both = loadmuster(*command, "--html", "acme-00001", "--out", str(out))
    assert (both.code, "--html and --pdf contradict each other" in both.err) == (2, True)
    nowhere = loadmuster(*command, "--out", str(tmp_path / "no" / "x.pdf"))
    assert (nowhere.code, nowhere.err.count("\n")) == (2, 1)
