"""The documents of catalogue versions: what a refresh changed, and which versions there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pricing.catalog import Catalog, CatalogUnreadableError
from pricing.money import format_usd

if TYPE_CHECKING:
    from pathlib import Path

    from engine.catalogs.refresh import Refreshed
    from pricing.refreshing.changes import RegionChanges, Repriced


def refreshed_document(done: Refreshed) -> dict[str, Any]:
    """What a refresh did, as ``catalog refresh`` prints it."""
    changes = done.changes
    largest = _largest(done)
    return {
        "version": done.version,
        "before": done.before,
        "provider": done.provider,
        "as_of": done.day.isoformat(),
        "published": done.published or None,
        "counts": {
            "regions": len(changes),
            "prices": sum(each.prices for each in changes),
            "new": sum(len(each.new) for each in changes),
            "gone": sum(len(each.gone) for each in changes),
            "repriced": sum(len(each.repriced) for each in changes),
            "spot": sum(each.spot for each in changes),
            "left_out": sum(each.left_out.total() for each in changes),
        },
        "largest_change": None
        if largest is None
        else {"region": largest[0], **_repriced(largest[1])},
        "left_out": _reasons(sum((each.left_out for each in changes), Counter())),
        "unknown": sorted({name for each in changes for name in each.unknown}),
        "regions": [_region(each) for each in changes],
        "kept": [{"region": region, "reason": reason} for region, reason in done.kept.items()],
    }


def versions_document(folder: Path, versions: Sequence[Catalog], in_use: str) -> dict[str, Any]:
    """The versions in a folder, as ``catalog versions`` prints them.

    Args:
        folder: Where they are kept.
        versions: The oldest first.
        in_use: The name of one of them.
    """
    return {
        "folder": str(folder),
        "versions": [version_document(each, in_use) for each in versions],
    }


def version_document(version: Catalog, in_use: str) -> dict[str, Any]:
    """One version: how many regions of it were refreshed, and what is wrong with it."""
    try:
        regions = dict(Counter(provider for provider, _ in version.refreshed()))
        problem = None
    except CatalogUnreadableError as error:
        regions, problem = {}, error.line
    return {
        "version": version.name,
        "in_use": version.name == in_use,
        "regions": regions,
        "problem": problem,
    }


def _region(each: RegionChanges) -> dict[str, Any]:
    return {
        "region": each.region,
        "prices": each.prices,
        "new": list(each.new),
        "gone": list(each.gone),
        "repriced": [_repriced(one) for one in each.repriced],
        "left_out": _reasons(each.left_out),
        "around": list(each.around),
        "spot": each.spot,
    }


def _repriced(one: Repriced) -> dict[str, Any]:
    return {
        "instance_type": one.name,
        "usd_per_hour_before": format_usd(one.before_usd_micros),
        "usd_per_hour": format_usd(one.after_usd_micros),
        "change_percent": round(one.change_percent, 2),
    }


def _reasons(left_out: Counter[Any]) -> dict[str, int]:
    return {reason.name.lower(): count for reason, count in left_out.most_common() if count}


def _largest(done: Refreshed) -> tuple[str, Repriced] | None:
    """The largest change of a price, up or down, and where."""
    firsts = [(each.region, each.repriced[0]) for each in done.changes if each.repriced]
    return max(firsts, key=lambda each: abs(each[1].change_percent), default=None)
