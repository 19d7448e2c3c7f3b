"""A disk that is full, for this process or another one, without the rights to mount a small one."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


def fill() -> None:
    """From now on no file takes another byte of this process, as if its disk were full."""
    _limit(0)


def make_room() -> None:
    """There is room again."""
    _limit(resource.getrlimit(resource.RLIMIT_FSIZE)[1])


def fill_for(pid: int) -> None:
    """The same for one other process."""
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))


def make_room_for(pid: int) -> None:
    """There is room again for that process."""
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def room_in_the_end() -> Iterator[None]:
    """Whatever happens within it, there is room afterwards."""
    try:
        yield
    finally:
        make_room()


def _limit(size_bytes: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
