"""The console that answers and progress are drawn on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from kernel.visible import visible_lines
from loadmuster.cli.output import abandon


class QuietConsole(Console):
    """A console that falls silent when its reader leaves; rich's own would end the program.

    What it is given is shown as it is: names and texts of people are no markup, whatever brackets
    and colons they have, and a terminal obeys none of them. What is to be styled is given as
    ``Text``. A terminal's lines end between words; elsewhere a sentence stays one line, for
    whatever searches it.
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

    def render_str(self, text: str, *args: Any, **kwargs: Any) -> Text:  # noqa: ANN401 - passed through to rich
        """A text of ours as rich lays it out."""
        return super().render_str(visible_lines(text), *args, **kwargs)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """What is drawn of anything, with nothing in it that a terminal obeys but rich's own."""
        for each in super().render(renderable, options):
            shown = each.text if each.control else visible_lines(each.text)
            yield each if shown is each.text else Segment(shown, each.style)

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
