"""What load-testing services cost: by their published rules, and by a customer's own contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.arguments import checked
from engine.commands.context import EngineContext

if TYPE_CHECKING:
    from pricing.tariffs import ContractRate, Tariff


@checked
class TariffCommands:
    """Tariffs, and the contract rates that are kept beside them in a file of the user's."""

    def __init__(self, context: EngineContext) -> None:
        self._context = context

    @property
    def file(self) -> Path:
        """The file of contract rates: ``LOADMUSTER_RATES``, or one in the user's data folder."""
        from pricing.tariffs import rates_file

        return rates_file(self._context.environment)

    def list(self) -> Sequence[Tariff]:
        """Every tariff in the version in force, at the contract rate where there is one."""
        from pricing.tariffs import rated_tariff, tariff_names

        today = self._context.clock.now().date()
        rates = self.rates()
        return [rated_tariff(name, today, rates) for name in tariff_names()]

    def rates(self) -> Mapping[str, ContractRate]:
        """The contract rates, by tariff; ``compare(scenario, rates=...)`` takes them.

        Raises:
            DataFileError: The file is damaged, with the place and what would be right.
        """
        from pricing.tariffs import read_rates

        return read_rates(self.file)

    def set_rate(self, name: str, *, usd: str, per: str, as_of: date | None = None) -> ContractRate:
        """Keep what a unit of a service costs by contract; another rate of it goes.

        Args:
            name: The tariff's.
            usd: Decimal dollars of a unit: ``"0.12"``.
            per: The unit, as the tariff calls it: ``"VUH"``.
            as_of: The day since when it is known to hold; None: today.

        Raises:
            UnknownTariffError: There is no such tariff.
            BadRateError: Negative, no amount, beyond reason, for another unit, or of a day to come.
        """
        from pricing.tariffs import check_known_by, contract_rate, write_rates

        today = self._context.clock.now().date()
        day = today if as_of is None else as_of
        rate = contract_rate(name, usd, per, day)
        check_known_by(today, rate)
        write_rates(self.file, {**self.rates(), name: rate})
        return rate

    def set_rates(self, file: Path, name: str | None = None) -> Sequence[ContractRate]:
        """Keep the contract rates of a file of the same form, or one of them.

        Args:
            file: Tables ``[[rates]]`` with ``tariff``, ``usd_per_unit``, ``per`` and ``as_of``.
            name: Only this tariff's; None: all of them.

        Raises:
            DataFileError, BadRateError, UnknownTariffError: What is wrong in the file, and where.
        """
        from pricing.strict_toml import DataFileError
        from pricing.tariffs import check_known_by, read_rates, write_rates

        if not file.exists():
            raise DataFileError(f"{file}: there is no such file", file=str(file))
        found = read_rates(file)
        wanted = [rate for rate in found.values() if name in {None, rate.tariff}]
        if not wanted:
            missing = "no [[rates]]" if name is None else f"no [[rates]] of {name}"
            raise DataFileError(f"{file}: there are {missing} in it", file=str(file))
        for rate in wanted:
            check_known_by(self._context.clock.now().date(), rate)
        write_rates(self.file, {**self.rates(), **{rate.tariff: rate for rate in wanted}})
        return wanted

    def unset_rate(self, name: str) -> bool:
        """Forget a contract rate; the published price counts again.

        Returns:
            Whether there was one.

        Raises:
            UnknownTariffError: There is no such tariff.
        """
        from pricing.tariffs import load_tariff, write_rates

        load_tariff(name)
        rates = dict(self.rates())
        if rates.pop(name, None) is None:
            return False
        write_rates(self.file, rates)
        return True
