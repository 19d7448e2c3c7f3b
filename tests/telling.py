"""How the simulators tell what they found."""

from __future__ import annotations

import sys
from collections import Counter


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def say_all(title: str, counts: Counter[str]) -> None:
    """Counts, the most frequent first."""
    say(f"{title}: {counts.total():,}")
    for name, number in counts.most_common():
        say(f"  {number:>9,}  {name}")
