# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Prepares the main interpreter, which sub-interpreters share packages with, when that imports this module.

Not from a sub-interpreter, because what that creates must not outlive it.
"""

import numpy.fft
import numpy.linalg
import numpy.ma
import numpy.random  # noqa: F401

from imglib2_cache_python.processes import forbid_fork, spawn_by_default
from imglib2_cache_python.protection import protect

protect("numpy")
# Shared packages use multiprocessing and os as the main interpreter has them.
spawn_by_default()
forbid_fork()
