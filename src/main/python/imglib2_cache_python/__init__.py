# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The Python half of imglib2-cache-python: it computes the cells of an ImgLib2 image.

Nothing in here needs a JVM: the package is packed into the jar, where Jep runs it, and it can be used and tested
on its own.
"""

# Prefix of the names of the modules that the code of images, queues and tasks runs in.
USER_MODULES = "imglib2_cache_python.user."
