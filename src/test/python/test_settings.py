# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of what code is called with, through a worker: parameters, names of inputs, and whether they are checked."""

from __future__ import annotations

import base64
import gc
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Bench, Told
from imglib2_cache_python._worker import values
from imglib2_cache_python.overwriting import overwrites
from imglib2_cache_python.settings import Settings
from imglib2_cache_python.unwritten import require_written

WriteModule = Callable[[str, str], Path]

INIT = "import math\nfrom scipy import ndimage as radius\ndef scale(a): return 2 * a\n"


def settings(
    parameters: dict[str, Any] | None = None, names: list[str | None] | None = None, *, checked: bool = False
) -> str:
    """As Java writes them."""
    return base64.b64encode(values.encode([parameters or {}, names or [], None, checked, None, 0, {}])).decode()


@pytest.fixture
def ready(bench: Bench, tmp_path: Path) -> Bench:
    """A worker whose init code has run."""
    bench.run("initialise", INIT, 30.0, str(tmp_path / "init.stack"))
    return bench


def run(bench: Bench, code: str, encoded: str, *inputs: np.ndarray, loader: int = 1) -> np.ndarray:
    bench.run("prepare", loader, code, f"<loader {loader}>", False, encoded)
    return step(bench, *inputs, loader=loader)


def step(bench: Bench, *inputs: np.ndarray, loader: int = 1) -> np.ndarray:
    dim = inputs[0].shape if inputs else (2, 3)
    bench.describe(loader, dim)
    data = np.zeros(dim)
    bench.run("step", data, *inputs)
    return data


