# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tells Java about a Python before that Python is started for good.

It runs in a process of its own, in any Python 3, and uses nothing but the standard library.
"""
