# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Python in a process of its own, as a worker of a JVM."""
