# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Python starts a JVM, which starts Python to compute a lazy image, whose pixels become numpy arrays again."""

import sys
from pathlib import Path

import jpype
import numpy as np
from imglib2_numpy import cell, to_image, to_numpy
from scipy import ndimage

jpype.startJVM(classpath=[str(Path(__file__).parent / "target" / "jars" / "*")])
PythonImg = jpype.JClass("net.imglib2.cache.python.PythonImg")
PythonEnvironment = jpype.JClass("net.imglib2.cache.python.PythonEnvironment")
InterpreterMode = jpype.JClass("net.imglib2.cache.python.InterpreterMode")

volume = np.random.default_rng(1).random((64, 200, 300), dtype=np.float32)
environment = PythonEnvironment.at(Path(sys.executable))
builder = (
    PythonImg.builder("scipy.ndimage:gaussian_filter")
    .input(to_image(volume))
    .parameter("sigma", 2)
    .halo(8)
    .cellSize(64)
    .environment(environment)
)

smooth = builder.build()
(mode,) = [line for line in str(environment.diagnose()).splitlines() if line.startswith("mode")]
print(" ".join(mode.split()))
corner = to_numpy(smooth, lower=(0, 0, 0), shape=(10, 20, 30))
print(f"{smooth.metrics().cellsComputed()} cell computed, mean {corner.mean():.4f}")
pixels = to_numpy(smooth)
print(f"{smooth.metrics().cellsComputed()} cells computed")

# The same in plain Python
expected = ndimage.gaussian_filter(volume, 2)
assert np.array_equal(pixels, expected)
assert np.array_equal(corner, expected[:10, :20, :30])
assert np.array_equal(cell(smooth, 0, 3, 4), expected[:64, 192:, 256:])
print("all pixels are equal to those of scipy")

# Python cannot run in this process a second time
for mode in InterpreterMode.SHARED, InterpreterMode.SUB:
    try:
        builder.environment(environment.withMode(mode)).build()
    except jpype.JClass("net.imglib2.cache.python.PythonEnvironmentException") as error:
        print(f"{mode} is refused: {error.getMessage()}")
        assert "Use InterpreterMode.PROCESS" in str(error)
    else:
        raise AssertionError(f"{mode} was accepted")
