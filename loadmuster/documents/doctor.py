"""The document of a checkup: what runs need, and what of it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.commands.checkup import HERE

if TYPE_CHECKING:
    from engine.commands.checkup import Checkup


def checkup_document(checkup: Checkup) -> dict[str, Any]:
    """A checkup as ``doctor`` prints it."""
    return {
        "usable": checkup.exit_code == 0,
        "providers": {name: checkup.usable(name) for name in checkup.findings if name != HERE},
        "findings": [
            {
                "of": name,
                "what": each.what,
                "grade": each.grade.value,
                "said": each.said,
                "remedy": each.remedy or None,
            }
            for name, found in checkup.findings.items()
            for each in found
        ],
    }
