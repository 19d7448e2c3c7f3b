"""A deleted account is gone for good: whatever is asked of it is refused, and it says why."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.api import Engine
from engine.database import reading
from engine.readers import read_scenario
from engine.runs.model.tables import RUN_TABLES
from kernel.clock import ManualClock
from kernel.errors import RequestConflictError
from pricing.accounts.account import AccountDeletedError
from pricing.accounts.opening import BadAccountIdError
from pricing.ledger.idempotency import content_hashes
from pricing.payments.gateway import DECLINES, REHEARSED_GATEWAY
from pricing.plans.on_sale import BUNDLED_PLANS, load_plans
from pricing.plans.quotes import quote_run
from pricing.run_charges import charges
from pricing.subscriptions.activation import activate
from pricing.subscriptions.debts import PaymentOverdueError
from pricing.tables import ACCOUNTS, METADATA, PERSONS, REQUESTS, RESERVATIONS, TOLD_TAXES
from pricing.tariffs import LoadSize
from pricing.taxes.model import Taxation, Treatment
from pricing.taxes.on_record import tax_question, taxation_of
from pricing.taxes.service import TaxQuestion

NOW = datetime(2026, 1, 25, 9, 0, tzinfo=UTC)
CHECKOUT = read_scenario(Path(__file__).resolve().parents[3] / "examples" / "checkout.yaml")
ASKED: dict[str, Callable[[Engine], object]] = {
    "open": lambda e: e.accounts.open("acme"),
    "open on another plan": lambda e: e.accounts.open("acme", plan="starter"),
    "open by the same request": lambda e: e.accounts.open("acme", request_id="r1"),
    "run": lambda e: e.runs.accept(CHECKOUT, account="acme", users=9),
    "dry run": lambda e: e.runs.accept(
        CHECKOUT, account="acme", users=9, provider="aws", dry_run=True
    ),
    "what a run would cost": lambda e: e.runs.payment(
        e.runs.prepare(CHECKOUT, account="acme", users=9).estimate, account="acme"
    ),
    "boost": lambda e: e.accounts.boost("acme"),
    "upgrade": lambda e: e.accounts.upgrade("acme", plan="starter"),
    "downgrade": lambda e: e.accounts.downgrade("acme", plan="starter"),
    "to-on-demand": lambda e: e.accounts.to_on_demand("acme"),
    "card": lambda e: e.accounts.set_card("acme", "visa"),
    "cancel": lambda e: e.accounts.cancel("acme", by="owner"),
    "extra-credits": lambda e: e.accounts.extra_credits("acme", 60),
    "department add": lambda e: e.departments.add("acme", "lab"),
    "allow-target": lambda e: e.targets.allow("acme", "shop.example.com"),
    "check a target": lambda e: e.targets.check("acme", "https://shop.example.com"),
}


@pytest.fixture
def engine(migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    """Its account was deleted."""
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"
    with Engine(url, clock=ManualClock(NOW), environment={}) as engine:
        engine.accounts.open("acme", request_id="r1")
        engine.accounts.delete("acme")
        yield engine


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_of_a_deleted_account_is_refused_and_says_that_it_was_deleted(
    asked: str, engine: Engine
) -> None:
    with pytest.raises(AccountDeletedError) as refused:
        ASKED[asked](engine)
    assert refused.value.exit_code == 3
    assert "account acme was deleted at 2026-01-25 09:00 UTC" in refused.value.message
    assert ("; choose another id" in refused.value.message) == asked.startswith("open")
    assert engine.accounts.get("acme").status == "deleted"
    assert engine.runs.list() == []


def test_c62_no_name_is_left_of_a_deleted_account_and_who_did_what_is_still_told_apart(
    migrated_file: Path, tmp_path: Path
) -> None:
    file = tmp_path / "books.db"
    shutil.copy(migrated_file, file)
    clock = ManualClock(NOW)
    names = ("Ann Adams", "Rita Rhodes", "visa-4242")
    with Engine(f"sqlite:///{file}", clock=clock, environment={}) as engine:
        engine.accounts.open(
            "acme", plan="starter", administrators=names[:1], agreed_with=names[1], card=names[2]
        )
        engine.accounts.cancel("acme", by=names[0])
        engine.accounts.confirm_cancel("acme", representative=names[1])
        engine.targets.allow("acme", "shop.example.com")
        clock.move_to(NOW + timedelta(days=40))
        asked = engine.accounts.log("acme")[1]
        assert asked.content == {"by": names[0]}
        engine.accounts.delete("acme", request_id="d1")
        engine.accounts.delete("acme", request_id="d1")
        told = engine.accounts.log("acme")
        by, verified = (told[n].content[key] for n, key in ((1, "by"), (2, "representative")))
        assert str(by).startswith("person-")
        assert str(verified).startswith("person-")
        assert by != verified == told[0].content["agreed_with"]
        assert {each.actor for each in told} == {"owner"}
        with reading(engine._context.db) as conn:
            rows = [
                str(row)
                for table in METADATA.sorted_tables
                for row in conn.execute(select(table)).all()
            ]
            known = select(PERSONS.c.name).where(
                PERSONS.c.account_id == "acme", PERSONS.c.kind == "person"
            )
            assert {*conn.execute(known).scalars()} == {None}
            hashes = {*conn.execute(select(REQUESTS.c.content_hash)).scalars()}
    assert [row for row in rows for name in names if name in row] == []
    assert not any("shop.example.com" in row for row in rows if "allow-target" not in row)
    assert hashes == {"forgotten"}


def test_c62_what_is_asked_of_a_deleted_account_names_nobody_either(engine: Engine) -> None:
    url = engine._context.db.url
    with Engine(
        url.render_as_string(hide_password=False),
        clock=ManualClock(NOW),
        user="ann",
        environment={},
    ) as anns:
        for asked in ("boost", "cancel", "department add"):
            with pytest.raises(AccountDeletedError):
                ASKED[asked](anns)
    refused = engine.accounts.log("acme")[-3:]
    assert [each.code for each in refused] == ["account_deleted"] * 3
    people = [name for each in refused for name in (each.actor, str(each.login))]
    assert all(name.startswith("person-") for name in people), people
    with reading(engine._context.db) as conn:
        known = conn.execute(select(PERSONS.c.name).where(PERSONS.c.kind == "person"))
        assert {*known.scalars()} == {None}


class NothingIsTaxed:
    """A tax service that says something else than the table that ships, which is then kept."""

    name = "nothing-is-taxed"

    def covers(self, seller_country: str) -> bool:
        return bool(seller_country)

    def taxation(self, question: TaxQuestion) -> Taxation:
        return Taxation(Treatment.OUTSIDE_SCOPE, question.customer_country or "DE", 0)


def test_c79_digests_that_stay_tell_nobody_what_was_said(
    migrated_file: Path, tmp_path: Path
) -> None:
    """The answer of a tax service is history; what it was asked is a tax id, and a secret."""
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"
    tax_id = "FR40303265045"
    with Engine(
        url, clock=ManualClock(NOW), environment={}, tax_service=NothingIsTaxed()
    ) as engine:
        engine.billing.set_seller(name="Load GmbH", country="DE")
        for account in ("acme", "globex"):
            engine.accounts.open(account, card="visa", administrators=["ann"])
            engine.billing.set_details(account, name="Acme", country="FR", tax_id=tax_id)
            engine.accounts.set_card(account, "visa-2", request_id="r2")
            engine.accounts.set_card(account, "visa-2", request_id="r2")
        with reading(engine._context.db) as conn:
            asked = conn.execute(select(TOLD_TAXES.c.question)).scalars().all()
            said = conn.execute(select(REQUESTS.c.content_hash).filter_by(request_id="r2"))
            opened = conn.execute(select(ACCOUNTS.c.opening_hash)).scalars().all()
            question = tax_question(conn, "globex", NOW)
            assert question is not None
            assert taxation_of(conn, "globex", NOW) == NothingIsTaxed().taxation(question)
            assert all(len(set(each)) == 2 for each in (asked, said.scalars().all(), opened)), (
                "the same said by two accounts has two digests"
            )
        engine.accounts.delete("acme")
        with reading(engine._context.db) as conn:
            secrets = conn.execute(select(ACCOUNTS.c.id, ACCOUNTS.c.digest_key)).all()
        assert [(row.id, bool(row.digest_key)) for row in secrets] == [
            *(("acme", False), ("globex", True))
        ]


def test_c79_what_an_earlier_version_put_on_record_is_the_same_request(engine: Engine) -> None:
    engine.accounts.open("old", card="visa")
    with engine._context.transaction() as conn:
        conn.execute(ACCOUNTS.update().where(ACCOUNTS.c.id == "old").values(digest_key=None))
        content = {"account": "old", "plan": "on-demand", "timezone": "UTC", "activated_at": None}
        plain, _ = content_hashes(conn, "old", {**content, "payment": "card visa"})
        conn.execute(ACCOUNTS.update().where(ACCOUNTS.c.id == "old").values(opening_hash=plain))
    engine.accounts.set_card("old", "visa", request_id="c1")
    with engine._context.transaction() as conn:
        secret = ACCOUNTS.update().where(ACCOUNTS.c.id == "old").values(digest_key="secret")
        conn.execute(secret)
    engine.accounts.open("old", card="visa")
    engine.accounts.set_card("old", "visa", request_id="c1")
    with pytest.raises(RequestConflictError):
        engine.accounts.set_card("old", "other", request_id="c1")


def test_c79_an_address_is_no_account_id_but_of_an_account_that_has_it(engine: Engine) -> None:
    with pytest.raises(BadAccountIdError) as refused:
        engine.accounts.open("ann@example.com", plan="starter")
    assert refused.value.exit_code == 2
    assert "billing set" in refused.value.message
    assert "ann@example.com" not in {each.id for each in engine.accounts.list()}
    assert engine.accounts.open("ann@lab").id == "ann@lab", "which is no address"
    with engine._context.transaction() as conn:
        row = conn.execute(select(ACCOUNTS).filter_by(id="ann@lab")).mappings().one()
        was = {**row, "id": "ann@example.com", "digest_key": None}
        content = {"account": was["id"], "plan": "on-demand", "timezone": "UTC"}
        was["opening_hash"], _ = content_hashes(conn, was["id"], {**content, "activated_at": None})
        conn.execute(ACCOUNTS.insert().values(was))
        activate(
            conn,
            "ann@example.com",
            load_plans(BUNDLED_PLANS)["on-demand"],
            at=NOW,
            gateway=REHEARSED_GATEWAY,
            request_id=None,
        )
    assert engine.accounts.open("ann@example.com").id == "ann@example.com"


def test_c62_who_owes_pays_before_the_account_is_deleted(
    migrated_file: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'books.db')}"
    with Engine(url, clock=ManualClock(NOW), new_id=lambda: "run-1", environment={}) as engine:
        engine.accounts.open("acme", card=DECLINES)
        engine.runs.run(CHECKOUT, account="acme", users=9, provider="aws", dry_run=True)
        with engine._context.transaction() as conn:
            quote = quote_run(
                load_plans(BUNDLED_PLANS)["on-demand"],
                LoadSize(injectors=1, users=9, duration_s=60),
            )
            gateway = engine._context.gateway
            charges.reserve(conn, "acme", "r2", quote, now=NOW, gateway=gateway)
            charges.charge_start(conn, "r2", now=NOW, gateway=gateway)
            conn.execute(RESERVATIONS.update().values(run_ended_at=NOW))
        with pytest.raises(PaymentOverdueError):
            engine.accounts.delete("acme")
        assert [run.id for run in engine.runs.list()] == ["run-1"]
        engine.accounts.set_card("acme", "visa")
        engine.accounts.pay("acme")
        engine.accounts.delete("acme")
        assert engine.runs.list() == []
        with reading(engine._context.db) as conn:
            assert conn.execute(select(RUN_TABLES)).all() == []
