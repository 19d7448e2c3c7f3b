"""Addresses that a storage account of Azure signs for injectors."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from kernel.clock import ManualClock
from providers.azure.clients import AzureClients
from providers.azure.storage import check_storage, open_storage
from providers.errors import UnknownOutcomeError
from providers.rehearsal.azure_arm import RehearsedArm
from providers.rehearsal.azure_session import STORAGE_IN_PROCESS, connection_in_process
from providers.rehearsal.faults import Fault, FaultKind


@pytest.fixture
def clients(arm: RehearsedArm, manual_clock: ManualClock) -> AzureClients:
    """The clients of a rehearsed subscription in this process."""
    return AzureClients(manual_clock, connection_in_process(arm))


def test_what_is_signed_for_an_account_reached_by_https_is_good_by_https_only(
    clients: AzureClients,
) -> None:
    objects = open_storage(clients, STORAGE_IN_PROCESS, "loadmuster")

    urls = (objects.download_url("start", 60), objects.upload_ticket("in/", 60).url)

    for url in urls:
        assert url.startswith(STORAGE_IN_PROCESS)
        assert parse_qs(urlsplit(url).query)["spr"] == ["https"]


def test_an_answer_that_gets_lost_on_the_way_is_not_taken_for_a_missing_account(
    clients: AzureClients, arm: RehearsedArm
) -> None:
    arm.world.add(Fault(FaultKind.LOST_REPLY, "PutBlob", times=9))
    objects = open_storage(clients, STORAGE_IN_PROCESS, "loadmuster")

    with pytest.raises(UnknownOutcomeError):
        check_storage(objects, STORAGE_IN_PROCESS, "7f3a")


def test_a_look_leaves_nothing_in_the_account(clients: AzureClients) -> None:
    objects = open_storage(clients, STORAGE_IN_PROCESS, "loadmuster")

    check_storage(objects, STORAGE_IN_PROCESS, "7f3a")

    assert objects.keys("") == ()
