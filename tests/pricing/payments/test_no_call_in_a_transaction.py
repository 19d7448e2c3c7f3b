"""Nobody outside is called while a transaction is open, on either database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPConnection

import boto3
import pytest
from azure.core.pipeline import Pipeline
from botocore.config import Config
from sqlalchemy import Connection, Engine

from engine.database import reading, transaction, undone
from kernel.outside import CalledInTransactionError
from pricing.payments.asking import Talk
from pricing.payments.attempts import begin_attempt
from pricing.payments.collecting import collect
from pricing.payments.gateway import PaymentRequest
from pricing.payments.play_bank import PlayBank
from pricing.plans.channels import Channel
from tests import outside_guard

WANTED = PaymentRequest(
    key="run:r1",
    account_id="acme",
    usd_micros=1_000_000,
    channel=Channel.CARD,
    card="tok_good",
    at_once=False,
)


def call_aws() -> None:
    boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106 - nobody's
        config=Config(retries={"max_attempts": 1}, connect_timeout=1),
    ).describe_regions()


def call_azure() -> None:
    Pipeline(transport=None).run(None)  # type: ignore[arg-type]


def call_http() -> None:
    HTTPConnection("127.0.0.1", 9, timeout=1).request("GET", "/")


@pytest.mark.parametrize("call", [call_aws, call_azure, call_http])
@pytest.mark.parametrize("opened", [transaction, undone])
def test_the_guard_sees_clouds_and_web_servers(
    call: Callable[[], None], opened: Callable[..., object], db: Engine
) -> None:
    with opened(db), pytest.raises(CalledInTransactionError):  # type: ignore[attr-defined]
        call()
    assert len(outside_guard.CAUGHT) == 1
    outside_guard.CAUGHT.clear()


def test_a_gateway_is_not_called_in_a_transaction(db: Engine, acme: str, now: datetime) -> None:
    bank = PlayBank()
    with transaction(db) as conn:
        attempt = begin_attempt(conn, WANTED, 1, waiting=None, now=now)
        for call in (Talk(gateway=bank).collect, Talk(gateway=bank).withdraw):
            with pytest.raises(CalledInTransactionError):
                call(attempt)
        with pytest.raises(CalledInTransactionError):
            collect(conn, acme, "run:r1", 1_000_000, gateway=bank, now=now)
    assert not bank.calls
    assert Talk(gateway=bank).collect(attempt) is not None


def test_others_transactions_and_reads_do_not_count(db: Engine, now: datetime) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def hold(conn: Connection) -> None:
        begun.set()
        assert conn
        assert may_end.wait(30)

    def other() -> None:
        with transaction(db) as conn:
            hold(conn)

    with transaction(db) as conn:
        attempt = begin_attempt(conn, WANTED, 1, waiting=None, now=now)
    holder = threading.Thread(target=other)
    holder.start()
    try:
        assert begun.wait(30)
        with reading(db):
            assert Talk(gateway=PlayBank()).collect(attempt) is not None
    finally:
        may_end.set()
        holder.join(30)
