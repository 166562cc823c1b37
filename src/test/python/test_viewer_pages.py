# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What doc/pyimagej.md and doc/caches-and-viewers.md show of the examples is in these examples, which are run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def blocks(page: str, kind: str) -> list[str]:
    text = (ROOT / "doc" / page).read_text("utf-8")
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", text)


def test_the_program_on_the_page_is_the_one_that_runs() -> None:
    program = (ROOT / "examples" / "pyimagej" / "lazy_image.py").read_text("utf-8")
    (shown,) = blocks("pyimagej.md", "python")
    assert program.partition("\n\n")[2] == shown


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("groovy needs-bigdataviewer", "bigdataviewer/show_in_bigdataviewer.groovy"),
        ("java needs-imagej", "imagej1/src/main/java/net/imglib2/cache/python/examples/LazyPlanes.java"),
        ("java needs-imagej-example", "imagej1/src/main/java/net/imglib2/cache/python/examples/VesselScales.java"),
    ],
)
def test_parts_of_examples_are_as_in_the_examples(kind: str, file: str) -> None:
    example = [line.strip() for line in (ROOT / "examples" / file).read_text("utf-8").splitlines()]
    shown = blocks("caches-and-viewers.md", kind)
    assert shown
    for block in shown:
        lines = [line.strip() for line in block.splitlines()]
        assert any(example[i : i + len(lines)] == lines for i in range(len(example))), block
