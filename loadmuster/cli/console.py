"""The console that answers and progress are drawn on."""

from __future__ import annotations

from rich.console import Console

from loadmuster.cli.output import abandon


class QuietConsole(Console):
    """A console that falls silent when its reader leaves; rich's own would end the program."""

    def on_broken_pipe(self) -> None:
        """Print nowhere from now on."""
        self.quiet = True
        abandon(2 if self.stderr else 1)
