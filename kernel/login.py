"""Who the operating system says is using the program."""

from __future__ import annotations

import os


def os_login() -> str:
    """The name of the user whose rights this process has, as the system's list of users says.

    The environment is not asked: it says what the caller likes. A user who is on no list, as in
    some containers, is ``uid 1000``.
    """
    import pwd

    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
