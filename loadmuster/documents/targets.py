"""The document of the hosts that an account's runs may load from a real cloud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to

if TYPE_CHECKING:
    from engine.runs.targets import AllowedTarget


def targets_document(
    account_id: str, allowed: Sequence[AllowedTarget], timezone: str
) -> dict[str, Any]:
    """The hosts and since when they are allowed; instants are in the account's zone."""
    local = local_to(timezone)
    return {
        "id": account_id,
        "targets": [{"host": each.host, "allowed_at": local(each.allowed_at)} for each in allowed],
    }
