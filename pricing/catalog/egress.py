"""Egress by tiers: the more an account sends in a month, the less a gigabyte costs.

The one place that computes what sending costs; estimates and bills both come here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

from msgspec import Struct

from pricing.catalog.model import Price
from pricing.money import BYTES_PER_GB


class EgressTier(Struct, frozen=True):
    """The price of a gigabyte from so many gigabytes a month on; the free ones count."""

    from_gb: int
    price: Price


def egress_cost(
    tiers: Sequence[EgressTier],
    paid_bytes: int,
    usd_micros: Callable[[Price], int],
    *,
    free_gb: int,
) -> int:
    """What bytes cost beyond the free ones, in micro-dollars for ``BYTES_PER_GB`` bytes: exact.

    Never less for more bytes. The account is taken to have sent nothing else that is charged: what
    it sends besides only makes them cheaper.

    Args:
        tiers: Of one region, by ``from_gb``; the first begins where the free ones end.
        paid_bytes: What is sent.
        usd_micros: Which figure of a price counts.
        free_gb: Gigabytes that the cloud gives away first, in a month.
    """
    total, begin = 0, free_gb * BYTES_PER_GB
    end = begin + paid_bytes
    for tier, following in zip_longest(tiers, tiers[1:]):
        until = end if following is None else min(end, following.from_gb * BYTES_PER_GB)
        if until > begin:
            total += (until - begin) * usd_micros(tier.price)
            begin = until
    return total
