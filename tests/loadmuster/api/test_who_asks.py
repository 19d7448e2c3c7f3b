"""What is for administrators alone asks who asks: an engine has a user, the owner by default."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.api import Engine
from kernel.clock import ManualClock
from pricing.accounts.administrators import NotAdministratorError

Ask = Callable[[Engine, str], object]
NOW = datetime(2027, 1, 25, 9, tzinfo=UTC)
FOR_ADMINISTRATORS: dict[str, Ask] = {
    "usage": lambda e, account: e.reports.usage(account),
    "usage of all": lambda e, _: list(e.reports.usage_of_all()),
    "invoices": lambda e, account: e.reports.invoices(account),
    "invoices of all": lambda e, _: list(e.reports.invoices_of_all()),
    "an invoice": lambda e, account: e.reports.invoice_page(account, f"{account}-00001"),
    "the ledger": lambda e, account: e.reports.ledger(account),
    "the log of commands": lambda e, account: e.accounts.log(account),
    "who wrote the ledger": lambda e, account: e.reports.writers(account),
    "the plan's history": lambda e, account: e.accounts.history(account),
    "billing settings": lambda e, account: e.accounts.billing_settings(account),
    "the administrators": lambda e, account: e.accounts.administrators(account),
    "another administrator": lambda e, account: e.accounts.change_administrators(
        account, add=["eve"]
    ),
    "a cancellation": lambda e, account: e.accounts.cancel(account),
}
OF_ALL = ("usage of all", "invoices of all")


@pytest.fixture
def engine_of(migrated_file: Path, tmp_path: Path) -> Callable[[str | None], Engine]:
    """The same installation, used by somebody; None: nobody says who."""
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"

    def of(user: str | None) -> Engine:
        clock = ManualClock(NOW)
        if user is None:
            return Engine(url, clock=clock, environment={})
        return Engine(url, clock=clock, environment={}, user=user)

    with of(None) as engine:
        engine.accounts.open("plain", plan="starter")
        engine.accounts.open("anns", plan="starter", administrators=["ann"])
    return of


@pytest.mark.parametrize("what", sorted({*FOR_ADMINISTRATORS} - {*OF_ALL}))
def test_r56_r94_r96_who_is_no_administrator_is_refused(
    engine_of: Callable[[str | None], Engine], what: str
) -> None:
    ask = FOR_ADMINISTRATORS[what]
    with engine_of("bob") as bobs:
        for account in ("plain", "anns"):
            with pytest.raises(NotAdministratorError) as refused:
                ask(bobs, account)
            assert refused.value.facts["by"] == "bob"
    with engine_of("ann") as anns:
        with pytest.raises(NotAdministratorError):
            ask(anns, "plain")
        ask(anns, "anns")


@pytest.mark.parametrize("what", OF_ALL)
def test_r94_r96_a_listing_of_all_holds_what_who_asks_administers(
    engine_of: Callable[[str | None], Engine], what: str
) -> None:
    listed = {}
    for name in ("bob", "ann", None):
        with engine_of(name) as engine:
            rows = FOR_ADMINISTRATORS[what](engine, "")
            assert isinstance(rows, list)
            listed[name] = {each.account_id for each in rows}
    assert listed["bob"] == set()
    assert listed["ann"] == {"anns"}
    assert listed[None] >= {"anns", "plain"}


@pytest.mark.parametrize("what", FOR_ADMINISTRATORS)
def test_an_account_has_its_owner_from_the_start(
    engine_of: Callable[[str | None], Engine], what: str
) -> None:
    with engine_of(None) as owners:
        FOR_ADMINISTRATORS[what](owners, "plain")
        if what == "a cancellation":
            pending = owners.accounts.show("plain").pending
            assert pending is not None
            assert pending.requested_by == "owner"
            with pytest.raises(NotAdministratorError, match="ask ann to send"):
                owners.accounts.cancel("anns")
            assert owners.accounts.cancel("anns", by="ann").pending is not None


def test_nobody_but_the_owner_asks_in_the_name_of_another(
    engine_of: Callable[[str | None], Engine],
) -> None:
    with engine_of("bob") as bobs:
        for name in ("ann", "owner"):
            for account in ("plain", "anns"):
                with pytest.raises(NotAdministratorError):
                    bobs.accounts.cancel(account, by=name)
                with pytest.raises(NotAdministratorError):
                    bobs.reports.usage(account, by=name)
