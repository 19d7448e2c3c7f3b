"""Where an invoice stands is read from its payment, its due date, and what was taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine

from engine.database import transaction
from pricing.accounts.advance import advance
from pricing.accounts.heal import heal
from pricing.ledger.invoices import InvoiceStatus, list_invoices
from pricing.payments.gateway import REHEARSED_GATEWAY, PaymentState
from pricing.plans.model import Plan
from pricing.reports.invoice_status import with_status
from pricing.tables import PAYMENTS

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("state", "stands"),
    [
        ("accepted", ["paid", "paid", "paid"]),
        ("due", ["due", "due", "overdue"]),
        ("declined", ["overdue", "due", "overdue"]),
        ("delayed", ["overdue", "due", "overdue"]),
        ("abandoned", ["paid", "paid", "paid"]),
        (None, ["paid", "paid", "paid"]),
    ],
)
def test_an_invoice_stands_as_its_payment_and_its_due_date_say(
    db: Engine,
    globex: str,
    on_demand: Plan,
    now: datetime,
    charge: Callable[..., int],
    state: str | None,
    stands: list[str],
) -> None:
    with transaction(db) as conn:
        charge(conn, globex, "r1", on_demand, now)
        (issued,) = list_invoices(conn, globex)
        if state is None:
            # Payments are never deleted: it is for what nobody was asked for.
            issued = replace(issued, cause="run:set-off")
        else:
            conn.execute(PAYMENTS.update().values(state=PaymentState(state)))
        dated = replace(issued, due_at=now + 14 * DAY)
        found = [
            with_status(conn, [issued], now)[0].status,
            with_status(conn, [dated], now + 14 * DAY)[0].status,
            with_status(conn, [dated], now + 15 * DAY)[0].status,
        ]
        assert with_status(conn, [], now) == ()
    assert found == stands


def test_what_a_credit_note_takes_back_is_void(db: Engine, acme: str, now: datetime) -> None:
    with transaction(db) as conn:
        advance(conn, acme, now + 70 * DAY, gateway=REHEARSED_GATEWAY)
        heal(conn, acme, now=now, request_id="h", gateway=REHEARSED_GATEWAY)
        found = with_status(conn, list_invoices(conn, acme), now)
    assert [each.status for each in found] == [
        *(InvoiceStatus.PAID, InvoiceStatus.VOID, InvoiceStatus.VOID, InvoiceStatus.CREDIT)
    ]


def test_the_command_tells_it(
    acme: str, now: datetime, answer: Callable[..., dict[str, list[dict[str, object]]]]
) -> None:
    (issued,) = answer("invoices", acme, "--now", now.isoformat())["invoices"]
    assert (issued["status"], issued["due_at"], issued["total_usd"]) == ("paid", None, "199.00")
