# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Describes a Python to Java before Java starts that Python in its own process.

It runs in a separate process, and uses the standard library only.
"""
