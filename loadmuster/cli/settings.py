"""The options of every command, before or after its name: ``--db``, ``--now``, ``--json``."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from click.exceptions import Exit, NoArgsIsHelpError

from kernel.clock import Clock, StartingClock, SystemClock, parse_instant
from kernel.data_folder import DATABASE_VARIABLE
from loadmuster.cli.output import (
    GONE,
    abandon,
    print_document,
    tell,
    unread_is_no_failure,
    unwritten_is_told,
)

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from engine.api import Engine
    from pricing.tariffs import Rates

Document = Mapping[str, Any]

REQUEST_ID_HELP = "Your id of this request; the same again does nothing."
request_id_option = click.option("--request-id", help=REQUEST_ID_HELP)


@dataclass(slots=True)
class Settings:
    """What the global options said; filled while the command line is parsed.

    Attributes:
        db: Database URL; None: the default file in the user's data folder.
        now: Start of the test clock, if one is wanted.
        json: One JSON document on standard output instead of tables for people.
        collects: Garbage is looked for once a command that takes its time is at work.
    """

    db: str | None = None
    now: str | None = None
    json: bool = False
    collects: bool = False

    def clock(self) -> Clock:
        """The clock that this command lives by."""
        if self.now is None:
            return SystemClock()
        return StartingClock(parse_instant(self.now, where="--now"))

    def plans_file(self) -> Path:
        """The file that plans are sold from."""
        from pricing.plans.on_sale import plans_file

        return plans_file(os.environ)

    def rates(self) -> Rates:
        """What services cost by this user's contracts."""
        from pricing.tariffs import rates_file, read_rates

        return read_rates(rates_file(os.environ))

    def engine(self, clock: Clock | None = None, via: str = "cli") -> Engine:
        """The engine on the database and the clock that were named, until the command ends.

        Args:
            clock: One that was made already; None: the one that was named.
            via: What its commands come through, for the log.
        """
        from engine.api import Engine
        from engine.runs.clouds.shared_rehearsal import REHEARSAL_VARIABLE
        from pricing.ledger.author import Via

        engine = Engine(
            self.db,
            clock=clock or self.clock(),
            via=Via(via),
            rehearsal_url=os.environ.get(REHEARSAL_VARIABLE) or None,
        )
        context = click.get_current_context()
        context.call_on_close(self._say_where_nothing_is)
        context.call_on_close(engine.close)
        return engine

    def _say_where_nothing_is(self) -> None:
        """A database that was named and is not there was read as an empty one, or is a slip.

        What a command ends with for another reason is told alone.
        """
        error = sys.exc_info()[1]
        if error is not None and not str(getattr(error, "code", "")).startswith("unknown_"):
            return
        scheme, _, file = (self.db or "").partition(":///")
        if scheme.startswith("sqlite") and file and not os.path.exists(file):  # noqa: PTH110 - any text
            with suppress(OSError):
                tell(
                    f"there is no database {self.db} yet, which is read as an empty one; the first"
                    " command that writes makes it"
                )

    def console(self) -> Console:
        """Standard output for people: colours and tables on a terminal, plain text elsewhere."""
        from loadmuster.cli.console import QuietConsole

        return QuietConsole(highlight=False)

    def progress_console(self) -> Console:
        """Where progress and messages go: standard error with ``--json``, else standard output."""
        from loadmuster.cli.console import QuietConsole

        return QuietConsole(stderr=self.json, highlight=False)

    def emit(
        self, document: Document | Callable[[], Document], show: Callable[[Console], None]
    ) -> None:
        """Print the result: the document with ``--json``, else what ``show`` draws.

        A document that is costly to make is given as what makes it. What a command has done, it
        has done: where its answer cannot be written, that is told, and its exit code stays.
        """
        with unwritten_is_told(DONE) if _does_something() else unread_is_no_failure():
            if self.json:
                made = document() if callable(document) else document
                print_document(made)
            else:
                show(self.console())


DONE = "what it would have shown is on record: look before it is asked for again"


