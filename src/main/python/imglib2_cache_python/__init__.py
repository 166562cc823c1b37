# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The Python half of imglib2-cache-python: it computes the cells of an ImgLib2 image.

The package is in the jar, and Jep runs it in the JVM. It needs no JVM: it can be used and tested on its own.
"""

# The code of images, queues and tasks runs in modules whose names begin with this.
USER_MODULES = "imglib2_cache_python.user."
