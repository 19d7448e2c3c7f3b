"""The console that answers and progress are drawn on."""

from __future__ import annotations

import os
from typing import IO

from rich.console import Console

from loadmuster.cli.output import abandon


class QuietConsole(Console):
    """A console that falls silent when its reader leaves; rich's own would end the program.

    What it is given is shown as it is: names and texts of people are no markup, whatever brackets
    and colons they have. What is to be styled is given as ``Text``. A terminal's lines end between
    words; elsewhere a sentence stays one line, for whatever searches it.
    """

    def __init__(
        self,
        *,
        stderr: bool = False,
        highlight: bool = True,
        file: IO[str] | None = None,
        force_terminal: bool | None = None,
        width: int | None = None,
    ) -> None:
        super().__init__(
            stderr=stderr,
            highlight=highlight,
            file=file,
            force_terminal=force_terminal,
            width=width,
            markup=False,
            emoji=False,
        )
        self.soft_wrap = not self.is_terminal

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
