# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The first code that runs in a Python that the user named: probes it, or prints its version if that is too old.

Run as ``python -I -c "the text of this file" FOLDER [sharing]``, where FOLDER contains this package. The text must be
valid in every Python 3, so that an old Python prints its version instead of a syntax error.
"""

import sys

if sys.version_info < (3, 10):
    # A program that is no Python may print this text: it must not contain the markers.
    print("\n<%s>" % "imglib2-cache-python")
    print("version=%d.%d.%d" % sys.version_info[:3])
    print("</%s>" % "imglib2-cache-python")
else:
    sys.path.insert(0, sys.argv[1])
    from imglib2_cache_python._probe import probe

    probe.main("sharing" in sys.argv[2:])
