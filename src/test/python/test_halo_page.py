# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The numbers of the table in doc/halo.md are right."""

import importlib
import re
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_PAGE = Path(__file__).parents[3] / "doc" / "halo.md"

_ROW = re.compile(r"^\| `([\w.]+):(\w+)` \| (?:`([^`]*)`)? ?\| (\d+) \| (exact|to a millionth)? ?\|$", re.MULTILINE)

# Of the square that is computed with and without a halo.
_SIZE = 9

_MAX_HALO = 60

# Filters that add up along a line round in another order.
_TOLERANCE = 1e-9
_MILLIONTH = 1e-6


def _rows() -> list[tuple[str, str, str, int, str]]:
    rows = _ROW.findall(_PAGE.read_text(encoding="utf-8"))
    return [(module, name, parameters, int(halo), remark) for module, name, parameters, halo, remark in rows]


def test_all_rows_are_read() -> None:
    table = [line for line in _PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| `[\w.]+:\w", line)]
    assert len(_rows()) == len(table) >= 25


@pytest.mark.parametrize(("module", "name", "parameters", "halo", "remark"), _rows())
def test_halo(module: str, name: str, parameters: str, halo: int, remark: str) -> None:
    function = reduce(getattr, name.split("."), importlib.import_module(module))
    keywords = eval(f"dict({parameters})")
    image = np.random.default_rng(1).random((2 * _MAX_HALO + _SIZE,) * 2)
    expected = _filtered(function, keywords, image, _MAX_HALO)
    scale = np.abs(expected).max()
    tolerance = _MILLIONTH if remark == "to a millionth" else _TOLERANCE
    assert np.abs(_filtered(function, keywords, image, halo) - expected).max() <= tolerance * scale
    if remark == "exact":
        assert np.abs(_filtered(function, keywords, image, halo - 1) - expected).max() > tolerance * scale


def _filtered(function: Callable[..., Any], keywords: dict[str, Any], image: np.ndarray, halo: int) -> np.ndarray:
    """The square in the middle of the image, computed from it and the halo."""
    seen = slice(_MAX_HALO - halo, _MAX_HALO + _SIZE + halo)
    return np.asarray(function(image[seen, seen], **keywords))[halo : halo + _SIZE, halo : halo + _SIZE].astype(float)
