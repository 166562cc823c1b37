#@ Img image
#@ File code (label="Python file", style="open")
#@ Double sigma (label="Sigma", value=5)
#@ String halo (label="Halo in pixels: one number, or one per axis", value="20")
#@ String border (label="Outside of the image", choices={"mirror_double", "mirror_single", "nearest", "periodic", "zero", "none"}, value="mirror_double")
#@ String cellSize (label="Cell size in pixels: one number, or one per axis", value="256")
#@ File environment (label="Python environment", style="directory", required=false)
#@ LogService log
#@output Img result

# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
#
# This script is run by Jython, Fiji's Python 2.7. The Python file is run by CPython.
from java.lang import IllegalArgumentException
from net.imglib2 import FinalInterval
from net.imglib2.cache.python import PythonEnvironment, PythonException, PythonImg
from net.imglib2.type.numeric.real import FloatType


def numbers(text):
    return [int(number) for number in text.split(",")]


result = None
try:
    contrast = (
        PythonImg.builder(code.toPath())
        .input("image", image)
        .parameter("sigma", sigma)
        .halo(numbers(halo))
        .border(border)
        .cellSize(numbers(cellSize))
        .type(FloatType())
        .environment(PythonEnvironment.getDefault() if environment is None else PythonEnvironment.at(environment.toPath()))
        .onErrorFill(FloatType(1000), lambda error: log.error(error.getMessage()))
        .build()
    )
    # One cell now: a mistake in the Python code shows here, and not later in a viewer.
    corner = FinalInterval(contrast.minAsLongArray(), contrast.minAsLongArray())
    if contrast.compute(corner).failed() == 0:
        result = contrast
except (PythonException, IllegalArgumentException) as e:
    log.error(e.getMessage())
except ValueError as e:
    log.error(str(e))
