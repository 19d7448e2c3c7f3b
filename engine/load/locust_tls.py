"""Whose certificates Locust's users believe; needs nothing but Locust and Python.

Used inside Locust only: by the native master and workers, and by injectors that have nothing of
loadmuster but files like this one. Of itself Locust verifies with one of its HTTP users, and takes
any certificate with the other.
"""

from __future__ import annotations

import functools
import ssl
from typing import Any

from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpUser


def believe(*, verify: bool, ca_file: str | None) -> None:
    """Let all HTTP users of this process verify certificates, or not.

    What a locustfile says itself, in a class or of a session, stands.

    Args:
        verify: Whether a certificate has to be valid.
        ca_file: Where the authorities are; None: those of the system.
    """
    users: Any = FastHttpUser
    users.insecure = not verify

    @functools.cache
    def shared() -> ssl.SSLContext:
        # One for all users of the process: reading the authorities takes tens of milliseconds.
        if verify:
            return ssl.create_default_context(cafile=ca_file)
        return ssl._create_unverified_context()  # noqa: S323, SLF001 - as the scenario asks for

    def context(cafile: str | None = None) -> ssl.SSLContext:
        # To one that does not take a file, the client adds all of its own for each user.
        del cafile
        return shared()

    users.ssl_context_factory = staticmethod(context)
    session: Any = HttpSession
    begin = session.__init__

    @functools.wraps(begin)
    def begin_session(self: Any, *args: Any, **named: Any) -> None:  # noqa: ANN401 - Locust's
        begin(self, *args, **named)
        self.verify = (ca_file or True) if verify else False

    session.__init__ = begin_session
