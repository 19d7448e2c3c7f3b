"""What a run that goes on has cost by now."""

from __future__ import annotations

from engine.load.driver import LoadProgress
from engine.runs.model.states import Run
from pricing.plans.quotes import kept_use_after_cancel


def charged_so_far(run: Run, progress: LoadProgress | None) -> int | None:
    """What would stay charged if the run were cancelled now, in the unit of its quote.

    Args:
        run: One that has not ended; of one that has, the bill says it.
        progress: Of its load.

    Returns:
        0 before anything was charged; None: how far the load is, is not known.
    """
    quote = run.order.quote
    if run.intent_at is None:
        return 0
    if progress is None:
        return None
    played_s = min(progress.elapsed_s, float(quote.duration_s))
    return quote.startup + kept_use_after_cancel(quote, played_s)
