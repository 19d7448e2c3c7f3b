"""The ledger as a file of columns, and such a file added up again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from engine.sweeping.table_files import TableFileError, reading
from pricing.ledger.posting_rows import Balances, PostingRow

_TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("posting", pa.int64()),
        ("transaction", pa.int64()),
        ("natural_key", pa.string()),
        ("account", pa.string()),
        ("ledger_account", pa.string()),
        ("unit", pa.string()),
        ("currency", pa.string()),
        ("amount", pa.int64()),
        ("cause", pa.string()),
        ("description", pa.string()),
        ("effective_at", _TIME),
        ("posting_at", _TIME),
        ("recorded_at", _TIME),
        ("written_at", _TIME),
        ("command", pa.int64()),
        ("command_name", pa.string()),
        ("actor", pa.string()),
        ("via", pa.string()),
        ("request_id", pa.string()),
    ]
)
"""Names and types of the columns, in their order."""

_SUMMED = ("posting", "account", "ledger_account", "unit", "amount")


def batch_of(rows: Sequence[PostingRow]) -> pa.RecordBatch:
    """Rows of the ledger as columns."""
    columns = [pa.array([getattr(row, f.name) for row in rows], type=f.type) for f in SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def read_balances(path: Path) -> tuple[Balances, int, int]:
    """Add an exported ledger up.

    Returns:
        What its postings come to, by account, ledger account and unit; how many rows it has; and
        the highest number of a posting in it.

    Raises:
        TableFileError: It is no such file.
    """
    sums: Counter[tuple[str, str, str]] = Counter()
    rows = last = 0
    with reading(path) as read:
        missing = [name for name in _SUMMED if name not in read.schema.names]
        if missing:
            raise TableFileError(
                f"{path}: is no exported ledger: it has no column {missing[0]!r}", file=str(path)
            )
        for batch in read.batches:
            columns = [batch.column(name).to_pylist() for name in _SUMMED]
            for number, account, ledger_account, unit, amount in zip(*columns, strict=True):
                try:
                    sums[account, ledger_account, unit] += int(amount)
                    last = max(last, int(number))
                except (TypeError, ValueError) as error:
                    raise TableFileError(
                        f"{path}: is no exported ledger: row {rows + 1} holds no whole numbers",
                        file=str(path),
                    ) from error
                rows += 1
    return {key: amount for key, amount in sums.items() if amount}, rows, last
