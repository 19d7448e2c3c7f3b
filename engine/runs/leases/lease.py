"""Who may drive a run: one controller at a time, for a short term that it renews.

A controller that was killed cannot give its lease back. On the machine where it lived, the next
one sees that the process is gone and takes over at once; elsewhere the term has to run out.
"""

from __future__ import annotations

import os
import socket

import psutil
from msgspec import Struct

TERM_S = 30.0


class Lease(Struct, frozen=True):
    """A claim on a run.

    Attributes:
        owner: ``host/pid/started/nonce`` of the controller.
        term_s: How long it holds without being renewed.
    """

    owner: str
    term_s: float = TERM_S


def new_lease(nonce: str, *, term_s: float = TERM_S) -> Lease:
    """A lease of this process; the nonce tells its controllers apart."""
    started = psutil.Process().create_time()
    return Lease(f"{socket.gethostname()}/{os.getpid()}/{started:.2f}/{nonce}", term_s)


def provably_dead(owner: str) -> bool:
    """The owner ran on this machine and its process is gone."""
    host, pid, started, _nonce = owner.split("/", 3)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        return f"{process.create_time():.2f}" != started or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
