"""The tables of runs; they share the books' metadata, database and transactions."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from pricing.tables import METADATA, Instant

RUNS = Table(
    "runs",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("request_id", Text),
    Column("request_hash", Text, nullable=False),
    # What was accepted, never changed afterwards.
    Column("order_document", JSON, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    # Where it is.
    Column("state", Text, nullable=False, index=True),
    Column("cancel_at", Instant),
    Column("outcome", Text),
    Column("reason", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("intent_at", Instant),
    Column("launched_at", Instant),
    Column("load_started_at", Instant),
    Column("release_at", Instant),
    Column("ended_at", Instant),
    Column("machines", JSON, nullable=False),
    Column("result", JSON(none_as_null=True)),
    Column("endpoint", Text),
    # The same of the other clouds that it went to, by provider.
    Column("other_endpoints", JSON, nullable=False, server_default="{}"),
    # For each placement, the options that its tries to launch took.
    Column("routes", JSON, nullable=False, server_default="[]"),
    # What its controller saw at its last look.
    Column("last_seen", JSON(none_as_null=True)),
    # Who drives it. Leases live by the machine's clock, whatever clock the run lives by.
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    UniqueConstraint("account_id", "request_id"),
    Index(None, "account_id", "accepted_at"),
)

SHORTAGES = Table(
    "shortages",
    METADATA,
    Column("provider", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("machine_type", Text, primary_key=True),
    Column("until", Instant, nullable=False),
)

# The files of programs that put load on; the key names their content.
PROGRAM_BUNDLES = Table(
    "program_bundles",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

# By request and over time, what each run's load came to; packed.
RUN_TABLES = Table(
    "run_tables",
    METADATA,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

ALLOWED_TARGETS = Table(
    "allowed_targets",
    METADATA,
    Column("account_id", Text, ForeignKey("accounts.id"), primary_key=True),
    Column("host", Text, primary_key=True),
    Column("allowed_at", Instant, nullable=False),
)

RUN_EVENTS = Table(
    "run_events",
    METADATA,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("name", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

# One row a region each time that the reaper has looked: it is alive, and this is what it found.
REAPS = Table(
    "reaps",
    METADATA,
    Column("provider", Text, primary_key=True),
    Column("rehearsal", Boolean, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("machines", Integer, nullable=False),
    Column("orphans", Integer, nullable=False),
    Column("released", Integer, nullable=False),
)
