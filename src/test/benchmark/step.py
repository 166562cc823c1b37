# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Times the Python half of this library for a small block, without a JVM: W1's copy of 64 x 64 pixels.

.venv/bin/python src/test/benchmark/step.py
"""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "src/main/python"), str(ROOT / "src/test/python")]

from conftest import DTYPES, Bench  # noqa: E402
from imglib2_cache_python._worker.protocol import HEADER_LENGTH, read_numbers  # noqa: E402
from imglib2_cache_python.block import Block  # noqa: E402
from test_protocol import Part, describe, write  # noqa: E402

SIZE = 64
BLOCKS = 8
UINT8 = DTYPES.index("uint8")
CODE = "block.data[...] = block.inputs[0]"


def microseconds(function: Callable[[], object], blocks: int = 1) -> float:
    """Time of a block in microseconds: the best of ten runs."""
    number = 20000 // blocks
    return min(timeit.repeat(function, number=number, repeat=10)) / number / blocks * 1e6


def main() -> None:
    """Prints the times."""
    cells = np.zeros(BLOCKS * SIZE * SIZE, np.uint8)
    image = np.arange(4096 * 4096, dtype=np.uint8)
    bench = Bench("step")
    bench.run("prepare", 1, CODE, "<loader 1>")
    shape = (SIZE, SIZE)
    blocks = [
        describe(
            1,
            i,
            [*shape],
            [Part(0, SIZE * SIZE * i, UINT8, shape, (SIZE, 1)), Part(5, SIZE * i, UINT8, shape, (4096, 1))],
            watched=2,
        )
        for i in range(BLOCKS)
    ]
    write(bench, blocks, places=[1, 10])
    worker = bench.worker
    if worker.step(cells, image) != 0:
        raise RuntimeError(str(worker.failure()))
    # From now on, the memories and the layout are known, and Java sends only these numbers.
    numbers = [BLOCKS, 0, 0, 0, *(number for described in blocks for number in (0, *described.block))]
    bench.request[: 1 + len(numbers)] = [1 + len(numbers), *numbers]

    # The first block, read as the worker reads it.
    request, layout, snippet, at = read_numbers(worker._request), worker._layouts[0], worker._snippets[1], HEADER_LENGTH
    data, pixels = worker._memories.arrays(layout, request, at, ())
    block = Block(data, [pixels], 0, (0, 0), (SIZE - 1, SIZE - 1), layout.dim, layout.halo)
    namespace = {"block": block}
    code = compile(CODE, "<code>", "exec")

    def loop() -> None:
        source, target = image.reshape(4096, 4096), cells.reshape(BLOCKS * SIZE, SIZE)
        for y in range(0, BLOCKS * SIZE, SIZE):
            target[y : y + SIZE, 0:SIZE] = source[0:SIZE, y : y + SIZE]

    def copy() -> None:
        data[...] = pixels

    rows = {
        "the pixels alone: data[...] = pixels": microseconds(copy),
        "a loop in numpy, which also makes the two views": microseconds(loop, BLOCKS),
        "exec of the code": microseconds(lambda: exec(code, namespace)),
        "running the snippet: exec, and the checks after it": microseconds(lambda: snippet.run(block)),
        "making the two arrays": microseconds(lambda: worker._memories.arrays(layout, request, at, ())),
        "a whole block: arrays, Block, snippet": microseconds(lambda: worker._compute(layout, request, at, ())),
        f"Worker.step, {BLOCKS} blocks per call": microseconds(worker.step, BLOCKS),
    }
    for name, time in rows.items():
        print(f"{time:5.2f} µs  {name}")
    if not (cells.reshape(BLOCKS, SIZE, SIZE)[3] == image.reshape(4096, 4096)[:SIZE, 3 * SIZE : 4 * SIZE]).all():
        raise RuntimeError("the pixels are wrong")


if __name__ == "__main__":
    main()
