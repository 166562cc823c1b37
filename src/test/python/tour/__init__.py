# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""A tour of the standard library and of the packages of the project's environment, for `StressMain`."""
