# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""``map_blocks``: images are computed block by block without a JVM."""

from __future__ import annotations

import doctest
import gc
import linecache
import pickle
import re
import signal
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from conftest import run_in_new_python
from imglib2_cache_python import USER_MODULES, Block, BlockError, blockwise, map_blocks
from imglib2_cache_python.blockwise import compute_blocks
from imglib2_cache_python.geometry import Cell, Grid

ndimage = pytest.importorskip("scipy.ndimage")

# How numpy.pad calls a border.
PAD = {
    "mirror_double": {"mode": "symmetric"},
    "mirror_single": {"mode": "reflect"},
    "nearest": {"mode": "edge"},
    "periodic": {"mode": "wrap"},
    "zero": {"mode": "constant"},
    7: {"mode": "constant", "constant_values": 7},
}

# How scipy.ndimage calls it.
MODES = {
    "mirror_double": {"mode": "reflect"},
    "mirror_single": {"mode": "mirror"},
    "nearest": {"mode": "nearest"},
    "periodic": {"mode": "grid-wrap"},
    "zero": {"mode": "constant"},
    7: {"mode": "constant", "cval": 7},
}

DTYPES = (
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int32",
    "uint64",
    "int64",
    "float32",
    "float64",
    "complex64",
    ">u2",
    ">f4",
)


class Recorded:
    """An input that is no array, and knows what was read of it."""

    def __init__(self, array: np.ndarray) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        self.parts: list[tuple[slice, ...]] = []
        self._array = array

    def __getitem__(self, part: tuple[slice, ...]) -> np.ndarray:
        assert all(
            0 <= one.start < one.stop <= size and one.step is None for one, size in zip(part, self.shape, strict=True)
        )
        self.parts.append(part)
        return self._array[part].copy()

    @property
    def pixels_read(self) -> int:
        return sum(int(np.prod([one.stop - one.start for one in part])) for part in self.parts)


