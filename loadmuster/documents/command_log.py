"""The document of ``account log``: who did what on an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from loadmuster.documents.instants import local_to

if TYPE_CHECKING:
    from pricing.ledger.command_log import LoggedCommand


def command_log_document(
    account_id: str, logged: Sequence[LoggedCommand], timezone: str
) -> dict[str, Any]:
    """Commands, oldest first; instants are in the account's zone.

    ``at`` is by the caller's clock, which ``--now`` may move, ``recorded_at`` by the database's.
    """
    local = local_to(timezone)
    return {
        "id": account_id,
        "commands": [
            {
                "number": each.number,
                "command": each.command,
                "content": dict(each.content),
                "request_id": each.request_id,
                "actor": each.actor,
                "login": each.login,
                "via": each.via.value,
                "at": local(each.at),
                "recorded_at": local(each.recorded_at),
                "outcome": each.outcome.value,
                "code": each.code,
                "transactions": list(each.transactions),
            }
            for each in logged
        ],
    }
