# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What the pages in doc/tasks show of Python files is in these files, which the programs of the pages run."""

import re
from pathlib import Path

_DOC = Path(__file__).parents[3] / "doc"

_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_pages_show_parts_of_files() -> None:
    files = [path.read_text(encoding="utf-8") for path in (_DOC / "code").glob("*.py")]
    pages = [path.read_text(encoding="utf-8") for path in (_DOC / "tasks").glob("*.md")]
    blocks = [block for page in pages for block in _BLOCK.findall(page)]
    assert blocks
    for block in blocks:
        assert any(block in text for text in files), block
