# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of advice.py: advice is added to a failure, and the texts of Python do not change."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Bench, Told
from imglib2_cache_python import USER_MODULES, advice
from imglib2_cache_python.block import Block
from imglib2_cache_python.failure import capture
from imglib2_cache_python.settings import Settings
from imglib2_cache_python.snippet import Snippet

WriteModule = Callable[[str, str], Path]


@pytest.fixture
def module_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_module: WriteModule) -> Iterator[str]:
    """Makes the folder that `write_module` writes into a folder of PythonEnvironment.withModulePath."""
    folder = str(tmp_path / "modules")
    monkeypatch.setattr(advice, "module_path", [folder])
    yield folder


def fail_block(bench: Bench, code: str, shape: tuple[int, ...] = (20, 6, 4), dim: tuple[int, ...] = (12, 4, 2)) -> Told:
    """Computes a block with padded, read-only inputs. Returns its failure."""
    bench.run("prepare", 1, code, "<demo>")
    bench.describe(1, dim, lower=tuple((a - b) // 2 for a, b in zip(shape, dim, strict=True)))
    told = bench.fail("step", np.zeros(dim, np.float32), np.ones(shape, np.float32))
    assert "PythonLoaderOptions" not in told.traceback
    assert "block.halo, " not in told.traceback
    return told


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("sklearn", "scikit-learn"),
        ("cv2.ximgproc", "opencv-python-headless"),
        ("yaml", "PyYAML"),
        ("umap.plot", "umap-learn"),
        ("google.protobuf", "protobuf"),
        ("no_such_package", "no_such_package"),
    ],
)
def test_a_missing_package_comes_with_the_command_that_installs_it(bench: Bench, name: str, distribution: str) -> None:
    told = bench.fail("execute", f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')")
    assert told.message.split("\n")[0].startswith(f"No module named '{name}'")
    assert f'"{sys.executable}" -m pip install {distribution}' in told.advice
    assert f"Python {sys.version.split()[0]} ({sys.executable})" in told.advice
    assert "-m pip" not in told.traceback


def test_a_memory_error_comes_with_the_limit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not bench.fail("execute", "bytearray(2**62)").advice
    monkeypatch.setattr(advice, "memory_limit", 3_000_000)
    for code in ("bytearray(2**62)", "import numpy as np\nnp.ones(2**58)"):
        assert (
            "may take 3,000,000 bytes of memory (PythonEnvironment.withMemoryLimit)"
            in bench.fail("execute", code).advice
        )


def test_a_missing_module_of_the_user_comes_with_the_folders(bench: Bench, module_path: str) -> None:
    told = bench.fail("execute", "import my_filters")
    assert (told.type_name, told.line) == ("ModuleNotFoundError", 1)
    assert module_path in told.advice


def test_a_misspelt_module_comes_with_those_that_are_there(
    bench: Bench, module_path: str, write_module: WriteModule
) -> None:
    write_module("filters_of_user", "")
    assert "Did you mean filters_of_user?" in bench.fail("execute", "import filter_of_user").advice
    assert "Did you mean scipy?" in bench.fail("execute", "import scipi").advice


def test_a_module_that_a_package_lacks(bench: Bench, module_path: str, write_module: WriteModule) -> None:
    told = bench.fail("execute", "import numpy.linalgs")
    assert "Did you mean linalg?" in told.advice
    assert "-m pip install --upgrade numpy" in told.advice
    write_module("own_package.__init__", "")
    write_module("own_package.inner", "")
    told = bench.fail("execute", "from own_package.iner import x")
    assert "Did you mean inner?" in told.advice
    assert module_path in told.advice
    assert "-m pip" not in told.advice


def test_relative_imports(bench: Bench, module_path: str, write_module: WriteModule) -> None:
    told = bench.fail("execute", "from . import helpers")
    assert module_path in told.advice
    assert "-m pip" not in told.advice
    write_module("lonely_of_user", "from .helpers import x")
    told = bench.fail("execute", "import lonely_of_user")
    assert module_path in told.advice


def test_a_missing_module_of_the_standard_library_cannot_be_installed(bench: Bench) -> None:
    told = bench.fail("execute", "raise ModuleNotFoundError(\"No module named '_tkinter'\", name='_tkinter')")
    assert "standard library" in told.advice
    assert "-m pip" not in told.advice


def test_a_name_that_a_module_lacks(bench: Bench) -> None:
    assert "Did you mean sqrt?" in bench.fail("execute", "from math import sqtr").advice
    assert "Did you mean gradient" in bench.fail("execute", "np.gradiant").advice
    assert "cumsum" in bench.fail("execute", "np.zeros(1).cumsums()").advice


def test_a_misspelt_name(bench: Bench) -> None:
    bench.run("initialise", "sigma = 2", 10.0, os.devnull)
    told = fail_block(bench, "x = sigmma")
    assert told.message.startswith("name 'sigmma' is not defined")
    assert "Did you mean sigma?" in told.advice
    assert "init code" in told.advice
    assert (told.type_name, told.line, told.source) == ("NameError", 1, "x = sigmma")
    assert "from scipy import ndimage" in fail_block_again(bench, 2, "ndimage.zoom").advice
    assert "import scipy" in fail_block_again(bench, 3, "scipy.ndimage").advice


def test_a_misspelt_input() -> None:
    snippet = Snippet(
        "block.data[...] = imgae", "<demo>", f"{USER_MODULES}demo", {}, settings=Settings(input_names=["image"])
    )
    pixels = np.zeros(2, np.float32)
    block = Block(pixels, [pixels], 0, (0,), (1,), (2,), (slice(0, 2),))
    with pytest.raises(NameError) as raised:
        snippet.run(block)
    told = advice.with_advice(capture(raised.value), raised.value, "SHARED").advice
    assert "Did you mean image?" in told
    assert "init code" in told


def fail_block_again(bench: Bench, loader: int, code: str) -> Told:
    bench.run("prepare", loader, code, f"<demo {loader}>")
    bench.describe(loader, (2,))
    return bench.fail("step", np.zeros(2, np.float32))


def test_init_code_does_not_know_the_block(bench: Bench) -> None:
    bench.run("initialise", "def fill():\n    block.data[...] = 1", 10.0, os.devnull)
    told = fail_block(bench, "fill()")
    assert "f(block)" in told.advice
    assert told.line == 2


def test_a_module_does_not_know_what_init_defined(bench: Bench, module_path: str, write_module: WriteModule) -> None:
    write_module("filters_of_user", "def f():\n    return sigma\n")
    bench.run("initialise", "sigma = 2", 10.0, os.devnull)
    assert (
        "not those of the queue's init code" in fail_block(bench, "import filters_of_user\nfilters_of_user.f()").advice
    )


@pytest.mark.parametrize(("name", "near"), [("input", "inputs"), ("shape", "dim"), ("Data", "data"), ("hallo", "halo")])
def test_what_block_does_not_have(bench: Bench, name: str, near: str) -> None:
    told = fail_block(bench, f"block.{name}")
    assert told.message.startswith(f"'Block' object has no attribute '{name}'")
    assert f"Did you mean block.{near}?" in told.advice


@pytest.mark.parametrize(
    "code",
    [
        "block.data[...] = block.inputs[0] * 2",
        "block.data += block.inputs[0]",
        "np.add(block.inputs[0], 1, out=block.data)",
        "np.copyto(block.data, block.inputs[0])",
        "x = block.inputs[0] + block.data",
        "block.data[block.inputs[0] > 0] = 1",
        "block.data[...] = block.inputs[0].reshape(block.dim)",
        "from scipy import ndimage\nndimage.gaussian_filter(block.inputs[0], 1, output=block.data)",
        "np.where(block.inputs[0] > 0, block.inputs[0], block.data)",
    ],
)
def test_a_result_that_is_not_cropped(bench: Bench, code: str) -> None:
    told = fail_block(bench, code)
    assert "block.data[...] = result[block.halo]" in told.advice
    assert "(20, 6, 4)" in told.advice


def test_a_result_in_the_order_of_imglib2(bench: Bench) -> None:
    assert "reverse" in fail_block(bench, "block.data[...] = np.ones((2, 4, 12))").advice


@pytest.mark.parametrize(
    "code",
    ["block.data[...] = np.ones((7, 7, 7))", "raise ValueError('no broadcast today')", "int('5 6')", "{}['shape']"],
)
def test_other_shapes_come_without_advice(bench: Bench, code: str) -> None:
    assert not fail_block(bench, code, shape=(12, 4, 2)).advice


@pytest.mark.parametrize(
    "code",
    [
        "block.inputs[0] += 1",
        "block.inputs[0][0] = 1",
        "block.inputs[0].sort()",
        "block.inputs[0].setflags(write=True)",
        "block.inputs[0].flags.writeable = True",
        "np.place(block.inputs[0], block.inputs[0] > 0, 1)",
        "np.random.default_rng(1).shuffle(block.inputs[0])",
        "np.random.default_rng(1).random(out=block.inputs[0], dtype=np.float32)",
        "memoryview(block.inputs[0])[0, 0, 0] = 1",
        "import ctypes\n(ctypes.c_char * 8).from_buffer(block.inputs[0])",
        "import struct\nstruct.pack_into('f', block.inputs[0], 0, 1.0)",
        "raise ValueError('buffer source array is read-only')",
        "class error(Exception): pass\nraise error('dst marked as output argument, but provided NumPy array marked as "
        "readonly')",
        "class TypingError(Exception): pass\nraise TypingError('setitem(readonly array(float32, 2d, C), ...)')",
    ],
)
def test_what_is_read_only(bench: Bench, code: str) -> None:
    told = fail_block(bench, code)
    assert "block.inputs[0].copy()" in told.advice
    assert "PythonLoaderOptions.writableInputs( true )" in told.advice


def test_a_function_gets_read_only_arguments(bench: Bench, module_path: str, write_module: WriteModule) -> None:
    write_module("filters_of_user", "def f(a):\n    a += 1\n    return a\n")
    assert "argument.copy()" in fail_block(bench, "filters_of_user:f").advice


def test_what_functions_return(bench: Bench, write_module: WriteModule) -> None:
    write_module("filters_of_user", "def f(a):\n    a.max()\n")
    assert "return result" in fail_block(bench, "filters_of_user:f").advice
    write_module("numbers_of_user", "def f(a):\n    return a.max()\n")
    bench.run("prepare", 2, "numbers_of_user:f", "<numbers>")
    bench.describe(2, (2,))
    assert "single number" in bench.fail("step", np.zeros(2, np.float32), np.zeros(2, np.float32)).advice


@pytest.mark.parametrize(
    "code",
    [
        "raise OSError(30, 'Read-only file system')",
        "(5).real = 1",
        "block.inputs[0].setflags(write=True)",
    ],
)
def test_what_is_read_only_for_other_reasons(bench: Bench, code: str) -> None:
    bench.run("prepare", 1, code, "<demo>")
    bench.describe(1, (2,))
    assert not bench.fail("step", np.zeros(2, np.float32)).advice


def test_code_without_a_file_cannot_be_cached(bench: Bench) -> None:
    message = "cannot cache function 'f': no locator available for file '<demo>'"
    assert "withModulePath" in bench.fail("execute", f'raise RuntimeError("{message}")').advice
    message = message.replace("<demo>", "/read/only/file.py")
    assert "withModulePath" not in bench.fail("execute", f'raise RuntimeError("{message}")').advice


def test_what_another_process_cannot_read(bench: Bench) -> None:
    code = "class BrokenProcessPool(RuntimeError): pass\nraise BrokenProcessPool('A task has failed to un-serialize.')"
    assert "withModulePath" in bench.fail("execute", code).advice


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("silence", ["", "import warnings\nwarnings.simplefilter('ignore')\n"])
def test_imaginary_parts_are_not_lost(bench: Bench, dtype: str, silence: str) -> None:
    bench.run("prepare", 1, f"{silence}block.data[...] = 1j * block.inputs[0]", "<demo>")
    bench.describe(1, (2,))
    told = bench.fail("step", np.zeros(2, dtype), np.ones(2, np.float32))
    assert told.type_name.endswith("ComplexWarning")
    assert "result.real" in told.advice


@pytest.mark.parametrize(
    "body",
    [
        "def __getattribute__(self, name): raise SystemExit",
        "name = property(lambda self: 1 / 0)",
        "name = 5",
        "def __str__(self): return \"No module named 'x'\"",
        "obj = name = property(lambda self: [].pop())",
    ],
)
@pytest.mark.parametrize("base", ["ModuleNotFoundError", "NameError", "AttributeError", "ValueError", "ImportError"])
@pytest.mark.parametrize("mode", ["SHARED", "SUB"])
def test_advice_never_fails(make_bench: Callable[..., Bench], base: str, body: str, mode: str) -> None:
    bench = make_bench(mode=mode)
    for message in ("No module named 'x'", "name 'x' is not defined", "has no attribute", "cannot import name 'x'"):
        told = bench.fail("execute", f'class Own({base}):\n    {body}\nraise Own("{message}")')
        assert told.type_name.endswith("Own")
        assert told.line == 3


def test_advice_is_bounded(bench: Bench) -> None:
    told = bench.fail("execute", f"raise ModuleNotFoundError('No module named {'x' * 9000}')")
    assert 0 < len(told.advice) < 30_000
