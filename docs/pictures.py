"""Draws the documents' pictures from what the program really prints: ``make pictures``."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from engine.planning.cost_curves import cost_curves
from loadmuster import estimate, read_scenario
from loadmuster.cli.cost_chart import cost_chart
from loadmuster.cli.curves_file import write_picture
from loadmuster.cli.estimate_view import show_estimate
from pricing.catalog import Catalog

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent / "examples" / "checkout.yaml"
AT = date(2026, 11, 21)
WIDTH = 84

# No web font: the picture draws with what the reader's system has.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}"
xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Draw them all."""
    draw_estimate()
    draw_cost()


def draw_cost() -> None:
    """What three minutes would cost with up to 100,000 users."""
    scenario = read_scenario(CHECKOUT, users=50_000, duration_s=180)
    names = ["on-demand", "starter", "tencent-pts", "alibaba-pts", "gatling", "own-aws"]
    curves = cost_curves(scenario, names, at=AT)
    write_picture(cost_chart(scenario, curves), HERE / "images" / "cost.svg")


def draw_estimate() -> None:
    """What `estimate` prints."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False
    )
    show_estimate(console, estimate(read_scenario(CHECKOUT), catalog=Catalog.bundled(), at=AT))
    console.save_svg(
        str(HERE / "images" / "estimate.svg"),
        title="loadmuster estimate examples/checkout.yaml",
        theme=MONOKAI,
        code_format=FORMAT,
        unique_id="loadmuster",
    )


if __name__ == "__main__":
    main()
