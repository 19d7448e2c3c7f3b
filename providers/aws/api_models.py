"""The descriptions of AWS's APIs that botocore ships: read once a process, and quickly.

botocore gives each session a loader of its own, and every session would read them again: EC2's
alone is a megabyte.
"""

from __future__ import annotations

import functools
import gzip
from pathlib import Path
from typing import Any

import msgspec
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session


class _Files(JSONFileLoader):
    """Reads what botocore's own file loader reads, in a tenth of the time."""

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - whatever JSON there is
        """The content of the file, whose name lacks its ending; None: there is none."""
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return msgspec.json.decode(plain.read_bytes())
        if packed.is_file():
            return msgspec.json.decode(gzip.decompress(packed.read_bytes()))
        return None


@functools.cache
def shared_loader(data_path: str | None = None) -> Loader:
    """The loader of all sessions that look in the same folders.

    Args:
        data_path: The setting of that name: where descriptions are looked for first.
    """
    loader = create_loader(data_path)
    loader.file_loader = _Files()
    return loader


def with_shared_models(session: Session) -> Session:
    """The session, reading what others of this process have read."""
    session.register_component(
        "data_loader", shared_loader(session.get_config_variable("data_path"))
    )
    return session
