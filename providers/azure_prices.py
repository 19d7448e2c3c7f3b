"""Azure's Retail Prices API: public, over HTTPS, without credentials, a page at a time.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices says how to
page, but neither how large a page is nor how often one may ask. What is known of the rest:

- it throttles with 429, with ``Retry-After`` or without, and counts down the requests that are left
  in ``x-ms-ratelimit-remaining-retailPrices-requests``;
- in March 2023 it answered a full page without the link to the next one, so that a reader who
  believed it had a part of the list only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx
from msgspec import Struct

from kernel.clock import Clock
from kernel.errors import ProviderFailedError
from providers.errors import ConfigurationRejectedError, ThrottledError, UnknownOutcomeError
from providers.price_lists import UNREACHABLE, asked_again
from providers.throttling import RETRY_AFTER

PUBLIC_ADDRESS = "https://prices.azure.com"
PATH = "/api/retail/prices"
API_VERSION = "2023-01-01-preview"
LEFT_HEADER = "x-ms-ratelimit-remaining-retailPrices-requests"
NONE_LEFT_WAIT_S = 60.0

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 60.0

_ROUND = 100
_TOO_MANY, _SERVER_ERROR, _OK = 429, 500, 200


class ItemsPage(Struct, frozen=True):
    """A page of the list.

    Attributes:
        rows: Its items as JSON has them; numbers with a point are ``Decimal``.
        following: The query of the next page; None: this was the last one.
    """

    rows: Sequence[Mapping[str, Any]]
    following: str | None


class AzurePrices:
    """The list at one address.

    Args:
        clock: On which waits pass.
        address: Where it answers.
    """

    def __init__(self, clock: Clock, address: str = PUBLIC_ADDRESS) -> None:
        self._clock = clock
        self._address = address
        self._client = httpx.Client(
            timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # Another place is on this computer or near it: no proxy leads there.
            trust_env=address == PUBLIC_ADDRESS,
            # Certificates take long to be read.
            verify=address.startswith("https:"),
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def page(self, wanted: str, query: str | None, rows_before: Sequence[int]) -> ItemsPage:
        """One page, asked for again while that may help.

        Args:
            wanted: The ``$filter``.
            query: What the page before called the next one; None: the first page.
            rows_before: How many rows each page before had.

        Raises:
            ThrottledError, UnknownOutcomeError: No page was to be had in a bounded number of tries.
            ConfigurationRejectedError: The API refuses the question.
        """
        asked = query or first_query(wanted)
        document = asked_again(self._clock, lambda: self._ask(asked))
        rows = document["Items"]
        link = document.get("NextPageLink")
        if link:
            # Its host and port are of no interest: the next page is where this one was.
            return ItemsPage(rows, httpx.URL(link).query.decode())
        if _may_go_on(len(rows), rows_before):
            return ItemsPage(rows, _skipping(wanted, sum(rows_before) + len(rows)))
        return ItemsPage(rows, None)

    def _ask(self, query: str) -> dict[str, Any]:
        try:
            response = self._client.get(f"{self._address}{PATH}?{query}")
        except httpx.HTTPError as error:
            raise UnknownOutcomeError(
                f"Azure's price list: no answer: {type(error).__name__}: {error}",
                address=self._address,
                **{UNREACHABLE: isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)},
            ) from error
        if response.status_code != _OK:
            raise _refusal(response)
        try:
            document = json.loads(response.content, parse_float=Decimal)
            whole = isinstance(document["Items"], list) and (
                document.get("Count", len(document["Items"])) == len(document["Items"])
            )
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise UnknownOutcomeError(
                "Azure's price list: an answer that is no page, or a part of one",
                address=self._address,
            )
        if response.headers.get(LEFT_HEADER) == "0":
            self._clock.sleep(NONE_LEFT_WAIT_S)
        page: dict[str, Any] = document
        return page


def first_query(wanted: str) -> str:
    """The query of the first page; US dollars have to be asked for by their own parameter."""
    return str(
        httpx.QueryParams({"api-version": API_VERSION, "currencyCode": "'USD'", "$filter": wanted})
    )


def _skipping(wanted: str, rows: int) -> str:
    return f"{first_query(wanted)}&%24skip={rows}"


def _may_go_on(rows: int, rows_before: Sequence[int]) -> bool:
    """Whether a page without a link may be followed by one: it is as full as a page can be.

    How full that is differs, and is not documented: as full as the fullest before; of a first page,
    a round number.
    """
    if rows == 0:
        return False
    return rows >= max(rows_before) if rows_before else rows % _ROUND == 0


def _refusal(response: httpx.Response) -> ProviderFailedError:
    said = " ".join(response.text.split())[:200]
    text = f"Azure's price list: HTTP {response.status_code}: {said}"
    if response.status_code == _TOO_MANY:
        asked = response.headers.get("Retry-After", "")
        return ThrottledError(text, **{RETRY_AFTER: int(asked) if asked.isdigit() else None})
    if response.status_code >= _SERVER_ERROR:
        return UnknownOutcomeError(text, status=response.status_code)
    return ConfigurationRejectedError(text, status=response.status_code)
