"""What was asked of the payment gateway, one row an ask, and who asks."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from pricing.tables.columns import METADATA, Instant, row_id

INSTALLATION = Table(
    "installation",
    METADATA,
    # One row: what tells this database's payments from those of all others at one gateway.
    Column("id", Text, primary_key=True),
)

OPEN_ATTEMPT = "(state IN ('pending', 'delayed') OR (state = 'accepted' AND outcome IS NULL))"
"""Which attempts something is still to come of; a query with these very words uses the index."""

PAYMENT_ATTEMPTS = Table(
    "payment_attempts",
    METADATA,
    row_id(),
    # What the gateway knows it by.
    Column("key", Text, nullable=False, unique=True),
    # What is paid, and for how many times that is asked for.
    Column("purpose", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    # No reference: an account that is about to be opened pays before it is there.
    Column("account_id", Text, nullable=False),
    Column("usd_micros", BigInteger, nullable=False),
    # What of the price is set off against credit besides, and kept for it meanwhile.
    Column("set_off_usd_micros", BigInteger, nullable=False, server_default="0"),
    Column("currency", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("card", Text),
    Column("at_once", Boolean, nullable=False),
    # The command that waits for the answer: its name, its content, and its request id.
    Column("command", Text),
    Column("content", JSON),
    Column("request_id", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant),
    # What the gateway says that it collected.
    Column("collected_micros", BigInteger),
    Column("collected_currency", Text),
    # What became of the money: booked for its purpose | credit | apart, for people to decide.
    Column("outcome", Text),
    UniqueConstraint("purpose", "attempt"),
    CheckConstraint(
        "state IN ('pending', 'accepted', 'declined', 'delayed', 'withdrawn', 'disputed')",
        name="state",
    ),
    CheckConstraint("outcome IN ('booked', 'credit', 'apart')", name="outcome"),
    Index(
        "ix_payment_attempts_open",
        "account_id",
        sqlite_where=text(OPEN_ATTEMPT),
        postgresql_where=text(OPEN_ATTEMPT),
    ),
)
