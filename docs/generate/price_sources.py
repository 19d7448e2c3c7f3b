"""The sources of the bundled catalogue's figures, from the file that its rows refer to."""

from __future__ import annotations

from docs.generate.markdown import code, table
from pricing.catalog import Catalog, Source

HEAD = """# Sources of the catalogue

Each row of the bundled prices and machine sizes names one of these. What was checked, and what is
missing, is in [Data sources](DATA-SOURCES.md).

"""


def price_sources_page() -> str:
    """A row a source: its key, what it is and where, of when, and under which licence."""
    rows = (_row(key, source) for key, source in sorted(Catalog.bundled().sources().items()))
    return HEAD + table(("key", "what", "as of", "licence"), rows) + "\n"


def _row(key: str, source: Source) -> tuple[str, str, str, str]:
    what = f"[{source.title}]({source.address})" if source.address else source.title
    return code(key), what, source.version, source.licence
