"""``tariff set`` and ``tariff unset``: what one pays a service by contract."""

from __future__ import annotations

from pathlib import Path

import click

from kernel.errors import BadInputError
from loadmuster.cli.report_options import day_of
from loadmuster.cli.settings import Command, Settings, pass_settings
from loadmuster.documents.tariff import contract_rates_document, forgotten_rate_document
from pricing.money import format_usd


@click.command(
    "set", cls=Command, one_of=[("--file", each) for each in ("--usd", "--per", "--as-of")]
)
@click.argument("name", required=False)
@click.option("--usd", metavar="USD", help="What a unit costs by contract.")
@click.option("--per", metavar="UNIT", help="The unit, as the tariff calls it.")
@click.option("--as-of", metavar="DATE", help="Since when it is known to hold; default: today.")
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path),
    metavar="RATES.toml",
    help="The rates of a file of [[rates]] tables, or that of NAME.",
)
@pass_settings
def set_rate(
    settings: Settings,
    name: str | None,
    usd: str | None,
    per: str | None,
    as_of: str | None,
    source: Path | None,
) -> None:
    """Keep what a unit of the service NAME costs by your contract.

    estimate, compare and plot cost price it with that, and say so; what the service publishes
    stays beside. Sweeps go by what is published.
    The rates are in a file in your data folder, or where LOADMUSTER_RATES says.
    """
    tariffs = settings.engine().tariffs
    if source is not None:
        kept = tariffs.set_rates(source, name)
    elif name is None or usd is None or per is None:
        raise BadInputError(
            "tariff set: a rate is a NAME with --usd and --per, or a --file of them"
        )
    else:
        day = None if as_of is None else day_of(as_of, "--as-of")
        kept = [tariffs.set_rate(name, usd=usd, per=per, as_of=day)]
    settings.emit(
        contract_rates_document(kept, tariffs.file),
        lambda console: console.print(
            "\n".join(
                f"{rate.tariff}: {format_usd(rate.usd_micros_per_unit)} USD a {rate.unit} by"
                f" contract, of {rate.as_of}"
                for rate in kept
            ),
        ),
    )


@click.command("unset", cls=Command)
@click.argument("name")
@pass_settings
def unset_rate(settings: Settings, name: str) -> None:
    """Forget your contract rate of NAME; what is published counts again."""
    tariffs = settings.engine().tariffs
    was_set = tariffs.unset_rate(name)
    settings.emit(
        forgotten_rate_document(name, was_set=was_set),
        lambda console: console.print(
            f"{name}: the contract rate is forgotten"
            if was_set
            else f"{name}: there was no contract rate",
        ),
    )
