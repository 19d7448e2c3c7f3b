"""Random lives: accounts of every kind in the same books, and commands by chance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import Connection, Engine, select

from engine.database import transaction
from kernel.errors import RefusedError
from pricing.accounts.boosts import boost
from pricing.accounts.cancellations import cancel, confirm_cancel, renew
from pricing.accounts.deletions import delete
from pricing.accounts.on_demand import to_on_demand, undo
from pricing.accounts.opening import open_account
from pricing.accounts.overdue import pay, set_card
from pricing.accounts.owner import OWNER
from pricing.accounts.plan_changes import downgrade, upgrade
from pricing.departments.commands import add_department, allocate, limit_wallet
from pricing.departments.extra_credits import limit_extra_credits
from pricing.payments.gateway import DECLINES, DELAYS, REHEARSED_GATEWAY
from pricing.plans.channels import Channel
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import quote_run
from pricing.run_charges.charges import (
    charge_start,
    correct,
    issue_invoice,
    plan_of,
    reserve,
    void_reservation,
)
from pricing.tables import METADATA
from pricing.tariffs import LoadSize

PLANS = load_plans(BUNDLED_PLANS)
ON_PLANS = ("starter", "professional", "team", "basic", "custom", "trial", "on-demand")
ZONES = ("UTC", "Europe/Paris", "America/Los_Angeles", "Africa/Cairo", "Pacific/Auckland")
LEGACY = datetime(2021, 10, 11, 12, tzinfo=UTC)
OPENED = datetime(2027, 1, 29, 22, 30, tzinfo=UTC)


class Lives:
    """Accounts in one database, to which something happens by chance.

    Attributes:
        now: The instant of the last command.
    """

    def __init__(self, db: Engine, seed: int) -> None:
        self.now = OPENED
        self._db = db
        self._random = Random(seed)
        self._numbers = count()
        self._open_runs: list[str] = []
        self._charged_runs: list[str] = []
        self.accounts: list[str] = []

    def open(self, number: int) -> None:
        """Open some accounts, each on a plan, in a zone and with a card by chance."""
        choose = self._random.choice
        for _ in range(number):
            self.now += timedelta(hours=self._random.randrange(40))
            account_id = f"a{len(self.accounts):03d}"
            with transaction(self._db) as conn:
                open_account(
                    conn,
                    account_id,
                    PLANS[choose(ON_PLANS)],
                    timezone=choose(ZONES),
                    activated_at=choose((None, None, LEGACY)),
                    now=self.now,
                    channel=choose((Channel.CARD, Channel.CARD, Channel.INVOICE)),
                    card=choose((None, "tok_good")),
                    gateway=REHEARSED_GATEWAY,
                )
            self.accounts.append(account_id)

    def do(self, commands: int, *, hours_max: int = 30) -> None:
        """Send so many commands to accounts by chance."""
        for _ in range(commands):
            self.now += timedelta(hours=self._random.randrange(hours_max), microseconds=17)
            account_id = self._random.choice(self.accounts)
            try:
                with transaction(self._db) as conn:
                    self._random.choice(self._DOINGS)(self, conn, account_id)
            except RefusedError:
                continue

    def _send(
        self, conn: Connection, account_id: str, command: Callable[..., object], *content: object
    ) -> None:
        command(
            conn,
            account_id,
            *content,
            now=self.now,
            request_id=f"r{next(self._numbers)}",
            gateway=REHEARSED_GATEWAY,
        )

    def _simple(self, conn: Connection, account_id: str) -> None:
        command = self._random.choice((boost, undo, renew, pay, boost, confirm_cancel))
        self._send(conn, account_id, command)

    def _change_plan(self, conn: Connection, account_id: str) -> None:
        command = self._random.choice((upgrade, downgrade))
        plan = PLANS[self._random.choice(("starter", "professional", "advanced", "team", "trial"))]
        command(
            conn,
            account_id,
            plan,
            agreed_with="rita",
            now=self.now,
            request_id=f"r{next(self._numbers)}",
            gateway=REHEARSED_GATEWAY,
        )

    def _leave(self, conn: Connection, account_id: str) -> None:
        key = {"now": self.now, "gateway": REHEARSED_GATEWAY}
        kind = self._random.randrange(4)
        if kind == 0:
            to_on_demand(
                conn,
                account_id,
                PLANS["on-demand"],
                agreed_with="rita",
                request_id=f"r{next(self._numbers)}",
                **key,  # type: ignore[arg-type]
            )
        elif kind == 1:
            self._send(conn, account_id, delete)
        else:
            number = next(self._numbers)
            cancel(conn, account_id, user=OWNER, by=None, request_id=f"c{number}", **key)  # type: ignore[arg-type]
            if kind == 2:
                confirm_cancel(
                    conn,
                    account_id,
                    representative="rita",
                    request_id=f"f{number}",
                    **key,  # type: ignore[arg-type]
                )

    def _pay_otherwise(self, conn: Connection, account_id: str) -> None:
        card = self._random.choice((DECLINES, DELAYS, "tok_good", "tok_good"))
        self._send(conn, account_id, set_card, card)

    def _share(self, conn: Connection, account_id: str) -> None:
        name = self._random.choice(("research", "sales"))
        self._send(conn, account_id, add_department, name)
        self._send(conn, account_id, allocate, name, self._random.choice((0, 30, 200)))
        self._send(conn, account_id, limit_wallet, name, 40_000_000)

    def _limit(self, conn: Connection, account_id: str) -> None:
        self._send(conn, account_id, limit_extra_credits, self._random.choice((0, 100, 5_000)))

    def _accept(self, conn: Connection, account_id: str) -> None:
        run_id = f"run-{next(self._numbers)}"
        size = LoadSize(
            injectors=self._random.randrange(1, 4),
            users=100,
            duration_s=60 * self._random.randrange(1, 15),
        )
        plan = plan_of(conn, account_id, now=self.now, gateway=REHEARSED_GATEWAY)
        quote = quote_run(plan, size)
        reserve(conn, account_id, run_id, quote, now=self.now, gateway=REHEARSED_GATEWAY)
        self._open_runs.append(run_id)

    def _run(self, conn: Connection, _account_id: str) -> None:
        if not self._open_runs:
            return
        run_id = self._open_runs.pop(self._random.randrange(len(self._open_runs)))
        if self._random.random() < 0.3:
            void_reservation(conn, run_id, now=self.now, gateway=REHEARSED_GATEWAY)
            return
        charge_start(conn, run_id, now=self.now, gateway=REHEARSED_GATEWAY)
        self._charged_runs.append(run_id)

    def _end(self, conn: Connection, _account_id: str) -> None:
        if not self._charged_runs:
            return
        run_id = self._charged_runs.pop(self._random.randrange(len(self._charged_runs)))
        if self._random.random() < 0.5:
            correct(
                conn,
                run_id,
                keep_startup=0,
                keep_use=0,
                reason="cancelled",
                now=self.now,
                gateway=REHEARSED_GATEWAY,
            )
        issue_invoice(conn, run_id, now=self.now)

    _DOINGS = (
        *(_simple, _simple, _change_plan, _change_plan, _leave, _pay_otherwise, _share, _limit),
        *(_accept, _accept, _accept, _run, _run, _run, _end, _end),
    )


def books(conn: Connection, *, without: frozenset[str] = frozenset()) -> dict[str, list[Any]]:
    """Every row of the books by table; snapshots of balances and the database's name are none.

    Args:
        conn: An open connection.
        without: Columns that are left out.
    """
    kept = {
        table: [each for each in table.columns if each.name not in without]
        for table in METADATA.sorted_tables
        if not table.name.startswith(("balance_", "snapshot_", "installation"))
    }
    return {
        table.name: [
            tuple(row) for row in conn.execute(select(*columns).order_by(*table.primary_key))
        ]
        for table, columns in kept.items()
        if columns
    }
