"""Pages that are files of the project's root, with their links turned towards the site."""

from __future__ import annotations

import re
from pathlib import Path

_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s]+)\)")


def project_page(root: Path, name: str) -> str:
    """The file as a page: links into ``docs/`` lead to pages, others show the file's name."""
    return _LINK.sub(_turned, (root / name).read_text(encoding="utf-8"))


def _turned(link: re.Match[str]) -> str:
    target = link[1]
    pages = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
    if target.startswith("docs/"):
        return f"]({target.removeprefix('docs/')})"
    return f"]({pages.get(target, target)})"