def pattern(random: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    values = random.integers(0, 2 if dtype == "bool" else 120, shape)
    return values.astype(dtype)


@pytest.mark.parametrize("border", PAD)
@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_blocks_are_what_numpy_pads_and_slices(border: str | float, axes: int):
    random = np.random.default_rng([axes, list(PAD).index(border)])
    for case in range(25):
        shape = tuple(int(size) for size in random.choice([1, 2, 3, 5, 11, 60][: 7 - axes], axes))
        shapes = [shape, tuple(int(its + random.integers(0, 3)) for its in shape)]
        dtypes = [str(one) for one in random.choice([one for one in DTYPES if border != 7 or one != "bool"], 2)]
        images = [pattern(random, its, dtype) for its, dtype in zip(shapes, dtypes, strict=True)]
        size = tuple(int(random.integers(1, its + 3)) for its in shape)
        lower, upper = (tuple(int(one) for one in random.integers(0, 5, axes)) for _ in range(2))
        check_blocks(images, size, lower, upper, border, workers=1 + case % 3)


def check_blocks(
    images: list[np.ndarray],
    size: tuple[int, ...],
    lower: tuple[int, ...],
    upper: tuple[int, ...],
    border: str | float,
    workers: int,
) -> None:
    shape = images[0].shape
    native = [image.dtype.newbyteorder("=") for image in images]
    padded = [np.pad(image, list(zip(lower, upper, strict=True)), **PAD[border]) for image in images]
    seen: dict[int, Block] = {}
    lock = threading.Lock()

    def check(first: np.ndarray, second: np.ndarray, block: Block) -> np.ndarray:
        with lock:
            assert block.index not in seen
            seen[block.index] = block
        assert block.dim == tuple(b - a + 1 for a, b in zip(block.min, block.max, strict=True))
        assert block.data.shape == block.dim
        assert block.data.flags.c_contiguous
        assert block.data.dtype == native[0]
        assert block.halo == block.crops[0]
        assert len(block.crops) == 2
        window = tuple(slice(m, m + a + d + b) for m, a, d, b in zip(block.min, lower, block.dim, upper, strict=True))
        for i, got in enumerate((first, second)):
            assert got is block.inputs[i]
            assert not got.flags.writeable
            assert got.dtype == native[i]
            assert got.dtype.isnative
            np.testing.assert_array_equal(got, padded[i][window])
            np.testing.assert_array_equal(got[block.crops[i]], images[i][in_image(block)])
        return first if block.index % 2 else first[block.halo]

    # Every second one is no array.
    sources = [Recorded(image) if (i + workers) % 2 else image for i, image in enumerate(images)]
    result = map_blocks(check, *sources, block_size=size, halo=(lower, upper), border=border, workers=workers)
    assert result.dtype == native[0]
    np.testing.assert_array_equal(result, images[0])
    counts = [-(-its // one) for its, one in zip(shape, size, strict=True)]
    assert sorted(seen) == list(range(int(np.prod(counts))))
    for index, block in seen.items():
        # In ImgLib2's order the first axis, which is the last one here, runs fastest.
        position = np.unravel_index(index, counts)
        assert block.min == tuple(int(p) * one for p, one in zip(position, size, strict=True))


def in_image(block: Block) -> tuple[slice, ...]:
    return tuple(slice(a, b + 1) for a, b in zip(block.min, block.max, strict=True))


@pytest.mark.parametrize("border", MODES)
@pytest.mark.parametrize("workers", [1, 3])
def test_filters_are_equal_to_those_of_the_whole_image(border: str | float, workers: int):
    image = np.random.default_rng(5).integers(0, 255, (13, 22, 17)).astype(np.float32)
    how = {"block_size": (5, 8, 17), "border": border, "workers": workers}
    for code, halo, expected in [
        (
            "block.data[...] = ndimage.median_filter(block.inputs[0], 3)[block.halo]",
            1,
            "median_filter(image, 3, **mode)",
        ),
        (
            "block.data[...] = ndimage.maximum_filter(block.inputs[0], (1, 5, 3))[block.halo]",
            (0, 2, 1),
            "maximum_filter(image, (1, 5, 3), **mode)",
        ),
        (
            "block.data[...] = ndimage.gaussian_filter(block.inputs[0], 2, truncate=3)[block.halo]",
            6,
            "gaussian_filter(image, 2, truncate=3, **mode)",
        ),
    ]:
        result = map_blocks("from scipy import ndimage\n" + code, image, halo=halo, **how)
        whole = eval("ndimage." + expected, {"ndimage": ndimage, "image": image, "mode": MODES[border]})
        np.testing.assert_array_equal(result, whole)


@pytest.mark.parametrize("border", PAD)
def test_only_what_blocks_need_is_read(border: str | float):
    source = Recorded(np.arange(1000.0).reshape(10, 100))
    map_blocks("block.data[...] = block.inputs[0][block.halo]", source, block_size=(10, 10), halo=(0, 2), border=border)
    # All but the first and the last block have both halos inside; periodic ones read them from the other end.
    at_border = 4 if border == "periodic" else 0
    assert source.pixels_read == 10 * (10 * 14 - 4 + at_border)


def test_statements_see_parameters_and_have_variables_of_their_own():
    code = """
        if block.index == 0:
            counted = 0
        counted += 1
        block.data[...] = counted * scale
    """
    result = map_blocks(code, np.zeros(6), block_size=2, parameters={"scale": 10})
    assert result.tolist() == [10, 10, 20, 20, 30, 30]


def test_a_function_is_named_by_text(write_module: Callable[[str, str], Path]):
    file = write_module("own_filters", "def twice(pixels, factor=2):\n    return pixels * factor\n")
    image = np.arange(5)
    for name in ("own_filters:twice", f"{file}:twice"):
        assert map_blocks(name, image, block_size=2).tolist() == [0, 2, 4, 6, 8]
    assert map_blocks("numpy:negative", image, block_size=2).tolist() == [0, -1, -2, -3, -4]
    assert map_blocks(np.negative, image, block_size=2).tolist() == [0, -1, -2, -3, -4]


def test_dtype_is_that_of_the_first_input_unless_said():
    image = np.arange(4, dtype=">u2")
    assert map_blocks(np.sqrt, image, block_size=3, dtype="float32").dtype == np.float32
    assert map_blocks("block.data[...] = block.inputs[0]", image, block_size=3).dtype == np.dtype("uint16")
    with pytest.raises(BlockError, match=r"returned dtype float32.*image's uint16.*astype") as caught:
        map_blocks(np.sqrt, image, block_size=3)
    assert isinstance(caught.value.__cause__, TypeError)


def test_inputs_stay_as_they_are():
    image = np.arange(4.0)
    with pytest.raises(BlockError, match="read-only"):
        map_blocks("block.inputs[0][...] = 1; block.data[...] = 1", image, block_size=4)
    assert image.flags.writeable
    assert image.tolist() == [0, 1, 2, 3]


def test_memory_maps_are_read_as_ordinary_arrays(tmp_path: Path):
    file = tmp_path / "image.npy"
    np.save(file, np.arange(12, dtype=">i2").reshape(3, 4))
    image = np.load(file, mmap_mode="r")
    kinds = set()
    result = map_blocks(lambda pixels: kinds.add(type(pixels)) or pixels, image, block_size=2, halo=1)
    assert kinds == {np.ndarray}
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, image)


def test_an_input_may_give_an_array_of_its_own():
    image = np.arange(4.0)
    source = Recorded(image)
    source.__class__ = type("Same", (Recorded,), {"__getitem__": lambda self, part: image})
    map_blocks(np.negative, source, block_size=4)
    assert image.flags.writeable


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("block.inputs[0][...] = 1; block.data[...] = 1", "Change a copy, block.inputs[0].copy()"),
        ("block.data[...] = sigma", 'map_blocks(..., parameters={"sigma": ...})'),
        ("block.data[...] = np.ones(3) * 1j", "dtype=complex"),
        ("import nosuchmodule; block.data[...] = 1", "put it into a folder of sys.path"),
        ("from . import other; block.data[...] = 1", "Only the folders of sys.path are searched"),
        ("import json.nothing; block.data[...] = 1", "json"),
        ("block.data[...] = block.inputs[0]", "block.data[...] = result[block.halo]"),
    ],
)
def test_advice_is_for_plain_python(code: str, advice: str):
    with pytest.raises(BlockError) as caught:
        map_blocks(code, np.zeros(3), block_size=3, halo=1)
    assert advice in str(caught.value)
    assert not re.search("Python[A-Z]|Type\\b|Mode", str(caught.value).split("\n", 2)[2])


