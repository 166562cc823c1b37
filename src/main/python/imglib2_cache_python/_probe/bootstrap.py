# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""First thing that runs in a Python that the user named: says its version, then probes it if that is new enough.

Run as ``python -I -c "the text of this file" FOLDER`` with the folder that this package lies in. It must be valid
in every Python 3, so that an old one is named as such and not as a syntax error.
"""

import sys

if sys.version_info < (3, 10):
    # The markers are not in this text, which a program that is no Python may print.
    print("\n<%s>" % "imglib2-cache-python")
    print("version=%d.%d.%d" % sys.version_info[:3])
    print("</%s>" % "imglib2-cache-python")
else:
    sys.path.insert(0, sys.argv[1])
    from imglib2_cache_python._probe import probe

    probe.main()
