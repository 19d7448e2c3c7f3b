"""Object storage in a folder of this computer; addresses are ``file:`` URLs, which curl knows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from kernel.files import write_whole
from providers.objects import NAME_PLACE, UploadMethod, UploadTicket


class FolderObjects:
    """Objects as files below a folder.

    An object that is uploaded while it is read may be read in part: whoever reads it must be able
    to tell.

    Args:
        root: The folder; made when something is written.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def put(self, key: str, content: bytes) -> None:
        """Write a file beside its place and move it there."""
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)

    def get(self, key: str) -> bytes | None:
        """Read a file."""
        try:
            return (self._root / key).read_bytes()
        except FileNotFoundError:
            return None

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Every file whose path begins so."""
        return tuple(sorted(self._listed(prefix)))

    def delete(self, prefix: str) -> None:
        """Remove files, and the folder if the prefix is one."""
        for key in self.keys(prefix):
            (self._root / key).unlink(missing_ok=True)
        if prefix.endswith("/"):
            shutil.rmtree(self._root / prefix, ignore_errors=True)

    def download_url(self, key: str, lifetime_s: int) -> str:
        """The file; whoever may read it may read it for ever."""
        del lifetime_s
        return (self._root / key).as_uri()

    def upload_ticket(self, prefix: str, lifetime_s: int) -> UploadTicket:
        """Any file right below the prefix: curl makes no folders."""
        del lifetime_s
        (self._root / prefix).mkdir(parents=True, exist_ok=True)
        return UploadTicket(UploadMethod.PUT, f"{(self._root / prefix).as_uri()}/{NAME_PLACE}")

    def _listed(self, prefix: str) -> Iterator[str]:
        beginning = (
            (self._root / prefix).parent if not prefix.endswith("/") else self._root / prefix
        )
        for path in beginning.rglob("*"):
            key = path.relative_to(self._root).as_posix()
            if path.is_file() and not path.name.startswith(".") and key.startswith(prefix):
                yield key
