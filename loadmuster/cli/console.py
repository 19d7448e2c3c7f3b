"""The console that answers and progress are drawn on."""

from __future__ import annotations

import os

from rich.console import Console

from loadmuster.cli.output import abandon


class QuietConsole(Console):
    """A console that falls silent when its reader leaves; rich's own would end the program."""

    def on_broken_pipe(self) -> None:
        """Print nowhere from now on."""
        self.quiet = True
        abandon(2 if self.stderr else 1)


def redraws(console: Console) -> bool:
    """Whether what is drawn can be drawn over, as a progress bar has to be.

    A terminal without cursor movement (``TERM=dumb``, an editor's shell) and the log of a build
    (``CI``) get lines instead.
    """
    return console.is_terminal and not console.is_dumb_terminal and not os.environ.get("CI")
