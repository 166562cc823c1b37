# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What a worker process runs: a Python whose worker computes the blocks of one JVM, by memory that both have mapped."""
