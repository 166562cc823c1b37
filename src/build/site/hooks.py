# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Adapts the pages, which are written for GitHub, to MkDocs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # test_site.py does without MkDocs
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PROJECT = Path(__file__).resolve().parents[3]

BRANCH = "main"

_LINK = re.compile(r"(\]\()([^)\s#]+)")
_FENCE = re.compile(r"^( *)(```+)(.*)$")
_ITEM = re.compile(r"([*-]|\d+\.) ")


def on_config(config: MkDocsConfig) -> None:
    """Headings get the anchors that GitHub gives them, and diagrams are drawn."""
    from pymdownx.slugs import slugify
    from pymdownx.superfences import fence_code_format

    config.mdx_configs["toc"] = {"slugify": slugify(case="lower")}
    diagrams = {"name": "mermaid", "class": "mermaid", "format": fence_code_format}
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [diagrams]}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page as MkDocs needs it."""
    folder = posixpath.dirname(page.file.src_uri)
    return adapt(markdown, folder, lambda path: files.get_file_from_path(path) is not None, config.repo_url)


def adapt(markdown: str, folder: str, is_in_site: Callable[[str], bool], repository: str) -> str:
    """The text of a page as MkDocs needs it.

    Args:
        markdown: The text.
        folder: The folder of the page in the project.
        is_in_site: Whether a path in the project is a file of the site, too.
        repository: The address of the project, for links to its other files.
    """
    lines: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        match = _FENCE.match(line)
        if fence:
            fence = "" if match and match[2] == fence and not match[3] else fence
        elif match:
            fence = match[2]
            # What stands behind the language is for DocumentationTest.
            line = f"{match[1]}{fence}{match[3].partition(' ')[0]}"
        else:
            line = _LINK.sub(lambda link: link[1] + _target(link[2], folder, is_in_site, repository), line)
            if _ITEM.match(line) and lines and lines[-1] and not _is_in_list(lines):
                # Only GitHub knows that a list can interrupt a paragraph.
                lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _is_in_list(lines: list[str]) -> bool:
    """Whether the paragraph at the end of the lines began as an item of a list."""
    first = len(lines)
    while first > 0 and lines[first - 1]:
        first -= 1
    return bool(_ITEM.match(lines[first].lstrip()))


def _target(target: str, folder: str, is_in_site: Callable[[str], bool], repository: str) -> str:
    """A link to a file that is not in the site leads to the repository. MkDocs reports one that leads nowhere."""
    path = posixpath.normpath(posixpath.join(folder, target))
    if ":" in target or is_in_site(path) or not (PROJECT / path).exists():
        return target
    return f"{repository}/{'tree' if (PROJECT / path).is_dir() else 'blob'}/{BRANCH}/{path}"