def _does_something() -> bool:
    """Whether the command has its effect once for each request, and is no mere look."""
    context = click.get_current_context(silent=True)
    return context is not None and any(each.name == "request_id" for each in context.command.params)


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> None:  # noqa: ANN401 - click's own type
        settings = ctx.ensure_object(Settings)
        typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        # Asked for twice, before and after the command: what was typed beats the environment.
        is_said = value or (typed and name == "now" and value is not None)
        if is_said and (typed or not getattr(settings, name)):
            setattr(settings, name, value)

    return callback


def _global_options() -> list[click.Option]:
    return [
        click.Option(
            ["--db"],
            metavar="URL",
            envvar=DATABASE_VARIABLE,
            expose_value=False,
            callback=_store("db"),
            help="Database: sqlite:///path or postgresql+psycopg://...",
        ),
        click.Option(
            ["--now"],
            metavar="ISO8601",
            envvar="LOADMUSTER_NOW",
            expose_value=False,
            callback=_store("now"),
            help="Test clock: behave as at that instant.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_store("json"),
            help="One JSON document on standard output.",
        ),
    ]


@contextmanager
def _help_unread_is_no_failure() -> Iterator[None]:
    """Within it, the reader of a help or of the version may leave before its end (``| head``).

    Raises:
        Exit: It did, and nothing else was wanted.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in GONE:
            raise
        abandon()
        raise Exit(0) from error


class Command(click.Command):
    """A command that also takes the global options after its name.

    Args:
        one_of: Groups of options that contradict each other: ``("--csv", "--json")``.
    """

    is_quick = False

    def __init__(self, *args: Any, one_of: Sequence[tuple[str, ...]] = (), **kwargs: Any) -> None:  # noqa: ANN401 - passed through to click
        super().__init__(*args, **kwargs)
        self.one_of = one_of
        self.params.extend(_global_options())

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own type
        """Run it, unless what was typed contradicts itself."""
        settings = ctx.ensure_object(Settings)
        if self.one_of:
            from loadmuster.cli.one_of import check_one_of

            check_one_of(ctx, self.one_of, is_json=settings.json)
        if settings.collects and not self.is_quick:
            gc.enable()
        return super().invoke(ctx)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - passed through to click
        """Parse the command line, or print the help."""
        with _help_unread_is_no_failure():
            return super().make_context(*args, **kwargs)


class QuickCommand(Command):
    """A command that ends before garbage would matter: looking for it takes a tenth of its time."""

    is_quick = True


class CommandGroup(click.Group):
    """A group whose commands take the global options too; alone, with options or not, it helps."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed through to click
        named: dict[str, Any] = {
            "subcommand_metavar": "COMMAND [ARGS]...",
            "invoke_without_command": True,
        }
        super().__init__(*args, **(named | kwargs))
        self.params.extend(_global_options())
        # The decorated function is but a name and a help text.
        self.callback = _want_command

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - passed through to click
        """Parse the command line, or print the help."""
        with _help_unread_is_no_failure():
            return super().make_context(*args, **kwargs)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; one that there is not may be a slip."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            from kernel.near_names import meant

            hint = meant(name, self.list_commands(ctx))
            ctx.fail(f"no command {name!r}{hint}; `{ctx.command_path} --help` lists them")
        return super().resolve_command(ctx, args)


@click.pass_context
def _want_command(ctx: click.Context) -> None:
    """Go on to the command, if one was named.

    Raises:
        NoArgsIsHelpError: None was.
    """
    if ctx.invoked_subcommand is None:
        raise NoArgsIsHelpError(ctx)


class LazyGroup(CommandGroup):
    """A group that imports a command's module when the command is asked for.

    Args:
        lazy: From command name to ``(module:attribute, one line of help)``.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:  # noqa: ANN401 - passed through to click
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which a newcomer needs them."""
        del ctx
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and hand out the command."""
        del ctx
        if cmd_name not in self._lazy:
            return None
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])


pass_settings = click.make_pass_decorator(Settings, ensure=True)
