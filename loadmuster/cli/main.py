"""The root command and the one place where an error becomes an exit code."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Sequence

import click
from click.exceptions import NoArgsIsHelpError

from kernel.disk import is_no_room
from kernel.errors import BadInputError, LoadmusterError
from kernel.key_log import put_aside_unusable_key_log
from loadmuster.cli.output import prepare, print_document, tell, tell_unwritten, unwritten_is_told
from loadmuster.cli.settings import LazyGroup, Settings
from loadmuster.cli.signals import tidied_up

COMMANDS = {
    "estimate": ("loadmuster.cli.estimate:estimate", "What a load test takes and costs."),
    "compare": ("loadmuster.cli.compare:compare", "The same test at every tariff, cheapest first."),
    "sweep": ("loadmuster.cli.sweep:sweep", "Millions of what-ifs, from files or grids."),
    "plot": (
        "loadmuster.cli.plot:plot",
        "Cost against users, and the plans' break-even, as curves.",
    ),
    "calibrate": ("loadmuster.cli.calibrate:calibrate", "What one user takes, measured here."),
    "run": ("loadmuster.cli.run:run", "Run a load test, and bill it."),
    "cancel": ("loadmuster.cli.run:cancel", "End a run now; its machines go."),
    "runs": ("loadmuster.cli.run:runs", "List the runs."),
    "watch": ("loadmuster.cli.watch:watch", "Follow a run, whoever drives it; ends nothing."),
    "show": ("loadmuster.cli.run:show", "One run: machines, timeline, bill, result."),
    "logs": ("loadmuster.cli.logs:logs", "What a run's injectors wrote."),
    "serve": ("loadmuster.cli.serve:serve", "Run what is queued, and what others left behind."),
    "reap": ("loadmuster.cli.reap:reap", "Machines that outlived their run, and their end."),
    "account": (
        "loadmuster.cli.account_plan:account",
        "Open accounts, show and change their plans.",
    ),
    "department": ("loadmuster.cli.department:department", "Credits and wallets of departments."),
    "history": ("loadmuster.cli.account_plan:history", "The plans that an account was on."),
    "ledger": ("loadmuster.cli.account:ledger", "Every posting of an account."),
    "books": ("loadmuster.cli.books:books", "Close months, export the ledger, prove it."),
    "invoices": ("loadmuster.cli.invoices:invoices", "The invoices of an account."),
    "billing": ("loadmuster.cli.billing:billing", "Who is named on invoices, and is taxed where."),
    "usage": (
        "loadmuster.cli.usage:usage",
        "What the current cycle used: by day, department, run.",
    ),
    "advise": ("loadmuster.cli.advise:advise", "The cheapest plan, break-even, runs left."),
    "tariff": ("loadmuster.cli.tariff:tariff", "What load-testing services would bill."),
    "catalog": ("loadmuster.cli.catalog_refresh:catalog", "Machine types and their prices."),
    "doctor": (
        "loadmuster.cli.doctor:doctor",
        "What a run needs, what is missing, and what to do.",
    ),
    "db": ("loadmuster.cli.database:db", "The database: whether its books are what they were."),
    "schema": ("loadmuster.cli.schema:schema", "JSON Schemas of the files and documents."),
}


ASK_AGAIN = "make room, and ask again"


@click.command(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="loadmuster")
def cli() -> None:
    """Estimates, prices, runs, cancels and bills load tests on AWS, Azure or this machine."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the contract's code."""
    # A command has no use for them, and looking for them reads every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    prepare()
    if (said := put_aside_unusable_key_log(os.environ)) is not None:
        with unwritten_is_told(ASK_AGAIN):
            tell(said)
    settings = Settings(collects=gc.isenabled())
    # What is imported stays; a command that takes its time switches it on again.
    gc.disable()
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        _answer(settings, given)
    finally:
        if arguments is None:
            # The process ends: finding its garbage first would take a tenth of an estimate.
            gc.freeze()
        if settings.collects:
            gc.enable()


def _answer(settings: Settings, given: list[str]) -> None:
    try:
        with tidied_up() as interrupted:
            cli.main(args=given, prog_name="loadmuster", standalone_mode=False, obj=settings)
    except (LoadmusterError, click.UsageError) as error:
        # What is refused early may not have been read so far.
        settings.json = settings.json or "--json" in given
        if isinstance(error, NoArgsIsHelpError) and not settings.json:
            error.show()
            sys.exit(BadInputError.exit_code)
        _fail(settings, error if isinstance(error, LoadmusterError) else _of_usage(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as error:
        if not is_no_room(error):
            raise
        tell_unwritten(error, ASK_AGAIN)
        sys.exit(BadInputError.exit_code)
    except Exception:
        if not interrupted():
            raise
        sys.exit(130)
    sys.exit(0)


def _of_usage(error: click.UsageError) -> BadInputError:
    """What click refuses, as an error of ours."""
    where = error.ctx.command_path if error.ctx else "loadmuster"
    if isinstance(error, NoArgsIsHelpError):
        message = f"no command is named; `{where} --help` lists them"
    else:
        message = error.format_message() + _meant_choice(error)
    return BadInputError(f"{where}: {message}", where=where)


def _meant_choice(error: click.UsageError) -> str:
    """What may have been meant by a word that is none of an option's choices."""
    chosen = getattr(getattr(error, "param", None), "type", None)
    word = re.match(r"'([^']*)' is not one of", error.message)
    if word is None or not isinstance(chosen, click.Choice):
        return ""
    from kernel.near_names import meant

    return meant(word[1], map(str, chosen.choices))


def _fail(settings: Settings, error: LoadmusterError) -> None:
    """One line on standard error; with ``--json`` also one document on standard output."""
    with unwritten_is_told(ASK_AGAIN):
        if settings.json:
            from loadmuster.documents.error import error_document

            print_document(error_document(error))
        tell(error.line)
    sys.exit(error.exit_code)
