# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Prepares a try, and computes its image in plain Python: the pixels that the JVM has to get.

python plain.py TABLE NAME, in an empty folder
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "main" / "python"))
sys.path.insert(0, str(HERE.parent))

from imglib2_cache_python import map_blocks  # noqa: E402

from tries.description import Try, load  # noqa: E402


def make_input(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Bright spots of several sizes on a noisy background, always the same."""
    random = np.random.default_rng(1)
    image = random.random(shape) * 60
    grid = np.ogrid[tuple(slice(size) for size in shape)]
    for _ in range(min(image.size // 300, 200)):
        centre, radius = random.random(len(shape)) * shape, 2 + 4 * random.random()
        distance = sum((axis - c) ** 2 for axis, c in zip(grid, centre, strict=True))
        image += 150 * np.exp(-distance / radius**2)
    return np.minimum(image, 255).astype(dtype)


def compute(what: Try, image: np.ndarray) -> np.ndarray:
    """Computes the image of a try."""
    names = {"np": np, "image": image}
    exec(what.prepare, names)
    if what.whole:
        exec(what.init, names)
        return np.asarray(eval(what.whole, names)).astype(what.dtype)
    # Not those who are statements: their names are local to the block.
    code = what.code if ":" in what.code.split()[0] else f"{what.init}\n{what.code}"
    settings = {"block_size": what.block_size, "halo": what.halo, "dtype": what.dtype}
    return map_blocks(code, image, parameters=what.parameters, **settings)


def main() -> None:
    """Writes ``input.raw`` and ``expected.npy``."""
    what = next(one for one in load(Path(sys.argv[1])) if one.name == sys.argv[2])
    sys.path.insert(0, "")
    image = make_input(tuple(what.shape), what.input_type)
    image.astype(float).tofile("input.raw")
    np.save("expected.npy", compute(what, image))


if __name__ == "__main__":
    main()
