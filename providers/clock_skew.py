"""How far this computer's clock is off, told from the date that a cloud's answer carries."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime

from providers.errors import ConfigurationRejectedError

SKEW_S_MAX = 5.0
"""Beyond it injectors start noticeably late or early; beyond some minutes a cloud answers nobody.
"""


def skew_of(date_header: str, now: datetime) -> float:
    """Seconds by which ``now`` is ahead of an HTTP date."""
    return (now - parsedate_to_datetime(date_header)).total_seconds()


def check_skew(cloud: str, date_header: str, now: datetime) -> str:
    """What to say of a clock that is right.

    Args:
        cloud: Its name, for people.
        date_header: The date of an answer, as HTTP writes it.
        now: This computer's time.

    Raises:
        ConfigurationRejectedError: The clock is too far off.
    """
    skew_s = skew_of(date_header, now)
    if abs(skew_s) > SKEW_S_MAX:
        raise ConfigurationRejectedError(
            f"this computer's clock is {abs(skew_s):.0f} s "
            f"{'ahead of' if skew_s > 0 else 'behind'} {cloud}'s; set it by NTP, or injectors "
            "start at another time than planned"
        )
    return f"within a few seconds of {cloud}'s"
