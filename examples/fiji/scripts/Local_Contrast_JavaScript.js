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

var FinalInterval = Java.type("net.imglib2.FinalInterval");
var PythonEnvironment = Java.type("net.imglib2.cache.python.PythonEnvironment");
var PythonException = Java.type("net.imglib2.cache.python.PythonException");
var PythonImg = Java.type("net.imglib2.cache.python.PythonImg");
var FloatType = Java.type("net.imglib2.type.numeric.real.FloatType");
var IllegalArgumentException = Java.type("java.lang.IllegalArgumentException");

function numbers(text) {
	return String(text).split(",").map(Number);
}

var result = null;
try {
	var contrast = PythonImg.builder(code.toPath())
		.input("image", image)
		.parameter("sigma", sigma)
		.halo(numbers(halo))
		.border(border)
		.cellSize(numbers(cellSize))
		.type(new FloatType())
		.environment(environment == null ? PythonEnvironment.getDefault() : PythonEnvironment.at(environment.toPath()))
		.onErrorFill(new FloatType(1000), function (error) { log.error(error.getMessage()); })
		.build();
	// One cell now: a mistake in the Python code shows here, and not later in a viewer.
	var corner = new FinalInterval(contrast.minAsLongArray(), contrast.minAsLongArray());
	if (contrast.compute(corner).failed() == 0)
		result = contrast;
}
catch (e) {
	if (!(e instanceof PythonException || e instanceof IllegalArgumentException))
		throw e;
	log.error(e.getMessage());
}
