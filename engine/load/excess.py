"""Load that nobody quoted: users above those that a run is charged for.

A script may ignore what it is told. Whatever its quote said, injectors report how many users are
active; a run that has more than were quoted is ended, and what it measured is not valid.
"""

from __future__ import annotations

from kernel.words import counted

TOLERANCE_PERCENT = 5
"""Of the quoted users. Injectors count in seconds of their own clocks, so a user who leaves one
as another comes to the next can be counted twice for a moment."""


def users_tolerated(quoted_users: int) -> int:
    """The most users that may be reported of so many quoted: 5 % more, and at least one more."""
    return quoted_users + max(1, quoted_users * TOLERANCE_PERCENT // 100)


def excess(quoted_users: int, peak_users: int | None) -> str | None:
    """What is said of a load with more users than were quoted; None: it has none.

    Args:
        quoted_users: The most at once that the run is charged for.
        peak_users: The most at once that its injectors report; None: they do not say.
    """
    if peak_users is None or peak_users <= users_tolerated(quoted_users):
        return None
    return (
        f"{counted(peak_users, 'user')} were active, and {quoted_users:,} were quoted: the script "
        "does not keep to the load that it is told"
    )
