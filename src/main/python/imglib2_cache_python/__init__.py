# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The Python half of imglib2-cache-python: it computes the cells of an ImgLib2 image.

The package is in the jar, and Jep runs it in the JVM. It needs no JVM: it can be used and tested on its own.
"""

# The code of images, queues and tasks runs in modules whose names begin with this.
USER_MODULES = "imglib2_cache_python.user."

__all__ = ["Block", "BlockError", "map_blocks"]

# Their modules. Modules that import numpy are imported when they are used: a Python without it is probed.
_PUBLIC = {"Block": "block", "BlockError": "blockwise", "map_blocks": "blockwise"}


def __getattr__(name: str) -> object:
    """Imports what users import from here, when they use it."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = __import__(f"{__name__}.{_PUBLIC[name]}", fromlist=[name])
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
