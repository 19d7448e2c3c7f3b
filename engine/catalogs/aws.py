"""AWS's Price List and EC2 as a source of fresh prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

from engine.catalogs.price_source import FetchedPage, Query
from kernel.clock import Clock
from pricing.catalog import MachineType, Source
from pricing.catalog.clouds import AWS
from pricing.refreshing.aws_products import (
    EC2,
    Product,
    around_filters,
    machine_filters,
    open_product,
    read_around,
    read_machine,
    read_spot,
)
from pricing.refreshing.aws_types import read_type
from pricing.refreshing.price_list_rows import (
    BOOT_DISK,
    EGRESS,
    MACHINE,
    NAT_HOUR,
    PUBLIC_IPV4,
    SPOT,
    ListedPrice,
    PriceListPage,
    Reading,
    RowRefusal,
)
from providers.aws.clients import AwsClients
from providers.aws.prices import AwsPrices
from providers.environment import aws_price_address

Row = TypeVar("Row")

AROUND = (BOOT_DISK, PUBLIC_IPV4, EGRESS, NAT_HOUR)


class AwsSource:
    """AWS's figures.

    Args:
        clock: The time, and on which waits pass.
        spot: Whether spot prices are wanted too.
        endpoint_url: Another place that answers as AWS does.
    """

    provider = AWS.name

    def __init__(self, clock: Clock, *, spot: bool, endpoint_url: str | None = None) -> None:
        self._prices = AwsPrices(clock, AwsClients(clock, endpoint_url=endpoint_url))
        self._at: datetime = clock.now()
        self.items = (MACHINE, *AROUND, *([SPOT] if spot else []))

    def fetch(self, query: Query, following: str | None, rows_before: Sequence[int]) -> FetchedPage:
        """A page of products, or of spot prices."""
        del rows_before
        if query.item == SPOT:
            page = self._prices.spot_prices(query.region, self._at, following)
            return FetchedPage(_found(page.rows, read_spot), len(page.rows), page.following)
        if query.item == EGRESS and not query.location:
            return FetchedPage(PriceListPage(()), 0, None)
        if query.item == MACHINE:
            service, filters = EC2, machine_filters(query.region)
        else:
            service, filters = around_filters(query.item, query.region, query.location)
        page = self._prices.products(service, filters, following)
        found = _found(page.rows, lambda text: self._read(text, query))
        opened = [product for text in page.rows if (product := open_product(text)) is not None]
        said = PriceListPage(
            found.prices,
            found.left_out,
            published=max((product.published for product in opened), default=""),
            location=_location(opened, query.region),
        )
        return FetchedPage(said, len(page.rows), page.following)

    def machine_types(
        self, names: Sequence[str], regions: Sequence[str]
    ) -> Mapping[str, MachineType]:
        """What EC2 says of them, in the regions one after the other until each is known."""
        found: dict[str, MachineType] = {}
        for region in regions:
            wanted = [name for name in names if name not in found]
            if not wanted:
                break
            for entry in self._prices.machine_types(region, wanted):
                machine = read_type(entry)
                if machine is not None and machine.name in wanted:
                    found[machine.name] = machine
        return found

    def close(self) -> None:
        """Close its connections."""
        self._prices.close()

    def sources(self, day: date, published: str) -> Mapping[str, Source]:
        """The Price List, and two calls of EC2."""
        keys = AWS.sources
        assert keys.types is not None, "EC2 tells the sizes of its machine types"
        licence = "a published price"
        return {
            keys.prices: Source(
                "AWS Price List: GetProducts",
                "https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html",
                f"asked on {day}, published {published or 'on an unknown day'}",
                licence,
            ),
            keys.types: Source(
                "EC2 machine types: DescribeInstanceTypes",
                "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html",
                f"asked on {day}",
                "a published fact",
            ),
            keys.spot: Source(
                "EC2 spot prices: DescribeSpotPriceHistory",
                "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html",
                f"asked on {day}",
                licence,
            ),
        }

    def _read(self, text: str, query: Query) -> Reading:
        product = open_product(text)
        if product is None:
            return RowRefusal.MALFORMED
        if query.item == MACHINE:
            return read_machine(product, query.region, self._at)
        return read_around(product, query.item, query.region, query.location, self._at)


def aws_price_list(clock: Clock, *, spot: bool, environment: Mapping[str, str]) -> AwsSource:
    """The list, where AWS has it or the environment says.

    Raises:
        BadInputError: The environment names no address.
    """
    return AwsSource(clock, spot=spot, endpoint_url=aws_price_address(environment))


def _location(products: Iterable[Product], region: str) -> str:
    for product in products:
        if product.attributes.get("regionCode") == region:
            return product.attributes.get("location", "")
    return ""


def _found(rows: Iterable[Row], read: Callable[[Row], Reading]) -> PriceListPage:
    prices: list[ListedPrice] = []
    left_out: Counter[RowRefusal] = Counter()
    for row in rows:
        reading = read(row)
        if isinstance(reading, RowRefusal):
            left_out[reading] += 1
        else:
            prices.extend(reading)
    return PriceListPage(tuple(prices), left_out)
