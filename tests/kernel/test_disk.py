"""How much is free is said of a disk that is full, and of nothing that is on none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kernel.disk import free_space

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name", ["there", "missing", "."])
def test_what_is_free_is_said_of_the_disk_of_a_file_and_of_a_folder(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "there").write_text("x")
    assert f"MiB free on the disk of {tmp_path}" in free_space(tmp_path / name, FULL)
    assert free_space(tmp_path / name, PermissionError(errno.EACCES, "no")) == ""


def test_a_device_and_a_pipe_are_on_no_disk(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/full"), tmp_path / "pipe"):
        assert free_space(path, FULL) == ""
