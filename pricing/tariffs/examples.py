"""The vendors' own published arithmetic, read from the tariff files, and held against ours.

[[versions.examples]]
source = "https://..."
says = "100 VUs for 10 minutes use 16.67 VUH"
users = 100
duration_s = 600
quantity = "16.67"
"""

# Annotations are values here: msgspec would compile each anew from its text at every start.

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from pricing.money import BYTES_PER_GB, format_cents
from pricing.strict_toml import (
    DecimalText,
    Money,
    Positive,
    Text,
    optional_usd_micros,
    wrong_field,
)
from pricing.tariffs.interpreter import price
from pricing.tariffs.model import PROTOCOLS, Example, LoadSize, Tariff, UsageError


class ExampleTable(Struct, frozen=True, forbid_unknown_fields=True):
    """An example, as a tariff file has it."""

    source: Text
    says: Text
    duration_s: Positive
    quantity: DecimalText
    users: Positive | None = None
    injectors: Positive | None = None
    protocol: Text = PROTOCOLS[0]
    machine_usd_per_hour: Money | None = None
    sent_gb: DecimalText | None = None
    usd: Money | None = None

    def example(self, where: str) -> Example:
        """The example.

        Args:
            where: File and table, for errors.

        Raises:
            DataFileError: The test is impossible.
        """
        machine_usd_micros = optional_usd_micros(self.machine_usd_per_hour)
        sent_gb = None if self.sent_gb is None else Decimal(self.sent_gb)
        try:
            usage = LoadSize(
                injectors=self.injectors,
                users=self.users,
                duration_s=self.duration_s,
                protocol=self.protocol,
                machines_usd_micros=(
                    None
                    if machine_usd_micros is None
                    else machine_usd_micros * (self.injectors or 1)
                ),
                sent_bytes=None if sent_gb is None else int(sent_gb * BYTES_PER_GB),
            )
        except UsageError as error:
            raise wrong_field(
                where, "users", f"or another field is impossible: {error.message}"
            ) from error
        return Example(
            source=self.source,
            says=self.says,
            usage=usage,
            quantity=Decimal(self.quantity),
            usd_micros=optional_usd_micros(self.usd),
        )


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


def _to_decimals_of(printed: Decimal, number: int | Decimal) -> Decimal:
    exponent = printed.as_tuple().exponent
    assert isinstance(exponent, int), "a finite number"
    return Decimal(number).quantize(Decimal(1).scaleb(exponent), ROUND_HALF_UP)
