"""Money collected is money booked, wherever a process dies, and whatever its bank does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random

import pytest

from engine.api import Engine
from engine.database import reading, transaction
from kernel.clock import ManualClock
from pricing.accounts.pending import PaymentPendingError
from pricing.ledger.ledger import Posting, Transaction, post
from pricing.payments.gateway import DECLINES
from pricing.payments.play_bank import Faults
from pricing.plans.quotes import Unit
from tests.gateway_chaos.__main__ import lives
from tests.gateway_chaos.audit import violations
from tests.gateway_chaos.deaths import Deaths, DiedError, WatchedBank
from tests.gateway_chaos.lives import BEGINNING

MONTH_S = 31 * 86_400.0
PLACES_MAX = 400
EVERY = 17
"""Of the places to die in ``make test``; ``make nightly`` takes each."""

Do = Callable[[Engine], object]


class Stage:
    """A database, a bank and a client that dies where it is told to."""

    def __init__(self, file: Path) -> None:
        self.deaths = Deaths()
        self.bank = WatchedBank(self.deaths, Faults(), Random(1))
        self.clock = ManualClock(BEGINNING)
        self.engine = Engine(
            f"sqlite:///{file}", clock=self.clock, environment={}, gateway=self.bank
        )
        self.deaths.watch(self.engine._context.db)

    def wrong(self, account: str = "acme") -> list[str]:
        with reading(self.engine._context.db) as conn:
            is_open = {account: any(each.id == account for each in self.engine.accounts.list())}
            return list(violations(conn, self.bank, (account,), is_open=is_open))

    def collected(self) -> int:
        moved = sum(self.bank.collected.values()) - sum(self.bank.refunded.values())
        return moved // 1_000_000


def opened(stage: Stage, plan: str = "starter") -> None:
    stage.engine.accounts.open("acme", plan=plan, card="tok_good", administrators=["ann"])


def owing(stage: Stage) -> None:
    opened(stage)
    stage.engine.accounts.set_card("acme", DECLINES)
    stage.clock.sleep(2 * MONTH_S)
    stage.engine.accounts.set_card("acme", "tok_good")


def left(stage: Stage) -> None:
    opened(stage)
    stage.engine.accounts.cancel("acme", by="ann")
    stage.engine.accounts.confirm_cancel("acme", representative="rep")
    stage.clock.sleep(MONTH_S)
    stage.engine.accounts.set_card("acme", "tok_other")


def behind(stage: Stage) -> None:
    opened(stage)
    stage.clock.sleep(3 * MONTH_S)


def refund(engine: Engine) -> object:
    return engine.accounts.refund(
        "acme", invoice="acme-00001", usd_micros=50_000_000, reason="a bad day"
    )


COMMANDS: dict[str, tuple[Callable[[Stage], object], Do, int]] = {
    "open": (
        lambda _stage: None,
        lambda e: e.accounts.open("acme", plan="starter", card="tok_good"),
        199,
    ),
    "boost": (opened, lambda e: e.accounts.boost("acme"), 199),
    "boost with an id": (opened, lambda e: e.accounts.boost("acme", request_id="r1"), 199),
    "upgrade": (opened, lambda e: e.accounts.upgrade("acme", plan="professional"), 500),
    "first plan": (
        lambda stage: opened(stage, "on-demand"),
        lambda e: e.accounts.upgrade("acme", plan="starter"),
        199,
    ),
    "renew": (left, lambda e: e.accounts.renew("acme"), 199),
    "pay": (owing, lambda e: e.accounts.pay("acme"), 398),
    "refund": (opened, refund, -50),
    "advance": (behind, lambda e: e.accounts.advance(), 3 * 199),
    "behind and boosted": (behind, lambda e: e.accounts.boost("acme"), 4 * 199),
}
"""What moves money: what comes before, the command, and the dollars that it collects in all."""


def die_everywhere(command: str, folder: Path, template: Path, step: int) -> int:
    """Die at every ``step``-th place of a command, and send it again; how many places there are."""
    before, do, usd = COMMANDS[command]
    ready = Stage(Path(shutil.copy(template, folder / "ready.db")))
    with ready.engine:
        before(ready)
    had = ready.collected()
    for number in range(1, PLACES_MAX, step):
        stage = Stage(Path(shutil.copy(folder / "ready.db", folder / f"{number}.db")))
        stage.bank.charges = deepcopy(ready.bank.charges)
        stage.clock.move_to(ready.clock.now())
        with stage.engine:
            stage.deaths.arm(number)
            try:
                do(stage.engine)
            except DiedError:
                pass
            else:
                return stage.deaths.places
            stage.deaths.arm(None)
            # What it had done may be all that there was to do.
            if stage.collected() != had + usd or stage.wrong():
                do(stage.engine)
            assert stage.wrong() == [], f"place {number}"
            assert stage.collected() == had + usd, f"place {number}"
    raise AssertionError(f"{command} comes by more than {PLACES_MAX} places")


@pytest.mark.parametrize("command", COMMANDS)
def test_who_dies_anywhere_is_charged_once_by_the_same_command(
    command: str, tmp_path: Path, migrated_file: Path
) -> None:
    assert die_everywhere(command, tmp_path, migrated_file, EVERY) > EVERY


@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_who_dies_at_any_place_at_all_is_charged_once(
    command: str, tmp_path: Path, migrated_file: Path
) -> None:
    assert die_everywhere(command, tmp_path, migrated_file, 1) > EVERY


def test_a_few_lives_in_which_everything_goes_wrong(migrated_file: Path) -> None:
    tally = lives(range(26, 31), migrated_file)
    assert tally.violations == []
    assert tally.faults["died"] > 3
    assert tally.attempts["accepted"] > 10
    assert tally.attempts["refund accepted"] > 0
    assert tally.attempts["dispute lost"] > 0


def test_the_audit_sees_money_that_is_not_booked(tmp_path: Path, migrated_file: Path) -> None:
    stage = Stage(Path(shutil.copy(migrated_file, tmp_path / "own.db")))
    with stage.engine:
        opened(stage)
        assert stage.wrong() == []
        stage.bank.faults = Faults(is_lost=1.0)
        with pytest.raises(PaymentPendingError):
            stage.engine.accounts.boost("acme")
        assert any("collected 398" in each for each in stage.wrong())
        stage.engine.accounts.reconcile("acme")
        stage.bank.faults = Faults()
        stage.engine.accounts.reconcile("acme")
        assert stage.wrong() == []
        with transaction(stage.engine._context.db) as conn:
            twice = (Posting("cash", Unit.USD, 1), Posting("receivable", Unit.USD, -1))
            post(
                conn,
                Transaction("acme", "again", "again", "again", BEGINNING, BEGINNING, twice),
            )
        assert stage.wrong()
