"""Transactions, lots, balances, invoices, requests."""

from __future__ import annotations

from tests.faults.fault import Fault

LOTS = "tests/pricing/ledger/test_lots.py"
BALANCES = "tests/pricing/ledger/test_balances.py"
CHARGES = "tests/pricing/run_charges/test_charges.py"
ACCOUNTS = "tests/pricing/accounts/test_accounts.py"
SIMULATOR = "tests/billing_simulator"

FAULTS = (
    Fault(
        "lots burn in the reverse order of their priorities",
        "pricing/ledger/lots.py",
        "            LOTS.c.priority,",
        "            LOTS.c.priority.desc(),",
        (LOTS,),
    ),
    Fault(
        "lots that never expire burn first",
        "pricing/ledger/lots.py",
        "            LOTS.c.expires_at.is_(None),\n",
        "            LOTS.c.expires_at.is_not(None),\n",
        (LOTS,),
    ),
    Fault(
        "a lot can be used at the instant at which it expires",
        "pricing/ledger/lots.py",
        "LOTS.c.expires_at > at",
        "LOTS.c.expires_at >= at",
        (LOTS, ACCOUNTS),
    ),
    Fault(
        "reserved credits can be reserved again",
        "pricing/ledger/lots.py",
        "return self.remaining - self.reserved",
        "return self.remaining",
        (CHARGES,),
        "reservations_count",
    ),
    Fault(
        "credits come back to the lot that was taken first",
        "pricing/ledger/lots.py",
        "for taken in reversed(tuple(slices)):",
        "for taken in tuple(slices):",
        (LOTS, CHARGES),
    ),
    Fault(
        "a lot may hold more than was granted",
        "pricing/ledger/lots.py",
        "if not 0 <= held <= amount:",
        "if held < 0:",
        (LOTS, CHARGES),
    ),
    Fault(
        "a transaction need not sum to zero",
        "pricing/ledger/ledger.py",
        "if is_empty or any(sums.values()):",
        "if is_empty:",
        ("tests/pricing/ledger/test_ledger.py",),
    ),
    Fault(
        "the same key may stand for something else",
        "pricing/ledger/ledger.py",
        "        _check_same(conn, transaction)\n        return False",
        "        return False",
        ("tests/pricing/ledger/test_ledger.py",),
    ),
    Fault(
        "one of many transactions may stand for something else",
        "pricing/ledger/ledger.py",
        "        _check_same(conn, wanted[key])",
        "        pass",
        ("tests/pricing/ledger/test_ledger.py",),
    ),
    Fault(
        "the posting at the mark counts twice",
        "pricing/ledger/balances.py",
        '_Postings.id > bindparam("mark")',
        '_Postings.id >= bindparam("mark")',
        (BALANCES,),
    ),
    Fault(
        "a second fold forgets the first",
        "pricing/ledger/balances.py",
        "_Snapshots.amount + snapshots.excluded.amount",
        "snapshots.excluded.amount",
        (BALANCES,),
    ),
    Fault(
        "a snapshot goes and its mark stays",
        "engine/database/migrations/versions/0005_snapshots.py",
        " BEGIN DELETE FROM snapshot_marks WHERE account_id = OLD.account_id; END",
        " BEGIN DELETE FROM snapshot_marks WHERE account_id = ''; END",
        (BALANCES,),
    ),
    Fault(
        "the invoices of an account have gaps",
        "pricing/ledger/issuing.py",
        "last_sequence(conn, invoice.account_id) + 1",
        "last_sequence(conn, invoice.account_id) + 2",
        ("tests/pricing/ledger/test_invoices.py",),
    ),
    Fault(
        "a series of invoice numbers has gaps",
        "pricing/ledger/numbering.py",
        'INVOICE_SERIES.c.last_number + bindparam("how_many")',
        'INVOICE_SERIES.c.last_number + bindparam("how_many") + 1',
        ("tests/pricing/ledger/test_numbering.py",),
    ),
    Fault(
        "a request id may stand for another request",
        "pricing/ledger/idempotency.py",
        "if done.command != command or done.content_hash not in {digest, *earlier, FORGOTTEN}:",
        "if done is None:",
        (ACCOUNTS,),
        "request_id",
    ),
    Fault(
        "a request is noted before it is done",
        "pricing/ledger/idempotency.py",
        '"made_at": now}):\n        return True',
        '"made_at": now}):\n        conn.exec_driver_sql("COMMIT")\n'
        '        conn.exec_driver_sql("BEGIN IMMEDIATE")\n        return True',
        (SIMULATOR,),
        "i18",
    ),
    Fault(
        "a run that was launched is no longer at once with others",
        "pricing/ledger/reservations.py",
        "RESERVATIONS.c.account_id == account_id, RESERVATIONS.c.run_ended_at.is_(None)",
        "RESERVATIONS.c.account_id == account_id, RESERVATIONS.c.ended_at.is_(None)",
        ("tests/pricing/run_charges/test_caps.py",),
    ),
)
