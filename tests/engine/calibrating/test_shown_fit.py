"""What is said of a fit is true of the table above it."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from engine.calibrating.calibration import Calibration
from engine.readers import read_scenario
from loadmuster.cli.calibrate_view import show_calibration
from tests.engine.calibrating.injectors import PaperInjector, failing

CHECKOUT = read_scenario(str(Path(__file__).parents[3] / "examples" / "checkout.yaml"))
AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
FIT = re.compile(r"of (\d+) steps? that the line is drawn through, none is .* than (\S+) %")
ROW = re.compile(r"^ +[\d,]+ +([\d.]+) +([\d.]+) +(-|[+-][\d.]+ %) +[\d.,]+ +\d+ *$", re.MULTILINE)
HALF_A_DIGIT = 0.005
HALF_OF_OFF = 0.05


def shown(calibration: Calibration) -> str:
    console = Console(file=io.StringIO(), width=120)
    show_calibration(console, CHECKOUT, calibration, None, None)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(
    st.builds(
        PaperInjector,
        idle_us=st.floats(0, 200_000),
        user_us=st.floats(20, 50_000),
        noise=st.lists(st.floats(0.7, 1.4), min_size=1, max_size=8),
        target_requests_per_s=st.floats(50, 1e6),
    ),
    st.sampled_from([0.0, 0.2]),
)
# Ten users take 2.4 % of a core, and the line through the heavier steps says 0.8 %.
@example(PaperInjector(idle_us=4_000, user_us=400, noise=(3.0, 1.0, 1.2, 1.0)), 0.0)
def test_the_fit_says_what_its_table_says(injector: PaperInjector, failed: float) -> None:
    steps = injector.climb()
    if failed:
        steps.append(failing(injector.step(steps[-1].users + 10), failed))
    text = shown(Calibration("checkout", AT, "locust 2.47.0", "a processor", tuple(steps)))
    made = Calibration("checkout", AT, "locust 2.47.0", "a processor", tuple(steps))
    if not made.has_known_fit or made.too_little is not None:
        assert "R²" not in text
        assert "further off" not in text
        return
    told = FIT.search(" ".join(text.split()))
    rows = ROW.findall(text)
    assert told is not None
    assert len(rows) == len(steps)
    counted = [(float(of), float(line), off) for of, line, off in rows if off != "-"]
    assert int(told[1]) == len(counted)
    assert float(told[2]) == max(abs(float(off.rstrip(" %"))) for _, _, off in counted)
    for of, line, off in counted:
        lowest = 100 * ((of - HALF_A_DIGIT) / (line + HALF_A_DIGIT) - 1) - HALF_OF_OFF
        highest = 100 * ((of + HALF_A_DIGIT) / max(1e-9, line - HALF_A_DIGIT) - 1) + HALF_OF_OFF
        assert lowest <= float(off.rstrip(" %")) <= highest
    if len(counted) < len(rows):
        assert "the line is drawn through the steps that say how far they are off" in text
