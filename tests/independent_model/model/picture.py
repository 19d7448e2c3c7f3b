"""What is compared: the books at an instant, as plain values that both sides can tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, order=True)
class LotSeen:
    """A lot that is open; ``owner`` is a department, or empty for the account itself."""

    kind: str
    owner: str
    since: datetime
    until: datetime | None
    remaining: int
    reserved: int


@dataclass(frozen=True)
class DepartmentSeen:
    """A department's share and wallet."""

    name: str
    allocation: int
    balance: int
    reserved: int
    limit: int
    spent: int
    set_aside: int
    month: tuple[datetime, datetime]


@dataclass(frozen=True)
class PlanSeen:
    """One row of the history of plans (R110-R113)."""

    plan: str
    status: str
    since: datetime
    until: datetime | None
    credits: int
    usd_micros: int


@dataclass(frozen=True, order=True)
class Charge:
    """Something that was sold: when, what (``subscription``, ``boost``, ``start-up``, ...)."""

    at: datetime
    what: str
    usd_micros: int


@dataclass(frozen=True, order=True)
class InvoiceSeen:
    """An invoice or a credit note, with the amounts of its lines.

    ``corrects`` has when each invoice was issued that a credit note takes back.
    """

    at: datetime
    usd_micros: int
    lines: tuple[int, ...]
    kind: str
    due_at: datetime | None
    corrects: tuple[datetime, ...]
    status: str


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What ``account show`` tells."""

    plan: str
    status: str
    period: tuple[datetime, datetime] | None
    balance: int
    reserved: int
    charged: int
    unpaid: int
    credit: int
    pending: tuple[str, str, datetime | None, str | None] | None
    next_charge: tuple[datetime, int] | None
    lots: tuple[LotSeen, ...]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Everything: the glance, and what the other reports tell."""

    glance: Glance
    departments: tuple[DepartmentSeen, ...] = ()
    history: tuple[PlanSeen, ...] = ()
    charges: tuple[Charge, ...] = ()
    invoices: tuple[InvoiceSeen, ...] = field(default=())
