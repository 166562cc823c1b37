# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The program on the page doc/plain-python.md runs, and prints what the page says."""

from __future__ import annotations

import io
import linecache
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from test_replay import replay

ROOT = Path(__file__).parents[3]

PAGE = (ROOT / "doc" / "plain-python.md").read_text("utf-8")

FENCE = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")


def is_as_said(said: str, printed: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, said.strip().split("…"))), printed.strip(), re.DOTALL) is not None


def test_the_program_prints_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("PIL", "scipy", "dask", "skimage"):
        pytest.importorskip(package)
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {"__name__": "page"}
    printed = ""
    for number, (kind, text) in enumerate(FENCE.findall(PAGE)):
        if kind == "python":
            name = f"{tmp_path}/cell_{number}.py"
            # As notebooks do.
            linecache.cache[name] = (len(text), None, text.splitlines(True), name)
            out = io.StringIO()
            with redirect_stdout(out):
                exec(compile(text.replace('"failures"', repr(str(tmp_path / "failures"))), name, "exec"), names)
            printed = out.getvalue()
            said = re.findall(r"(?m)^print\(.*\)  # (.*)$", text)
            assert len(said) <= len(printed.splitlines())
            assert all(map(is_as_said, said, printed.splitlines())), printed
        elif kind == "pytb":
            assert is_as_said(text, printed.split("\n", 1)[1] if "(88, 88)" in printed else printed), printed
        elif kind == "console" and "replay" in text:
            assert is_as_said(text.partition("\n")[2], replay(Path(str(names["failed"])), code=1))


def test_both_halves_of_the_page_print_the_same_pixel() -> None:
    (java,) = re.findall(r"println\( contrast.getAt\( 300, 200 \) \); // (.*)", PAGE)
    (python,) = re.findall(r"print\(contrast\[200, 300\]\)  # (.*)", PAGE)
    assert java == python


def test_the_table_is_right_about_scikit_image() -> None:
    pytest.importorskip("dask")
    util = pytest.importorskip("skimage.util")
    image = np.ones((8, 8), np.float32)
    assert util.apply_parallel(np.sqrt, image, chunks=4, dtype="uint8").dtype == np.float32
    row = np.arange(8.0).reshape(1, 8)
    found = util.apply_parallel(lambda pixels: np.roll(pixels, 2, axis=1), row, chunks=(1, 8), depth=(0, 2))
    # Mirrored by default: the two pixels that come from outside.
    np.testing.assert_array_equal(found, [[1, 0, 0, 1, 2, 3, 4, 5]])


def test_the_table_is_right_about_dask() -> None:
    array = pytest.importorskip("dask.array")
    line = np.arange(13.0)
    lazy = array.from_array(line, chunks=5)
    seen: list[int] = []

    def count(pixels: np.ndarray) -> np.ndarray:
        seen.append(pixels.size)
        return pixels

    lazy.map_overlap(count, depth=2)
    assert 0 in seen
    # The outer blocks have less halo; the last one, of 3 pixels, is wide enough for 2 of halo, but not for 4.
    seen.clear()
    lazy.map_overlap(count, depth=2, dtype=float, meta=line[:0]).compute(scheduler="synchronous")
    assert sorted(seen) == [5, 7, 9]
    assert lazy.map_overlap(count, depth=4, dtype=float, meta=line[:0]).chunks != lazy.chunks
    with pytest.raises(TypeError, match="'output'"):
        lazy.map_overlap(np.negative, depth=1, dtype=float, meta=line[:0], output=None)
    with pytest.raises(NotImplementedError, match="Asymmetric"):
        lazy.map_overlap(count, depth={0: (1, 2)}, boundary="reflect")
    image = np.arange(3.0)
    (reflected,) = array.overlap.overlap(array.from_array(image, chunks=3), 1, "reflect").to_delayed().ravel()
    np.testing.assert_array_equal(reflected.compute(scheduler="synchronous"), np.pad(image, 1, "symmetric"))
