#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
#
# Runs the example in one JVM, with two tasks at the same time, then on a cluster of two workers on
# this machine, one executor of which is killed.
#
#   IMGLIB2_PYTHON  a Python with numpy, scipy, zarr and jep

set -eu
cd "$(dirname "$0")"
rm -rf target/local
./submit.sh --master 'local[2]' --class net.imglib2.cache.python.examples.SmoothOnSpark target/local SHARED 2>target/local.log >target/local.out || {
	cat target/local.log target/local.out >&2
	exit 1
}
tail -n 2 target/local.out
./cluster.sh PROCESS
