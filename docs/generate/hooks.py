"""What MkDocs calls while it builds the site: adds the pages that are written from the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from docs.generate.capacity import capacity_page
from docs.generate.commands import commands_page
from docs.generate.comparison import comparison_page
from docs.generate.error_codes import errors_page
from docs.generate.price_sources import price_sources_page
from docs.generate.project_files import project_page
from docs.generate.python_api import face_page, modules_page
from docs.generate.schemas import documents_page, scenario_page

ROOT = Path(__file__).resolve().parents[2]

PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands_page,
    "errors.md": lambda: errors_page(ROOT),
    "scenario.md": lambda: scenario_page(ROOT),
    "documents.md": documents_page,
    "price-sources.md": price_sources_page,
    "capacity.md": capacity_page,
    "comparison.md": lambda: comparison_page(ROOT),
    "python.md": lambda: face_page(ROOT),
    "python-modules.md": modules_page,
    "contributing.md": lambda: project_page(ROOT, "CONTRIBUTING.md"),
    "changelog.md": lambda: project_page(ROOT, "CHANGELOG.md"),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add each generated page beside those that are written by hand."""
    for name, write in PAGES.items():
        files.append(File.generated(config, name, content=write()))
    return files
