# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of unwritten.py: code that computes pixels is refused only if it can never write them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Bench

WriteModule = Callable[[str, str], Path]

INIT = """
import math
from scipy import ndimage
scale = 3
class Model:
    def apply(self, a): return a
model = Model()
def smooth(a):
    return ndimage.gaussian_filter(a, scale)
"""


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("result = block.inputs[0] * 2", 1),
        ("# first\n\nresult = block.inputs[0][block.halo]\n\nprint('done')", 3),
        ("block.inputs[0] * 2", 1),
        ("from scipy import ndimage\nresult = ndimage.gaussian_filter(block.inputs[0], 2)", 2),
        ("import scipy.ndimage as ndi, numpy\nout = ndi.zoom(block.inputs[0], 2)", 2),
        ("result = smooth(block.inputs[0])", 1),
        ("result = ndimage.sobel(block.inputs[0]) * scale + math.pi", 1),
        ("result = model.apply(block.inputs[0])", 1),
        ("def f(a):\n    return [x for x in a if x > 0]\nresult = f(block.inputs[0])", 3),
        ("data = np.zeros(block.dim)\ndata[...] = block.inputs[0][block.halo]", 2),
        ("x: int = 5", 1),
        ("if (n := block.dim[0]) > 3:\n    print(n)", 1),
        ("match block.dim:\n    case [a]:\n        b = a\n    case other:\n        b = other", 5),
        ("try:\n    a = 1 / block.inputs[0]\nexcept ZeroDivisionError as e:\n    a = str(e)", 4),
        ("x = 1\nlast = x", 2),
        ("result = 0\nfor a in block.inputs:\n    result += a", 3),
        ("block = np.zeros(3)", 1),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_code_that_can_never_write_is_refused(bench: Bench, code: str, line: int, end: str) -> None:
    bench.run("initialise", INIT, 10.0, os.devnull)
    told = bench.fail("check", code.replace("\n", end), "<demo>")
    assert "block.data[...] = result" in told.message
    assert (told.file, told.line, told.source) == ("<demo>", line, code.split("\n")[line - 1].strip())


@pytest.mark.parametrize(
    "code",
    [
        "block.data[...] = 1",
        "block.data += 1",
        "np.add(block.inputs[0], 1, out=block.data)",
        "out = block.data\nout[...] = 1",
        "b = block\nb.data[...] = 1",
        "(b := block).data[...] = 1",
        "smooth(block)",
        "getattr(block, 'data')[...] = 1",
        "for b in [block]:\n    b.data[...] = 1",
        "def f():\n    block.data[...] = 1\nf()",
        "x = (lambda: block.data)()",
        "x = f'{block}'",
        "x = block.__dict__",
        "x = block.inputs\nexec('block.da' + 'ta[...] = 1')",
        "x = 1\neval('block.data.fill(x)')",
        "x = globals()['bl' + 'ock']",
        "x = 1\nvars()",
        "import sys\nx = sys._getframe().f_globals",
        "import sys\nx = sys.modules['a']",
        "from sys import _getframe\nx = 1",
        "import inspect\nx = inspect.currentframe()",
        "from scipy.ndimage import *\nx = 1",
        "import filters_of_user\nx = filters_of_user.fill()",
        "from filters_of_user import fill\nx = fill()",
        "import not_there\nx = 1",
        "x = undefined_name",
        "f = lambda: 0\nx = f.__globals__",
        "x = 1\nimport runpy",
        # Nothing is computed, or no pixel is ever zero.
        "",
        "\n",
        "pass",
        "# nothing",
        "'''Documented.'''",
        "1 / 0",
        "import time\ntime.sleep(1)",
        "while True: pass",
        "n = 1\nwhile True:\n    n += 1",
        "n = 1\nraise ValueError(n)",
        "n: int",
        "filters_of_user:f",
        "x = 1\nprint(x)",
        "assert (block.inputs[0] == 5).all(), block.inputs[0]",
        "x = 5\nassert x in block.dim",
        "import time\nx = 1\ntime.sleep(x)",
        "if block.index == 7:\n    raise ValueError(block.index)",
        "if block.index == 7:\n    while True: pass",
        "np.add = np.subtract",
        "np.x[0] = 5",
        "a = []\nfor i in range(5):\n    a = [a]",
        # Fails when it runs.
        "block.inputs[0] += 1",
        "block.inputs[0][3].real = 1",
    ],
)
def test_code_that_may_write_is_not_refused(bench: Bench, write_module: WriteModule, code: str) -> None:
    write_module("filters_of_user", "import sys\ndef fill():\n    sys._getframe(1).f_globals['block'].data[...] = 1\n")
    bench.run("initialise", INIT, 10.0, os.devnull)
    bench.run("check", code, "<demo>")


@pytest.mark.parametrize(
    "init",
    [
        "import sys\ndef fill(): sys._getframe(1).f_globals['block'].data[...] = 1",
        "import inspect\ndef fill(): inspect.currentframe()",
        "def fill(): block.data[...] = 1",
        "exec('def fill(): pass')",
        "from filters_of_user import fill",
        "from filters_of_user import *",
        "import filters_of_user\nfill = filters_of_user.fill",
        "import importlib\nfill = importlib.import_module('filters_of_user').fill",
    ],
)
def test_what_init_defines_may_write(bench: Bench, write_module: WriteModule, init: str) -> None:
    write_module("filters_of_user", "import sys\ndef fill():\n    sys._getframe(1).f_globals['block'].data[...] = 1\n")
    bench.run("initialise", init, 10.0, os.devnull)
    bench.run("check", "result = fill()", "<demo>")


@pytest.mark.parametrize("task", ["execute", "assign"])
def test_what_tasks_define_may_write(bench: Bench, task: str) -> None:
    bench.run("initialise", INIT, 10.0, os.devnull)
    bench.run(task, *(["fill = max"] if task == "execute" else ["fill", max]))
    bench.run("check", "result = fill(block.inputs)", "<demo>")


def test_code_that_may_write_by_a_frame_does(bench: Bench) -> None:
    import numpy as np

    init = "import sys\ndef fill(): sys._getframe(1).f_globals['block'].data[...] = 1"
    bench.run("initialise", init, 10.0, os.devnull)
    bench.run("prepare", 1, "x = fill()", "<demo>")
    data = np.zeros(2, np.float32)
    bench.describe(1, (2,))
    bench.run("step", data)
    assert data.tolist() == [1, 1]
