# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tries packages in the JVM, in each mode, and writes doc/packages.md."""
