"""The document of ``account advance``: how far the books of all accounts were brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.commands.account_upkeep import AdvanceCount
    from kernel.errors import LoadmusterError


def advanced_document(
    count: AdvanceCount, failures: Sequence[tuple[str, LoadmusterError]]
) -> dict[str, Any]:
    """What became of all accounts.

    Args:
        count: How many accounts there are, and how many of them failed.
        failures: The first of those: account and error.
    """
    return {
        "accounts": count.accounts,
        "advanced": count.accounts - count.failed,
        "failed": count.failed,
        "failures": [
            {"id": account_id, "code": error.code, "message": error.line}
            for account_id, error in failures
        ],
    }
