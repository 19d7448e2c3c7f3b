"""``SSLKEYLOGFILE``: where TLS libraries write their keys, for whoever reads traffic.

One that cannot be written makes every connection fail with an error about a file, in the middle of
whatever was going on. Nothing of ours needs it, so it is put aside, and said.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

VARIABLE = "SSLKEYLOGFILE"


def put_aside_unusable_key_log(environment: MutableMapping[str, str]) -> str | None:
    """Take the variable out of the environment if its file cannot be written.

    Returns:
        One line that says so; None: there is none, or it can be written.
    """
    file = environment.get(VARIABLE)
    if file is None:
        return None
    try:
        with Path(file).open("ab"):
            return None
    except (OSError, ValueError) as error:
        del environment[VARIABLE]
        why = getattr(error, "strerror", None) or error
        return f"{VARIABLE}: {file}: cannot be written: {why}; no keys are logged"
