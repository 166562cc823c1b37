#@ Img image
#@ File code (label="Python file", style="open")
#@ Double sigma (label="Sigma", value=5)
#@ String halo (label="Halo in pixels: one number, or one per axis", value="20")
#@ String border (label="Outside of the image", choices={"mirror_double", "mirror_single", "nearest", "periodic", "zero", "none"}, value="mirror_double")
#@ String cellSize (label="Cell size in pixels: one number, or one per axis", value="256")
#@ File environment (label="Python environment", style="directory", required=false)
#@ LogService log
#@output Img result

// SPDX-License-Identifier: BSD-2-Clause
// Copyright (c) 2026, the imglib2-cache-python developers.

import net.imglib2.FinalInterval
import net.imglib2.cache.python.PythonEnvironment
import net.imglib2.cache.python.PythonException
import net.imglib2.cache.python.PythonImg
import net.imglib2.type.numeric.real.FloatType

def numbers(text) { text.split(",").collect { it.trim() as int } }

try {
	def contrast = PythonImg.builder(code.toPath())
		.input("image", image)
		.parameter("sigma", sigma)
		.halo(numbers(halo))
		.border(border)
		.cellSize(numbers(cellSize))
		.type(new FloatType())
		.environment(environment == null ? PythonEnvironment.getDefault() : PythonEnvironment.at(environment.toPath()))
		.onErrorFill(new FloatType(1000), { error -> log.error(error.message) })
		.build()
	// One cell now: a mistake in the Python code shows here, and not later in a viewer.
	def corner = new FinalInterval(contrast.minAsLongArray(), contrast.minAsLongArray())
	if (contrast.compute(corner).failed() == 0)
		result = contrast
}
catch (PythonException | IllegalArgumentException e) {
	log.error(e.message)
}
