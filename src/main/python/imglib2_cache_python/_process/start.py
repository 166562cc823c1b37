# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The first code of a worker process.

Run as ``python -I -c "the text of this file" FOLDER``, where FOLDER contains this package.
"""

import sys

sys.path.insert(0, sys.argv.pop())

from imglib2_cache_python._process import life

# First of all: what is imported next may print something, and may take a while.
requests, replies = life.move_pipes()
life.end_with_the_jvm()

from imglib2_cache_python._process import program

program.main(requests, replies)
