"""AWS's Price List, and what EC2 says of its machine types and their spot prices, page by page.

The list is answered in three regions for all of them. It costs nothing; credentials are needed, and
the permissions ``pricing:GetProducts``, ``ec2:DescribeInstanceTypes`` for types that are new, and
``ec2:DescribeSpotPriceHistory`` for spot prices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from msgspec import Struct

from kernel.clock import Clock
from providers.aws.clients import AwsClients
from providers.errors import ConfigurationRejectedError, UnknownOutcomeError
from providers.price_lists import StalePlaceError, asked_again

T = TypeVar("T")

PRICE_LIST_REGION = "us-east-1"
ROWS_A_PAGE = 100
NAMES_A_CALL = 100
TYPE_PAGES_MAX = 50
LINUX = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")

_STALE_CODES = frozenset({"ExpiredNextTokenException", "InvalidNextTokenException"})


class RowsPage(Struct, frozen=True):
    """A page of an answer: its rows, and the token of the next one; None: it was the last."""

    rows: Sequence[Any]
    following: str | None


class AwsPrices:
    """AWS's own figures.

    Args:
        clock: On which waits pass.
        clients: How AWS is called.
    """

    def __init__(self, clock: Clock, clients: AwsClients) -> None:
        self._clock = clock
        self._clients = clients

    def close(self) -> None:
        """Close its connections."""
        self._clients.close()

    def products(self, service: str, filters: Mapping[str, str], token: str | None) -> RowsPage:
        """A page of the price list: one JSON text a product.

        Raises:
            StalePlaceError: The token has expired.
            ConfigurationRejectedError: Credentials, permissions, or a question that is none.
            ThrottledError, UnknownOutcomeError: No page was to be had in a bounded number of tries.
        """
        asked = {
            "ServiceCode": service,
            "FormatVersion": "aws_v1",
            "MaxResults": ROWS_A_PAGE,
            "Filters": [
                {"Type": "TERM_MATCH", "Field": field, "Value": value}
                for field, value in filters.items()
            ],
            **({} if token is None else {"NextToken": token}),
        }
        pricing = self._clients.client("pricing", PRICE_LIST_REGION)
        answer = self._ask(
            "GetProducts",
            PRICE_LIST_REGION,
            "PriceList",
            lambda: dict(pricing.get_products(**asked)),
        )
        return RowsPage(answer["PriceList"], answer.get("NextToken") or None)

    def spot_prices(self, region: str, at: datetime, token: str | None) -> RowsPage:
        """A page of the spot prices that are in force in a region, by type and zone.

        Raises:
            As ``products``.
        """
        asked = {
            "StartTime": at,
            "ProductDescriptions": list(LINUX),
            **({} if token is None else {"NextToken": token}),
        }
        ec2 = self._clients.client("ec2", region)
        answer = self._ask(
            "DescribeSpotPriceHistory",
            region,
            "SpotPriceHistory",
            lambda: dict(ec2.describe_spot_price_history(**asked)),
        )
        return RowsPage(answer["SpotPriceHistory"], answer.get("NextToken") or None)

    def machine_types(self, region: str, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """What EC2 says of those of the machine types that the region has.

        Raises:
            As ``products``.
        """
        ec2 = self._clients.client("ec2", region)
        for start in range(0, len(names), NAMES_A_CALL):
            some = list(names[start : start + NAMES_A_CALL])
            # A filter, since a name that the region does not know would fail the whole call.
            asked: dict[str, Any] = {"Filters": [{"Name": "instance-type", "Values": some}]}
            for _ in range(TYPE_PAGES_MAX):
                answer = self._ask(
                    "DescribeInstanceTypes", region, "InstanceTypes", _described(ec2, dict(asked))
                )
                yield from answer["InstanceTypes"]
                if not answer.get("NextToken"):
                    break
                asked["NextToken"] = answer["NextToken"]

    def _ask(
        self, operation: str, region: str, rows: str, request: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """The answer, which has rows under a name: botocore takes half a page for an empty one."""

        def once() -> dict[str, Any]:
            answer = self._clients.call(operation, region, request)
            if rows not in answer:
                raise UnknownOutcomeError(
                    f"AWS {region}: {operation}: an answer that is no page, or a part of one",
                    operation=operation,
                    region=region,
                )
            return answer

        try:
            return asked_again(self._clock, once)
        except ConfigurationRejectedError as error:
            if error.facts.get("aws_code") in _STALE_CODES:
                raise StalePlaceError(error.message, **error.facts) from error
            raise


def _described(ec2: Any, asked: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:  # noqa: ANN401 - boto3's client
    return lambda: dict(ec2.describe_instance_types(**asked))
