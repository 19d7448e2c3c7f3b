"""The root command and the one place where an error becomes an exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import click

from engine.cli.settings import LazyGroup, Settings
from kernel.errors import BadInputError, LoadmusterError

COMMANDS = {
    "estimate": ("engine.cli.estimate:estimate", "What a load test takes and costs."),
    "compare": ("engine.cli.compare:compare", "The same test at every tariff, cheapest first."),
    "sweep": ("engine.cli.sweep:sweep", "Millions of what-ifs, from files or grids."),
    "plot": ("engine.cli.plot:plot", "Cost against users, and the plans' break-even, as curves."),
    "calibrate": ("engine.cli.calibrate:calibrate", "What one user takes, measured here."),
    "run": ("engine.cli.run:run", "Run a load test, and bill it."),
    "cancel": ("engine.cli.run:cancel", "End a run now; its machines go."),
    "runs": ("engine.cli.run:runs", "List the runs."),
    "show": ("engine.cli.run:show", "One run: machines, timeline, bill, result."),
    "serve": ("engine.cli.serve:serve", "Run what is queued, and what others left behind."),
    "reap": ("engine.cli.reap:reap", "Machines that outlived their run, and their end."),
    "account": ("engine.cli.account_plan:account", "Open accounts, show and change their plans."),
    "department": ("engine.cli.department:department", "Credits and wallets of departments."),
    "history": ("engine.cli.account_plan:history", "The plans that an account was on."),
    "ledger": ("engine.cli.account:ledger", "Every posting of an account."),
    "invoices": ("engine.cli.invoices:invoices", "The invoices of an account."),
    "usage": ("engine.cli.usage:usage", "What the current cycle used: by day, department, run."),
    "advise": ("engine.cli.advise:advise", "The cheapest plan, break-even, runs left."),
    "tariff": ("engine.cli.tariff:tariff", "What load-testing services would bill."),
    "catalog": ("engine.cli.catalog_refresh:catalog", "Machine types and their prices."),
    "doctor": ("engine.cli.doctor:doctor", "What a run needs, what is missing, and what to do."),
    "schema": ("engine.cli.schema:schema", "JSON Schemas of the files and documents."),
}


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
    settings = Settings()
    try:
        cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="loadmuster",
            standalone_mode=False,
            obj=settings,
        )
    except LoadmusterError as error:
        _fail(settings, error)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "loadmuster"
        _fail(settings, BadInputError(f"{where}: {error.format_message()}", where=where))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(0)


def _fail(settings: Settings, error: LoadmusterError) -> None:
    """One line on standard error; with ``--json`` also one document on standard output."""
    if settings.json or "--json" in sys.argv[1:]:
        click.echo(json.dumps({"error": error.to_json()}, indent=2, ensure_ascii=False))
    click.echo(f"loadmuster: {error.line}", err=True)
    sys.exit(error.exit_code)
