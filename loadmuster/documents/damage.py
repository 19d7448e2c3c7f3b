"""The document of ``db check``: the rows that are damaged, with what does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pricing.reports.damage.reading import Damage


def damage_document(found: Sequence[Damage]) -> dict[str, Any]:
    """What was found; an empty list where nothing was.

    Example:
        {"damaged": [{"table": "postings", "row": "17", "account": "acme",
                      "what": "lot:9 is no lot of the account"}]}
    """
    return {
        "damaged": [
            {
                "table": each.table,
                "row": each.row,
                "account": each.account_id,
                "what": each.what,
            }
            for each in found
        ]
    }