@pytest.mark.parametrize("shape", [(1,), (4,), (1, 3), (2, 1, 3), (2, 3, 1, 4), (1, 2, 3, 2, 1)])
def test_statements_see_parameters_and_inputs(ready: Bench, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    a, b, c = random.random((3, *shape))
    code = "assert raw is block.inputs[1]\nblock.data[...] = scale(raw) + k * block.inputs[0] - größe + w[1]"
    encoded = settings({"k": 3, "w": np.array([1, 2], np.int8)}, [None, "raw", "größe"])
    np.testing.assert_allclose(run(ready, code, encoded, a, b, c), 2 * b + 3 * a - c + 2)


def test_values_of_parameters_hide_names_of_init_and_only_there(ready: Bench) -> None:
    code = "block.data[...] = radius + scale(1)"
    assert (run(ready, code, settings({"radius": 5})) == 7).all()
    # Another image, and the init code, see their own.
    ready.run("prepare", 2, "block.data[...] = radius.sobel(block.inputs[0])", "<loader 2>")
    step(ready, np.zeros((2, 3)), loader=2)
    assert ready.value("radius.__name__") == "scipy.ndimage"


def test_what_a_block_assigns_the_next_one_does_not_see(ready: Bench) -> None:
    code = "k += 1\nraw = raw + 1\nblock.data[...] = k + raw"
    encoded = settings({"k": 1}, ["raw"])
    for i in range(3):
        given = np.full((2, 3), float(i))
        assert (run(ready, code, encoded, given) == i + 3).all()


def test_inputs_are_gone_after_the_block_also_if_it_fails(ready: Bench) -> None:
    code = "seen.append(sorted(name for name in globals() if name in ('raw', 'block', 'k')))\nif block.index: 1 / 0"
    ready.run("assign", "seen", [])
    ready.run("prepare", 1, code, "<loader 1>", False, settings({"k": 1}, ["raw"]))
    for index in (0, 1):
        pixels = np.zeros((2, 3))
        watched = weakref.ref(pixels)
        ready.describe(1, (2, 3), index=index)
        ready.call("step", np.zeros((2, 3)), pixels)
        del pixels
        gc.collect()
        assert watched() is None
    assert ready.value("seen") == [["block", "k", "raw"]] * 2
    left = vars(sys.modules[ready.worker._snippets[1].module_name])
    assert "raw" not in left
    assert "block" not in left


@pytest.mark.parametrize("check_written", [False, True])
def test_names_are_there_where_code_runs_twice(ready: Bench, check_written: bool) -> None:
    # Code whose result has zeros is run again.
    code = "block.data[...] = raw * k"
    ready.run("prepare", 1, code, "<loader 1>", check_written, settings({"k": 2}, ["raw"]))
    pixels = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(step(ready, pixels), 2 * pixels)


def test_code_without_settings_is_called_as_ever(ready: Bench, write_module: WriteModule) -> None:
    # Also by this name, the argument is the first input.
    write_module("own_of_user", "def f(block):\n    return block + 1\n")
    pixels = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(run(ready, "own_of_user:f", "", pixels), pixels + 1)


def test_a_function_gets_what_the_settings_say(ready: Bench, write_module: WriteModule) -> None:
    write_module("own_of_user", "def f(a, block, *, raw, k):\n    return raw + k * a + block.index\n")
    a, b = np.random.default_rng(1).random((2, 2, 3))
    encoded = settings({"k": 3}, ["raw", None], checked=True)
    ready.run("check", "own_of_user:f", "<loader 1>", encoded)
    np.testing.assert_allclose(run(ready, "own_of_user:f", encoded, a, b), a + 3 * b)


def refused(bench: Bench, code: str, encoded: str) -> Told:
    checked = bench.fail("check", code, "<loader 1>", encoded)
    prepared = bench.fail("prepare", 1, code, "<loader 1>", False, encoded)
    assert checked.message == prepared.message
    return checked


def test_a_call_that_cannot_be_is_refused_when_it_is_checked_and_when_it_is_prepared(
    ready: Bench, write_module: WriteModule
) -> None:
    write_module("own_of_user", "def f(a, sigma):\n    return a\n")
    told = refused(ready, " own_of_user:f ", settings({"sigam": 3}, [None], checked=True))
    assert told.type_name == "TypeError"
    assert told.message.startswith("own_of_user:f takes no argument 'sigam'")
    assert told.message.endswith("did you mean 'sigma'?")
    told = refused(ready, "own_of_user:f", settings({}, [None], checked=True))
    assert told.message.startswith(
        "own_of_user:f needs the argument 'sigma'; give it as a parameter, or as an input of that name"
    )
    assert refused(ready, "none_of_user:f", settings({}, [None], checked=True)).type_name == "ModuleNotFoundError"
    # As ever, nothing is imported before the first block.
    ready.run("check", "none_of_user:f", "<loader 1>", settings({}, [None]))
    ready.run("check", "none_of_user:f", "<loader 1>")


@pytest.mark.parametrize(
    "code",
    [
        "result = raw * 2",
        "raw * 2",
        "result = raw.copy()\nresult += radius",
        "result = block.inputs[0] * radius",
        "x = scale\nresult = math.sqrt(raw[0])",
    ],
)
def test_code_that_never_writes_is_refused_also_by_names(ready: Bench, code: str) -> None:
    told = ready.fail("check", code, "<loader 1>", settings({"radius": 3, "scale": 4}, ["raw"]))
    assert "never writes into the image" in told.message


@pytest.mark.parametrize(
    "code", ["block.data[...] = raw", "fill(block, raw)", "unknown(raw)", "exec(raw)", "print('raw')"]
)
def test_code_that_may_write_is_not_refused(ready: Bench, code: str) -> None:
    ready.run("check", code, "<loader 1>", settings({"radius": 3}, ["raw"]))


def test_a_value_is_no_module_whatever_its_name_is() -> None:
    import math

    names = {"math": math, "own": math}
    code = "x = math\ny = block.inputs[0]"
    # A function of the user, which may write, is hidden by a number.
    with pytest.raises(SyntaxError):
        require_written(code, "<l>", {"math": lambda: 0}, "def math(): block", Settings({"math": 1}))
    require_written(code, "<l>", {"math": lambda: 0}, "def math(): block", Settings({"own": 1}))
    with pytest.raises(SyntaxError):
        require_written(code, "<l>", names, "", Settings({"math": "x"}))
    # What is not numpy does not write.
    assert overwrites("np.sqrt(4, out=block.data)", {})
    assert not overwrites("np.sqrt(4, out=block.data)", {"np": 4})
