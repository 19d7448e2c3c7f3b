"""One contract for object storage: a folder of this computer, a rehearsed S3, a rehearsed Blob."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import Struct
from msgspec.structs import replace

from engine.load.sliced.bootstrap import Bootstrap
from kernel.clock import SystemClock
from kernel.errors import ProviderFailedError
from providers.aws import objects as aws_objects
from providers.azure import objects as azure_objects
from providers.azure.codes import DECISIONS
from providers.errors import ConfigurationRejectedError
from providers.local.objects import FolderObjects
from providers.objects import NAME_PLACE, ObjectStore, UploadMethod, UploadTicket
from providers.rehearsal.aws_cloud import Rehearsal, aws_rehearsal_objects
from providers.rehearsal.azure_blobs import BLOB_STATUSES
from providers.rehearsal.azure_cloud import azure_rehearsal_objects
from providers.rehearsal.faults import Fault, FaultKind

MAIN = re.compile(r"^(.*)-in-[0-9a-f]+/\{name\}\?")
"""What is the container of all but uploads in the address of an upload to Azure."""


class RehearsedStore(Struct, frozen=True):
    """Objects of a rehearsed cloud, and what that cloud calls things."""

    cloud: Rehearsal
    objects: ObjectStore
    settings: ModuleType
    get_action: str
    busy_code: str


@pytest.fixture
def s3(rehearsal: Rehearsal) -> RehearsedStore:
    store = aws_rehearsal_objects(rehearsal.endpoint_url, SystemClock())
    return RehearsedStore(rehearsal, store, aws_objects, "GetObject", "SlowDown")


@pytest.fixture
def blob(azure_server: Rehearsal) -> RehearsedStore:
    azure_server.clear()
    store = azure_rehearsal_objects(azure_server.endpoint_url, SystemClock())
    return RehearsedStore(azure_server, store, azure_objects, "GetBlob", "ServerBusy")


@pytest.fixture(params=["s3", "blob"])
def rehearsed(request: pytest.FixtureRequest) -> RehearsedStore:
    found: RehearsedStore = request.getfixturevalue(request.param)
    found.objects.delete("")
    return found


@pytest.fixture
def bucket(rehearsed: RehearsedStore) -> ObjectStore:
    return rehearsed.objects


@pytest.fixture(params=["folder", "s3", "blob"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    found: RehearsedStore = request.getfixturevalue(request.param)
    found.objects.delete("")
    return found.objects


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


def test_more_keys_than_a_page_holds(
    rehearsed: RehearsedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = rehearsed.objects
    monkeypatch.setattr(aws_objects, "DELETE_BATCH", 10)
    monkeypatch.setattr(rehearsed.settings, "LIST_PAGE", 10)
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
    if ticket.method is UploadMethod.PUT:
        above = replace(ticket, url=MAIN.sub(r"\1/runs/r1/{name}?", ticket.url))
        assert above.url != ticket.url
    else:
        above = replace(ticket, prefix="runs/r1/")
    assert upload(above, file, "bundle.tgz") != 0
    assert bucket.keys("") == ()


def test_addresses_and_tickets_expire(bucket: ObjectStore, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(b"{}")
    bucket.put("start", b"now")
    url, ticket = bucket.download_url("start", -1), bucket.upload_ticket("in/", -1)
    assert curl(url).returncode != 0
    assert upload(ticket, file, "report") != 0


def test_what_is_throttled_is_asked_again(rehearsed: RehearsedStore) -> None:
    rehearsed.objects.put("start", b"now")
    code = rehearsed.busy_code
    rehearsed.cloud.inject(
        Fault(FaultKind.REFUSAL, action=rehearsed.get_action, code=code, times=3)
    )
    assert rehearsed.objects.get("start") == b"now"


def test_a_ticket_reads_lists_and_deletes_nothing(blob: RehearsedStore) -> None:
    ticket = blob.objects.upload_ticket("runs/r1/in/", 60)
    blob.objects.put("runs/r1/in/ready", b"here")
    url = ticket.url.replace(NAME_PLACE, "ready")
    assert curl(url).returncode != 0
    assert curl("--request", "DELETE", url).returncode != 0
    assert curl(f"{ticket.url.replace(NAME_PLACE, '')}&restype=container&comp=list").returncode != 0
    assert blob.objects.get("runs/r1/in/ready") == b"here"


@pytest.mark.parametrize(
    ("before", "after"),
    [("sp=r", "sp=rcw"), ("se=2", "se=3"), ("/start?", "/bundle.tgz?"), ("sr=b", "sr=c")],
)
def test_an_address_that_was_changed_after_it_was_signed_opens_nothing(
    blob: RehearsedStore, before: str, after: str
) -> None:
    for name in ("start", "bundle.tgz"):
        blob.objects.put(f"runs/r1/{name}", b"now")
    url = blob.objects.download_url("runs/r1/start", 60)
    assert curl(url).stdout == b"now"
    assert url.count(before) == 1
    assert curl(url.replace(before, after)).returncode != 0


def test_an_address_without_a_signature_opens_nothing(blob: RehearsedStore) -> None:
    blob.objects.put("start", b"now")
    url = blob.objects.download_url("start", 60)
    assert curl(url.partition("?")[0]).returncode != 0


def test_blob_storage_gives_tickets_for_inboxes_only(blob: RehearsedStore) -> None:
    with pytest.raises(ConfigurationRejectedError, match="'runs/r1/'"):
        blob.objects.upload_ticket("runs/r1/", 60)


def test_an_empty_blob_is_empty(blob: RehearsedStore) -> None:
    blob.objects.put("nothing", b"")
    assert blob.objects.get("nothing") == b""


@pytest.mark.parametrize("code", sorted(BLOB_STATUSES))
def test_every_refusal_of_a_rehearsed_blob_storage_arrives_as_its_decision(
    blob: RehearsedStore, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.throttling.ATTEMPTS", 1)
    blob.cloud.inject(Fault(FaultKind.REFUSAL, "CreateContainer", code=code, times=9))
    monkeypatch.setattr(azure_objects, "EXISTS_CODES", frozenset())
    with pytest.raises(ProviderFailedError) as caught:
        blob.objects.upload_ticket("runs/r2/in/", 60)
    assert type(caught.value) is DECISIONS[code]
    assert caught.value.facts["azure_code"] == code
