"""One contract for object storage: a folder of this computer, and a bucket of a rehearsed AWS."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.load.sliced.bootstrap import Bootstrap
from kernel.clock import SystemClock
from providers.aws import objects
from providers.local.objects import FolderObjects
from providers.objects import ObjectStore, UploadTicket
from providers.rehearsal.aws_cloud import Rehearsal, aws_rehearsal_objects
from providers.rehearsal.faults import Fault, FaultKind


@pytest.fixture
def bucket(rehearsal: Rehearsal) -> ObjectStore:
    store = aws_rehearsal_objects(rehearsal.endpoint_url, SystemClock())
    store.delete("")
    return store


@pytest.fixture(params=["folder", "rehearsed S3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    found: ObjectStore = request.getfixturevalue("bucket")
    return found


def curl(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["curl", "--fail", "--silent", "--show-error", *arguments],  # noqa: S607 - as injectors do
        capture_output=True,
        check=False,
    )


def upload(ticket: UploadTicket, file: Path, name: str) -> int:
    """As the injectors' script does it; returns curl's exit status."""
    script = Bootstrap(0, "", "", ticket, 1, 1).script()
    send = script[script.index("send()") : script.index("fetch()")]
    return subprocess.run(
        ["sh", "-c", f'{send}\nsend "$1" "$2"', "sh", str(file), name],  # noqa: S607 - as injectors do
        capture_output=True,
        check=False,
    ).returncode


def test_an_object_is_what_was_put_last(store: ObjectStore) -> None:
    assert store.get("runs/r1/start") is None
    store.put("runs/r1/start", b"once")
    store.put("runs/r1/start", b"again \x00\xff")
    assert store.get("runs/r1/start") == b"again \x00\xff"


def test_keys_are_listed_by_prefix_in_order(store: ObjectStore) -> None:
    for key in ("runs/r2/a", "runs/r1/in/ready-0-b", "runs/r1/in/ready-0-a", "runs/r1/start"):
        store.put(key, b"")
    assert store.keys("runs/r1/in/ready-") == ("runs/r1/in/ready-0-a", "runs/r1/in/ready-0-b")
    assert store.keys("runs/r3/") == ()


def test_deleting_takes_all_below_the_prefix_and_nothing_else(store: ObjectStore) -> None:
    for key in ("runs/r1/a", "runs/r1/in/b", "runs/r10/c"):
        store.put(key, b"")
    store.delete("runs/r1/")
    store.delete("runs/r1/")
    assert store.keys("runs/") == ("runs/r10/c",)


def test_more_keys_than_a_page_holds(bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "DELETE_BATCH", 10)
    monkeypatch.setattr(objects, "LIST_PAGE", 10)
    wanted = [f"many/{number:04}" for number in range(25)]
    for key in wanted:
        bucket.put(key, b"")
    assert bucket.keys("many/") == tuple(wanted)
    bucket.delete("many/")
    assert bucket.keys("many/") == ()


def test_an_address_can_be_given_before_its_object_is_there(store: ObjectStore) -> None:
    url = store.download_url("runs/r1/start", 60)
    assert curl(url).returncode != 0
    store.put("runs/r1/start", b"now")
    assert curl(url).stdout == b"now"


@pytest.mark.parametrize("name", ["ready-0-i-1", 'it\'s "odd" $(touch x) ;&', "a b+c%20"])
def test_a_ticket_lets_anybody_upload_below_its_prefix(
    store: ObjectStore, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(b'{"users": 7}\n')
    ticket = store.upload_ticket("runs/r1/in/", 60)
    if "%" in ticket.url or ticket.url.startswith("file:"):
        name = "ready-0-i-1"
    assert upload(ticket, file, name) == 0
    assert store.get(f"runs/r1/in/{name}") == b'{"users": 7}\n'


def test_a_ticket_is_good_for_its_prefix_only(bucket: ObjectStore, tmp_path: Path) -> None:
    file = tmp_path / "bundle.tgz"
    file.write_bytes(b"another work")
    ticket = bucket.upload_ticket("runs/r1/in/", 60)
    assert upload(replace(ticket, prefix="runs/r1/"), file, "bundle.tgz") != 0
    assert bucket.keys("") == ()


def test_addresses_and_tickets_expire(bucket: ObjectStore, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(b"{}")
    bucket.put("start", b"now")
    url, ticket = bucket.download_url("start", -1), bucket.upload_ticket("in/", -1)
    assert curl(url).returncode != 0
    assert upload(ticket, file, "report") != 0


def test_what_is_throttled_is_asked_again(bucket: ObjectStore, rehearsal: Rehearsal) -> None:
    bucket.put("start", b"now")
    rehearsal.inject(Fault(FaultKind.REFUSAL, action="GetObject", code="SlowDown", times=3))
    assert bucket.get("start") == b"now"