def test_packages_that_ignore_read_only_get_copies(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    image = np.arange(4.0)
    shared = []
    map_blocks(lambda pixels: shared.append(np.shares_memory(pixels, image)) or pixels, image, block_size=4)
    assert shared == [False]


def test_an_image_without_pixels_has_no_blocks():
    assert map_blocks("1 / 0", np.zeros((3, 0)), block_size=2, workers=3).shape == (3, 0)


@pytest.mark.parametrize("workers", [1, 4])
def test_a_failure_names_the_block_and_the_line(workers: int):
    code = "wrong = block.min == (4, 3)\nif wrong:\n    raise KeyError('gone')\nblock.data[...] = 1"
    with pytest.raises(BlockError) as caught:
        map_blocks(code, np.zeros((6, 5)), block_size=(2, 3), workers=workers)
    error = caught.value
    assert (error.index, error.min, error.max) == (5, (4, 3), (5, 4))
    assert (error.line, error.source) == (3, "raise KeyError('gone')")
    assert str(error) == (
        f"Block 5, from (4, 3) to (5, 4), failed: KeyError: 'gone'\n  at {error.file}, line 3: raise KeyError('gone')"
    )
    assert isinstance(error.__cause__, KeyError)
    # Although the code is gone.
    assert "raise KeyError('gone')" in "".join(traceback.format_exception(error.__cause__))
    assert "blockwise.py" not in error.traceback
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.index, again.max, again.line) == (str(error), 5, (5, 4), 3)


