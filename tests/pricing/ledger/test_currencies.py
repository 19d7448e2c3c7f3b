"""Another currency is data: with it the ledger keeps its amounts apart, without it says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.api import Engine as Loadmuster
from engine.database import transaction
from kernel.clock import ManualClock
from pricing import currencies
from pricing.accounts.opening import NoPriceError
from pricing.currencies import CURRENCIES_FILE, UnsupportedCurrencyError, check_currency
from pricing.ledger.balances import fold
from pricing.ledger.ledger import (
    Posting,
    Transaction,
    UnbalancedTransactionError,
    balance,
    entries,
    post,
)
from pricing.plans.quotes import Unit
from pricing.strict_toml import DataFileError
from pricing.tables import POSTINGS

EURO = '\n[[currencies]]\ncode = "EUR"\nname = "euros"\ndecimals = 2\n'


@pytest.fixture
def euro(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Unit]:
    """The unit of euros, which are in the file for once."""
    own = tmp_path / "currencies.toml"
    own.write_text(CURRENCIES_FILE.read_text(encoding="utf-8") + EURO, encoding="utf-8")
    monkeypatch.setattr(currencies, "CURRENCIES_FILE", own)
    yield Unit("eur_micros")
    Unit._value2member_map_.pop("eur_micros")


def sale(account: str, key: str, now: datetime, *postings: Posting) -> Transaction:
    return Transaction(account, key, key, "a sale", now, now, postings)


def test_a_currency_that_is_added_as_data_is_kept_apart_and_balances(
    db: Engine, acme: str, euro: Unit, now: datetime
) -> None:
    assert Unit("eur_micros") is euro
    assert (euro.currency, Unit.USD.currency, Unit.LI_MINUTES.currency) == ("EUR", "USD", None)
    assert set(Unit) == {Unit.USD, Unit.LI_MINUTES}
    in_euros = sale(
        acme,
        "eur",
        now,
        Posting("receivable", euro, 119_000_000),
        Posting("revenue:boost", euro, -100_000_000),
        Posting("tax:DE", euro, -19_000_000),
    )
    in_both = sale(
        acme,
        "both",
        now,
        Posting("receivable", euro, 5_000_000),
        Posting("revenue:boost", euro, -5_000_000),
        Posting("receivable", Unit.USD, 7_000_000),
        Posting("revenue:boost", Unit.USD, -7_000_000),
    )
    with transaction(db) as conn:
        dollars = balance(conn, acme, "receivable", Unit.USD)
        assert post(conn, in_euros)
        assert not post(conn, in_euros)
        assert post(conn, in_both)
    for _ in range(2):
        with transaction(db) as conn:
            assert balance(conn, acme, "receivable", euro) == 124_000_000
            assert balance(conn, acme, "tax:DE", euro) == -19_000_000
            assert balance(conn, acme, "receivable", Unit.USD) == dollars + 7_000_000
            assert entries(conn, acme)[-2:] == (in_euros, in_both)
            # And the same from snapshots.
            fold(conn, acme)


def test_one_currency_never_balances_another(acme: str, euro: Unit, now: datetime) -> None:
    with pytest.raises(UnbalancedTransactionError):
        sale(
            acme,
            "mixed",
            now,
            Posting("receivable", euro, 5_000_000),
            Posting("revenue:boost", Unit.USD, -5_000_000),
        )


def test_a_currency_that_is_not_there_is_refused_in_one_line(db: Engine, acme: str) -> None:
    assert check_currency("usd").name == "US dollars"
    with pytest.raises(UnsupportedCurrencyError, match=r"'EUR' is not supported: USD would be"):
        check_currency("EUR")
    with transaction(db) as conn:
        (first, *_) = entries(conn, acme)
        number = conn.execute(POSTINGS.select().limit(1)).one().transaction_id
        for amount in (1, -1):
            conn.execute(
                POSTINGS.insert().values(
                    transaction_id=number,
                    account_id=acme,
                    ledger_account="x",
                    unit="eur_micros",
                    amount=amount,
                )
            )
        with pytest.raises(UnsupportedCurrencyError, match="'EUR' is not supported"):
            entries(conn, acme)
    assert first.account_id == acme


def test_an_account_is_opened_in_a_currency_that_its_plan_is_priced_in(
    database_url: str, now: datetime, euro: Unit
) -> None:
    assert euro
    with Loadmuster(database_url, clock=ManualClock(now), environment={}) as engine:
        with pytest.raises(UnsupportedCurrencyError):
            engine.accounts.open("acme", currency="GBP")
        with pytest.raises(NoPriceError, match="plan on-demand has no price in EUR: USD would be"):
            engine.accounts.open("acme", currency="EUR")
        assert engine.accounts.list() == ()
        engine.accounts.open("acme", currency="USD")


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (EURO.replace('"EUR"', '"USD"'), "'USD' is there twice"),
        (EURO.replace('"EUR"', '"eur"'), 'like "EUR"'),
        (EURO.replace("decimals = 2", "decimals = 0"), "decimals"),
    ],
)
def test_a_file_of_currencies_that_will_not_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, added: str, said: str
) -> None:
    own = tmp_path / "currencies.toml"
    own.write_text(CURRENCIES_FILE.read_text(encoding="utf-8") + added, encoding="utf-8")
    monkeypatch.setattr(currencies, "CURRENCIES_FILE", own)
    with pytest.raises(DataFileError) as refused:
        check_currency("USD")
    assert said in refused.value.line
    assert refused.value.line.count("\n") == 0
