# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of the site of the documentation, without MkDocs: that each page is in it, and how pages are adapted."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
SITE = PROJECT / "src" / "build" / "site"
REPOSITORY = "https://example.org/project"
FILE = f"{REPOSITORY}/blob/main"


def load_hooks():
    spec = importlib.util.spec_from_file_location("hooks", SITE / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hooks = load_hooks()


def test_every_page_is_in_the_navigation():
    settings = (SITE / "mkdocs.yml").read_text("utf-8")
    navigation = re.search(r"(?ms)^nav:\n(.*?)^\S", settings)[1]
    listed = re.findall(r"(\S+\.md)$", navigation, re.MULTILINE)
    pages = [path.relative_to(PROJECT).as_posix() for path in (PROJECT / "doc").rglob("*.md")]
    pages += [path.name for path in PROJECT.glob("*.md")] + ["examples/README.md", "api.md"]
    assert sorted(set(pages) - set(listed)) == [], "add them to nav in src/build/site/mkdocs.yml"
    assert sorted(set(listed) - set(pages)) == [], "they are in nav in src/build/site/mkdocs.yml, but do not exist"
    assert len(listed) == len(set(listed))


def test_the_repository_is_that_of_the_pom():
    address = re.search(r"(?m)^repo_url: (\S+)$", (SITE / "mkdocs.yml").read_text("utf-8"))[1]
    assert f"<url>{address}</url>" in (PROJECT / "pom.xml").read_text("utf-8")


@pytest.mark.parametrize(
    ("written", "adapted"),
    [
        # A link to a page stays; what is not in the site is in the repository.
        ("see [x](filter.md#more) and [y](https://a.b/c)", "see [x](filter.md#more) and [y](https://a.b/c)"),
        (
            "see [x](../pom.xml#a), [y](../src)",
            f"see [x]({REPOSITORY}/blob/main/pom.xml#a), [y]({REPOSITORY}/tree/main/src)",
        ),
        ("see [x](nowhere.md) and [y](#here)", "see [x](nowhere.md) and [y](#here)"),
        # A list begins a paragraph of its own, but an item does not.
        ("text\n* one\n* two\n", "text\n\n* one\n* two\n"),
        ("text\n1. one\n   more\n2. two\n", "text\n\n1. one\n   more\n2. two\n"),
        ("* one\n  more\n* two\n", "* one\n  more\n* two\n"),
        ("a - b\n-c\n**d**\n", "a - b\n-c\n**d**\n"),
        # Code is not text.
        ("```java needs-jep\na\n* [x](../pom.xml)\n```\nb\n* c", "```java\na\n* [x](../pom.xml)\n```\nb\n\n* c"),
        ("````\n```text a\n````", "````\n```text a\n````"),
    ],
)
def test_pages_are_adapted(written, adapted):
    assert hooks.adapt(written, "doc", lambda path: path == "doc/filter.md", REPOSITORY) == adapted
