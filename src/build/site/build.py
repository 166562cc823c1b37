# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Makes the site of the documentation, and checks that all pages are reachable and all links lead somewhere.

python build.py FOLDER

FOLDER is that of Maven's output. It has the Javadoc, and gets the site in its folder ``site``.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path

# Before the theme is loaded: it advertises.
os.environ["NO_MKDOCS_2_WARNING"] = "1"

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]

# Pages beside those in the folder of the documentation.
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "examples/README.md")
DOCUMENTATION = "doc"

API = """\
# Javadoc

The [Javadoc of all public classes](javadoc/index.html). Begin with `PythonImg` and `PythonImgBuilder`.
"""


def main() -> int:
    """Runs the command line; returns the exit code."""
    output = Path(sys.argv[1]).absolute()
    javadoc = output / "reports" / "apidocs"
    if not (javadoc / "index.html").is_file():
        print(f"There is no Javadoc in {javadoc}: run mvn javadoc:javadoc before", file=sys.stderr)
        return 1
    pages, site = output / "site-pages", output / "site"
    collect(pages, javadoc)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    config = load_config(str(HERE / "mkdocs.yml"), docs_dir=str(pages), site_dir=str(site), strict=True)
    try:
        build(config)
    except Abort as abort:
        print(f"The site cannot be made: {abort}", file=sys.stderr)
        return 1
    print(f"The site is in {site}: open {site / 'index.html'}")
    return 0


def collect(pages: Path, javadoc: Path) -> None:
    """Copies what becomes the site into a folder, at the same relative paths, so that links stay what they are."""
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(PROJECT / DOCUMENTATION, pages / DOCUMENTATION, ignore=shutil.ignore_patterns("__pycache__"))
    for page in PAGES:
        (pages / page).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / page, pages / page)
    (pages / "api.md").write_text(API, encoding="utf-8")
    shutil.copytree(javadoc, pages / "javadoc")


if __name__ == "__main__":
    sys.exit(main())
