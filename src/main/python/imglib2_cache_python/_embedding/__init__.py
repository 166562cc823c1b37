# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What a Python needs that shares its process with a JVM: sub-interpreters, signals, other processes.

It is the only part that knows Jep, and may use all others.
"""
