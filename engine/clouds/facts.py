"""What there is to know about a cloud before anything is asked of it."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

from msgspec import Struct

from kernel.extras import check_installed
from pricing.catalog.clouds import CloudPrices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from providers.rehearsal.program import RehearsedCloud


class StartUp(Struct, frozen=True):
    """Seconds from the first that is billed until the load engine is ready."""

    low_s: int
    expected_s: int
    high_s: int


class InternetRule(Struct, frozen=True):
    """How the published bandwidth of a machine type limits its traffic with the internet.

    Attributes:
        sustained: The baseline counts; else the burst figure, where the cloud publishes one only.
        limits_receiving: What is received is limited too, and not only what is sent.
        mbps_max: Megabits a second to the internet at most, whatever the type; None: no such limit.
        half_from_vcpus: From so many virtual processors on half of the type's own is allowed, if
            that is more than ``mbps_max``; None: of no type.
    """

    sustained: bool
    limits_receiving: bool
    mbps_max: int | None = None
    half_from_vcpus: int | None = None


class CloudFacts(Struct, frozen=True):
    """One cloud: a row of ``engine.clouds.CLOUDS``.

    What needs its SDK is named as ``module:attribute``, for ``pkgutil.resolve_name``, and imported
    when it is first used: so the table costs nothing to read, and stands below all that it names.

    Attributes:
        prices: How it bills.
        start_up: How long its machines take to start.
        internet: How its machines' bandwidth is limited.
        one_image_a_launch: Its create call names one image, which boots on one architecture alone.
        has_spot: Runs may ask for machines that may be taken away.
        sdk: Module of the SDK by which runs reach it; the extra of the cloud's name brings it.
        price_list_needs: Module that reads its price list; the extra ``catalog`` brings it.
        settings: Reads what the user says about it: environment in, settings out.
        runs: Opens it for runs: a clock and these settings in, a ``UserCloud`` out.
        rehearsal: Its ``RehearsedCloud``.
        shares_rehearsal: Runs may be told to share a rehearsal that somebody else began.
        price_list: Its ``PriceSource``: a clock, whether spot prices are wanted, and the
            environment in, which may say where the list answers instead.
    """

    prices: CloudPrices
    start_up: StartUp
    internet: InternetRule
    one_image_a_launch: bool
    has_spot: bool
    sdk: str
    price_list_needs: str
    settings: str
    runs: str
    rehearsal: str
    shares_rehearsal: bool
    price_list: str

    @property
    def name(self) -> str:
        """As in scenarios, options and documents."""
        return self.prices.name

    @property
    def title(self) -> str:
        """For people."""
        return self.prices.title

    @property
    def own_tariff(self) -> str:
        """What comparisons call machines that the user rents there."""
        return f"own-{self.name}"

    def check_sdk(self) -> None:
        """Look for the SDK, without importing it.

        Raises:
            BadInputError: The message says what to install.
        """
        check_installed(f"the SDK of {self.title}", self.sdk, self.name)

    def settings_in(self, environment: Mapping[str, str]) -> object:
        """What the user says about it; of the cloud's own type.

        Raises:
            BadInputError: A value is not of its kind; the message names the variable.
        """
        read: Callable[[Mapping[str, str]], object] = pkgutil.resolve_name(self.settings)
        return read(environment)

    def rehearsed(self) -> RehearsedCloud:
        """How it is rehearsed."""
        rehearsed: RehearsedCloud = pkgutil.resolve_name(self.rehearsal)
        return rehearsed

    def check_price_list(self) -> None:
        """Look for what reads its price list, without importing it.

        Raises:
            BadInputError: The message says what to install.
        """
        what = f"{self.price_list_needs}, which reads the prices of {self.title},"
        check_installed(what, self.price_list_needs, "catalog")