def test_a_failure_of_a_function_names_its_line():
    def fails(pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(3)

    with pytest.raises(BlockError, match=r"test_map_blocks.py, line \d+: return pixels.reshape\(3\)") as caught:
        map_blocks(fails, np.zeros(4), block_size=4)
    assert caught.value.file == __file__


def test_the_first_failure_cancels_what_has_not_begun():
    begun = []
    both = threading.Barrier(2)

    def fails(pixels: np.ndarray, block: Block) -> np.ndarray:
        begun.append(block.index)
        both.wait(60)
        raise ValueError

    with pytest.raises(BlockError):
        map_blocks(fails, np.zeros(1000), block_size=1, workers=2)
    assert sorted(begun) == [0, 1]


def test_an_interruption_is_no_failure_of_the_code():
    def interrupted(pixels: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    for workers in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            map_blocks(interrupted, np.zeros(10), block_size=1, workers=workers)


def test_an_interruption_of_the_caller_ends_all_workers():
    interrupted = threading.Event()
    begun = []

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    def compute(pixels: np.ndarray, block: Block) -> np.ndarray:
        begun.append(block.index)
        if block.index == 0:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        assert interrupted.wait(60)
        return pixels

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            map_blocks(compute, np.zeros(300_000), block_size=1, workers=2)
    finally:
        signal.signal(signal.SIGINT, before)
    # If the interruption comes while the threads are started, one may still be at its block.
    for thread in threading.enumerate():
        if thread.name.startswith("map_blocks"):
            thread.join(60)
            assert not thread.is_alive()
    assert len(begun) < 300_000


def test_memory_is_that_of_the_blocks_at_work():
    alive: list[weakref.ref] = []
    most = []

    def count(pixels: np.ndarray, block: Block) -> np.ndarray:
        alive.append(weakref.ref(block))
        most.append(sum(one() is not None for one in alive))
        return pixels

    map_blocks(count, np.zeros(200), block_size=1, halo=1, workers=3)
    # One that ends, while its thread begins the next.
    assert max(most) <= 6
    gc.collect()
    assert not any(one() for one in alive)


def test_nothing_is_left_behind():
    before = {name for name in sys.modules if name.startswith(USER_MODULES)}
    sources = {name for name in linecache.cache if name.startswith("<map_blocks")}
    map_blocks("block.data[...] = 1", np.zeros(4), block_size=1, workers=3)
    assert {name for name in sys.modules if name.startswith(USER_MODULES)} == before
    assert {name for name in linecache.cache if name.startswith("<map_blocks")} == sources
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("map_blocks")]


class Shrinking(Recorded):
    def __getitem__(self, part: tuple[slice, ...]) -> np.ndarray:
        return super().__getitem__(part)[1:]


class Gone(Recorded):
    def __getitem__(self, part: tuple[slice, ...]) -> np.ndarray:
        raise OSError("the disk is gone")


def test_an_input_that_cannot_be_read_is_named():
    image = np.zeros(6)
    what = "Block 0, from (0,) to (1,), could not read input 1: "
    with pytest.raises(BlockError, match=re.escape(what + "ValueError: input 1[0:2] is an array of shape (1,)")):
        map_blocks(np.add, image, Shrinking(image), block_size=2)
    with pytest.raises(BlockError, match=re.escape(what + "OSError: the disk is gone")) as caught:
        map_blocks(np.add, image, Gone(image), block_size=2)
    assert isinstance(caught.value.__cause__, OSError)


def test_what_becomes_of_the_pixels_may_fail():
    def full(cell: Cell, pixels: np.ndarray) -> None:
        raise OSError("the disk is full")

    image = np.zeros(6)
    grid = Grid((6,), (2,))
    how: dict[str, Any] = {"halo": 0, "border": "zero", "parameters": None, "progress": False}
    for workers in (1, 2):
        with pytest.raises(BlockError, match=r"Block \d, .*, could not be kept: OSError: the disk is full"):
            compute_blocks(np.negative, [image], grid, full, image.dtype, workers=workers, **how)


ONE = np.zeros((4, 6))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: map_blocks(np.add, block_size=2), TypeError, "no input"),
        (lambda: map_blocks(ONE, np.add, block_size=2), TypeError, "of type ndarray.*before the inputs"),
        (lambda: map_blocks(np.negative, [1, 2], block_size=2), TypeError, "of type list.*asarray"),
        (lambda: map_blocks(np.negative, np.float64(1), block_size=2), ValueError, "single number"),
        (lambda: map_blocks(np.negative, np.zeros(3, "U3"), block_size=2), TypeError, "dtype <U3.*numbers"),
        (lambda: map_blocks(np.negative, np.zeros(3, object), block_size=2), TypeError, "dtype object"),
        (lambda: map_blocks(np.negative, np.ma.zeros(3), block_size=2), TypeError, "mask.*filled"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, dtype="nonsense"), TypeError, "the result.*nonsense"),
        (lambda: map_blocks(np.negative, ONE, block_size=0), ValueError, "block_size is 0, expected 1"),
        (lambda: map_blocks(np.negative, ONE, block_size=(1, 2, 3)), ValueError, "3 numbers.*2 axes"),
        (lambda: map_blocks(np.negative, ONE, block_size=2.5), TypeError, "2.5, expected a whole number"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, halo=-1), ValueError, "halo is -1"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, halo=((1, 2), (3, 4, 5))), ValueError, "after the block"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, border="reflect"), ValueError, "reflect.*mirror_single"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, border=None), TypeError, "border is None"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, halo=1, border="none"), ValueError, "border is none"),
        (lambda: map_blocks(np.negative, ONE.astype("uint8"), block_size=2, border=256), ValueError, "uint8.*256"),
        (lambda: map_blocks(np.negative, ONE.astype("uint8"), block_size=2, border=0.5), ValueError, "uint8.*0.5"),
        (lambda: map_blocks(np.negative, ONE.astype("uint8"), block_size=2, border=float("nan")), ValueError, "nan"),
        (lambda: map_blocks(np.negative, ONE.astype("float32"), block_size=2, border=1e300), ValueError, "1e\\+300"),
        (lambda: map_blocks(np.negative, ONE.astype(bool), block_size=2, border=2), ValueError, "bool.*2"),
        (lambda: map_blocks(np.add, ONE, np.zeros(6), block_size=2), ValueError, "input 1 .* 1 axes.*newaxis"),
        (lambda: map_blocks(np.add, ONE, ONE[:3], block_size=2), ValueError, r"input 1 .*\(3, 6\).*\(4, 6\)"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, workers=0), ValueError, "workers is 0"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, workers=1.5), TypeError, "workers is 1.5"),
        (
            lambda: map_blocks(np.negative, ONE, block_size=2, processes=4),
            TypeError,
            "processes is 4.*True or False.*workers",
        ),
        (
            lambda: map_blocks(np.negative, ONE, block_size=2, capture=True),
            TypeError,
            "capture is True.*path of a folder",
        ),
        (lambda: map_blocks(np.negative, ONE, block_size=2, capture=__file__), NotADirectoryError, "is not a folder"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, parameters={"np": 1}), ValueError, "something else"),
        (lambda: map_blocks(np.negative, ONE, block_size=2, parameters={"a b": 1}), ValueError, "not a Python name"),
        (lambda: map_blocks(lambda a, b: a, ONE, block_size=2), TypeError, "needs the argument 'b'"),
        (lambda: map_blocks(lambda a: a, ONE, ONE, block_size=2), TypeError, "takes 1 input .* at most, got 2"),
        (lambda: map_blocks("block.data[...] = (", ONE, block_size=2), SyntaxError, "was never closed"),
        (lambda: map_blocks("result = block.inputs[0] + 1", ONE, block_size=2), SyntaxError, "never writes"),
        (lambda: map_blocks("nosuchmodule:f", ONE, block_size=2), ImportError, "nosuchmodule"),
    ],
)
def test_wrong_arguments_are_refused(call: Callable[[], object], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        call()


def test_values_that_borders_can_have():
    for dtype, value in [("uint8", 255), ("uint8", 3.0), ("uint64", 2**64 - 1), ("float32", 0.1), ("float32", np.inf)]:
        seen = []
        map_blocks(lambda a, s=seen: s.append(a[0]) or a, np.zeros(1, dtype), block_size=1, halo=1, border=value)
        assert seen == [np.array(value).astype(dtype)]


def test_a_progress_bar_counts_blocks(monkeypatch: pytest.MonkeyPatch):
    told: list[Any] = []

    class Bar:
        def __init__(self, total: int, unit: str) -> None:
            told.append((total, unit))

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            told.append("end")

        def update(self, number: int) -> None:
            told.append(number)

    fake = ModuleType("tqdm.auto")
    fake.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm", ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", fake)
    map_blocks(np.negative, np.zeros(5), block_size=2, workers=2, progress=True)
    assert told == [(3, "block"), 1, 1, 1, "end"]
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="pip install tqdm"):
        map_blocks(np.negative, np.zeros(5), block_size=2, progress=True)


def test_the_examples_of_the_docstrings_run():
    results = doctest.testmod(blockwise, optionflags=doctest.ELLIPSIS)
    assert results.attempted >= 6
    assert results.failed == 0


def test_the_package_imports_numpy_only_when_it_is_used():
    code = (
        "import sys, imglib2_cache_python as package\n"
        "assert 'numpy' not in sys.modules\n"
        "assert 'map_blocks' in dir(package)\n"
        "assert not hasattr(package, 'nonsense')\n"
        "from imglib2_cache_python import map_blocks\n"
        "import numpy\n"
        "print(map_blocks(numpy.negative, numpy.arange(3), block_size=2))"
    )
    assert run_in_new_python(code) == "[ 0 -1 -2]"
