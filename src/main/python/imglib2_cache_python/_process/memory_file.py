# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Makes a file without a name in memory, prints a path of it, and keeps it until the standard input ends.

Java has no ``memfd_create``. The JVM opens the file by this path, and then ends this process; needs no package.
"""

import os
import sys

descriptor = os.memfd_create("imglib2-cache-python")
print(f"/proc/{os.getpid()}/fd/{descriptor}", flush=True)
sys.stdin.buffer.read()
