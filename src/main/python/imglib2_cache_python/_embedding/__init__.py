# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Adapts a Python that shares its process with a JVM: its interpreters, signals and child processes.

This is the only part that knows Jep. It may use all other parts.
"""
