# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Which code needs no zeros in new memory."""

import math

import numpy as np
import pytest
from imglib2_cache_python.block import Block
from imglib2_cache_python.overwriting import overwrites
from imglib2_cache_python.snippet import Snippet

OVERWRITES = [
    "block.data[...] = block.inputs[0]",
    "block.data[:] = 7",
    "import numpy as np\nx = block.inputs[0] * 2\nif x.any():\n    x += 1\nblock.data[...] = x",
    "np.add(block.inputs[0], 1, out=block.data)",
    "np.add(block.inputs[0], block.index, out=block.data, dtype=block.inputs[0].dtype, casting='unsafe')",
    "block.data[...] = block.inputs[0]\nblock.data += 1\nblock.data[0] = 3",
    "np.sqrt(block.inputs[0], out=block.data)\nfor i in range(3):\n    np.add(block.data, 1, out=block.data)",
    "def f(a):\n    return a + block.index\nblock.data[...] = f(block.inputs[0])",
    "np.add(block.inputs[0], 1, out=block.data, dtype=block.data.dtype)",
    "block.data[...] = np.ones(block.data.shape).astype(block.data.dtype)",
    "n = block.data.ndim, block.data.size, block.data.strides\nblock.data[...] = n[0]",
    "def f(a):\n    return a.astype(block.data.dtype)\nblock.data[...] = f(block.inputs[0])",
]

MAY_NOT = [
    "pass",
    "block.data[...] = ",
    "block.data[...] = 1\0",
    "block.data[...] = 1\n" + "#" * 70000,
    "block.data[0] = 1",
    "block.data[1:] = 1",
    "block.data[..., 0] = 1",
    "block.data[block.inputs[0] > 3] = 1",
    "if block.index: block.data[...] = 1",
    "for i in range(block.index): block.data[...] = 1",
    "try:\n    block.data[...] = 1 // block.index\nexcept ZeroDivisionError: pass",
    "with open('x'): block.data[...] = 1",
    "block.data[...] += 1",
    "block.data += 1",
    "block.data[...] = block.data + 1",
    "x = block.data.copy()\nblock.data[...] = x",
    "block.data[...] = block.data.flat[0]",
    "block.data[...] = block.data.T.dtype.type(block.data.T[0, 0])",
    "block.data.shape = 4, 3\nblock.data[...] = 1",
    "f(block.data.dtype, block.data)\nblock.data[...] = 1",
    "block.data[block.data.shape[0] // 2:] = 1",
    "block.data.dtype = 'i4'\nblock.data[...] = 1",
    "x = block.data\nblock.data[...] = x + 1",
    "x = block\nblock.data[...] = x.data + 1",
    "x = getattr(block, 'data').sum()\nblock.data[...] = x",
    "def f():\n    return block.data.sum()\nblock.data[...] = f()",
    "block.data[...] = 1\ndef f(): return block.data.sum()",
    "f = lambda: block\nblock.data[...] = f().data",
    "block.data[...] = eval('block.' + 'data')",
    "block.data[...] = globals()['bl' + 'ock'].data",
    "import sys\nblock.data[...] = sys._getframe().f_locals['block'].data",
    "import gc\nblock.data[...] = len(gc.get_objects())",
    "from inspect import currentframe\nblock.data[...] = 1",
    "from m import *\nblock.data[...] = 1",
    "import m as block\nblock.data[...] = 1",
    "import m as np\nnp.add(1, 2, out=block.data)",
    "from jax import numpy as np\nnp.add(1, 2, out=block.data)",
    "np.add = f\nnp.add(1, 2, out=block.data)",
    "import block\nblock.data[...] = 1",
    "block = other\nblock.data[...] = 1",
    "def block(): pass\nblock.data[...] = 1",
    "try: f()\nexcept Exception as block: pass\nblock.data[...] = 1",
    '"""\nblock.data[...] = 1\n"""',
    "np.add(1, 2, out=block.data, where=mask)",
    "np.add(1, 2, out=block.data, **more)",
    "np.add(1, 2, out=block.data[1:])",
    "np.add(block.data, 2, out=block.data)",
    "np.add.at(block.data, 0, out=block.data)",
    "np.sum(block.inputs[0], out=block.data)",
    "np = other\nnp.add(1, 2, out=block.data)",
    "math.add(1, 2, out=block.data)",
    "x = np.add(1, 2, out=block.data)",
    "block.data[...], x = 1, 2",
    "x = block.data[...] = 1",
    "block.data[0][...] = 1",
    "block.inputs[0][...] = 1",
    "block.inputs[:] = [block.data]",
    "block.inputs[...] = block.data",
    "np.add(1, block.data, out=block.inputs)",
    "class A:\n    block.data[...] = 1",
    "match block.index:\n    case np: pass\nnp.add(1, 2, out=block.data)",
]


@pytest.mark.parametrize("code", OVERWRITES)
def test_code_that_overwrites_all(code: str) -> None:
    """It is recognised, and does so."""
    assert overwrites(code, {})
    results = []
    for old in (0, 77):
        data = np.full((3, 4), old, np.float64)
        block = Block(data, [np.ones((3, 4))], 5, (0, 0), (2, 3), (3, 4), ())
        Snippet(code, "<test>", "overwriting_test", {}).run(block)
        results.append(data)
    assert (results[0] == results[1]).all()


@pytest.mark.parametrize("code", MAY_NOT)
def test_code_that_may_leave_pixels_or_read_them(code: str) -> None:
    """In doubt, the memory has to be zero."""
    assert not overwrites(code, {})


def test_np_of_the_init_code_counts() -> None:
    """`init` may give the name another meaning."""
    assert overwrites("np.add(1, 2, out=block.data)", {"np": np})
    assert not overwrites("np.add(1, 2, out=block.data)", {"np": math})


def test_snippet_that_needs_zeros_gets_them() -> None:
    """Before each run."""
    snippet = Snippet("block.data[1] = 5", "<test>", "overwriting_test", {}, zero=True)
    for _ in range(2):
        data = np.full((3, 2), 9, np.uint8)
        snippet.run(Block(data, [], 0, (0, 0), (2, 1), (3, 2), ()))
        assert data.tolist() == [[0, 0], [5, 5], [0, 0]]
