"""What the product's reports tell, as the values that are compared."""

from __future__ import annotations

from collections.abc import Sequence

from loadmuster import Engine
from pricing.accounts.view import AccountView
from pricing.ledger.ledger import Transaction
from tests.independent_model.model.picture import (
    Charge,
    DepartmentSeen,
    Glance,
    InvoiceSeen,
    LotSeen,
    Picture,
    PlanSeen,
)

REVENUE = "revenue:"


def glance_of(view: AccountView) -> Glance:
    """What ``account show`` tells."""
    pending, next_charge = view.pending, view.next_charge
    return Glance(
        plan=view.account.plan,
        status=str(view.account.status),
        period=None if view.period is None else (view.period.start, view.period.end),
        balance=view.balance_li_minutes,
        reserved=view.reserved_li_minutes,
        charged=view.charged_usd_micros,
        unpaid=view.unpaid_usd_micros,
        credit=view.credit_usd_micros,
        pending=None
        if pending is None
        else (str(pending.change), str(pending.state), pending.at, pending.plan),
        next_charge=None if next_charge is None else (next_charge.at, next_charge.usd_micros),
        lots=tuple(
            sorted(
                LotSeen(
                    str(lot.kind),
                    "",
                    lot.effective_at,
                    lot.expires_at,
                    lot.remaining,
                    lot.reserved,
                )
                for lot in view.lots
                if lot.remaining
            )
        ),
    )


def picture_of(engine: Engine, account_id: str) -> Picture:
    """All of the account's books as they are with what is due by now."""
    issued = {each.number: each for each in engine.reports.invoices(account_id)}
    return Picture(
        glance=glance_of(engine.accounts.show(account_id)),
        departments=tuple(
            DepartmentSeen(
                view.department.name,
                view.department.allocation_li_minutes,
                view.balance_li_minutes,
                view.reserved_li_minutes,
                view.wallet.limit_usd_micros,
                view.wallet.spent_usd_micros,
                view.wallet.reserved_usd_micros,
                (view.wallet.period.start, view.wallet.period.end),
            )
            for view in engine.departments.list(account_id)
        ),
        history=tuple(
            PlanSeen(
                row.plan,
                str(row.status),
                row.start,
                row.end,
                row.monthly_li_minutes,
                row.monthly_usd_micros,
            )
            for row in engine.accounts.history(account_id)
        ),
        charges=_charges(engine.reports.ledger(account_id)),
        invoices=tuple(
            sorted(
                InvoiceSeen(
                    each.issued_at,
                    each.usd_micros,
                    tuple(line.usd_micros for line in each.lines),
                    str(each.kind),
                    each.due_at,
                    tuple(issued[number].issued_at for number in each.corrects),
                    str(each.status),
                )
                for each in issued.values()
            )
        ),
    )


def _charges(written: Sequence[Transaction]) -> tuple[Charge, ...]:
    """What was sold, and what of it was taken back; nothing is no charge."""
    return tuple(
        sorted(
            Charge(each.effective_at, posting.ledger_account.removeprefix(REVENUE), -posting.amount)
            for each in written
            for posting in each.postings
            if posting.ledger_account.startswith(REVENUE) and posting.amount
        )
    )
