# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The Python side of a worker, in the JVM or in another process: requests, running code, output, cancellation.

It uses the modules that run user code (`block`, `snippet`, `failure`). Nothing of Jep belongs here.
"""
