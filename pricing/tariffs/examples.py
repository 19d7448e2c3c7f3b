"""The vendors' own published arithmetic, read from the tariff files, and held against ours.

[[versions.examples]]
source = "https://..."
says = "100 VUs for 10 minutes use 16.67 VUH"
users = 100
duration_s = 600
quantity = "16.67"
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from pricing.money import BYTES_PER_GB, format_cents
from pricing.strict_toml import Table
from pricing.tariffs.interpreter import price
from pricing.tariffs.model import PROTOCOLS, Example, LoadSize, Tariff, UsageError


def read_examples(version: Table) -> tuple[Example, ...]:
    """The examples of one version, in the file's order.

    Raises:
        DataFileError: File, field, and what would be right.
    """
    return tuple(_read_example(table) for table in version.optional_tables("examples"))


def differences(tariff: Tariff) -> Iterator[str]:
    """Where the interpreter says something else than the vendor: one sentence each.

    A quantity is compared to as many decimals as the page prints, money in cents.
    """
    for example in tariff.examples:
        charge = price(tariff, example.usage)
        ours = _to_decimals_of(example.quantity, charge.quantity)
        if ours != example.quantity:
            yield f"{example.says}: {ours} {tariff.unit}, not {example.quantity}"
        if example.usd_micros is not None and charge.usd_micros != example.usd_micros:
            money = "no price" if charge.usd_micros is None else format_cents(charge.usd_micros)
            yield f"{example.says}: {money}, not {format_cents(example.usd_micros)} USD"


def _read_example(table: Table) -> Example:
    injectors = table.optional_integer("injectors", minimum=1)
    machine_usd_micros = table.optional_money_usd_micros("machine_usd_per_hour")
    sent_gb = table.optional_decimal("sent_gb")
    protocol = table.optional_text("protocol") or PROTOCOLS[0]
    try:
        usage = LoadSize(
            injectors=injectors,
            users=table.optional_integer("users", minimum=1),
            duration_s=table.integer("duration_s", minimum=1),
            protocol=protocol,
            machines_usd_micros=(
                None if machine_usd_micros is None else machine_usd_micros * (injectors or 1)
            ),
            sent_bytes=None if sent_gb is None else int(sent_gb * BYTES_PER_GB),
        )
    except UsageError as error:
        raise table.wrong("users", f"or another field is impossible: {error.message}") from error
    example = Example(
        source=table.text("source"),
        says=table.text("says"),
        usage=usage,
        quantity=table.decimal("quantity"),
        usd_micros=table.optional_money_usd_micros("usd"),
    )
    table.finish()
    return example


def _to_decimals_of(printed: Decimal, number: int | Decimal) -> Decimal:
    exponent = printed.as_tuple().exponent
    assert isinstance(exponent, int), "a finite number"
    return Decimal(number).quantize(Decimal(1).scaleb(exponent), ROUND_HALF_UP)
