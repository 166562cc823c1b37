# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Files of blocks that have failed: all that is needed to compute such a block again.

A file is what ``numpy.load( file, allow_pickle=False )`` reads:

=================== ==================================================================================================
``metadata``        JSON in UTF-8, as an array of bytes: see `_metadata`
``input_<i>``       pixels of each input, with its halo, as they were before the code ran
``parameter_<i>``   arrays and numbers of numpy among the parameters; in the metadata, they are
                    ``{"array": "parameter_<i>"}`` and ``{"scalar": ...}``. Dicts are ``{"dict": ...}``, tuples
                    ``{"tuple": ...}``, and other objects, which are not written, ``{"missing": "their class"}``
=================== ==================================================================================================
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imglib2_cache_python.block import Block
from imglib2_cache_python.failure import Failure
from imglib2_cache_python.settings import Opened, Settings

# Counted up when the meaning of an entry changes.
FORMAT = 1

# Of one image, in one folder.
MAX_FILES = 100

# Larger blocks are not written: that would take too long.
MAX_BYTES = 1 << 30

# What `write` returns begins with this if there is a file; the rest of the line is its path.
WRITTEN = "The failed block, with its inputs, is in "

_MAX_NAME = 80

_MAX_PROBLEM = 500

# Characters of a module whose text is written.
_MAX_SOURCE = 1 << 20


def write(
    block: Block, failure: Failure, settings: Settings, code: Mapping[str, Any], family: str | None = None
) -> str:
    """Writes the file of a block into the folder of the settings. Never raises.

    Args:
        block: The block, with the inputs as they were before the code ran.
        failure: What the block has failed with.
        settings: What the code is called with.
        code: Entries about the code: ``name`` of the image, ``code``, ... and ``source``, see `source_entry`.
        family: The files of all images whose names are this and a number are counted together; None if only those of
            this image are counted.

    Returns:
        What to tell the user: where the file is, or why there is none.
    """
    try:
        return _write(block, failure, settings, code, family)
    except BaseException as error:
        # Also a cancellation that arrives late; the block has failed anyway.
        return f"The failed block could not be written into a file: {type(error).__name__}: {error}"[:_MAX_PROBLEM]


def source_entry(source: tuple[str, str] | None) -> dict[str, str] | None:
    """The entry ``source`` of the code, see `write`.

    Args:
        source: Path and text of the module of the user that has the function, see `Snippet.source`.

    Returns:
        The entry; None if the text is not known, or is too long.
    """
    return None if source is None or len(source[1]) > _MAX_SOURCE else {"file": source[0], "text": source[1]}


def _write(block: Block, failure: Failure, settings: Settings, code: Mapping[str, Any], family: str | None) -> str:
    size = sum(pixels.nbytes for pixels in block.inputs)
    if size > MAX_BYTES:
        return f"The failed block was not written into a file: its inputs are {size} bytes, more than {MAX_BYTES}"
    folder = Path(settings.capture_folder or "")
    folder.mkdir(parents=True, exist_ok=True)
    name = _in_file_name(code["name"])
    counted = re.escape(name) if family is None else rf"{re.escape(_in_file_name(family))}_\d+"
    file = folder / f"{name}-cell-{block.index}.npz"
    # A process that ends while it writes leaves a temporary file: those count, too.
    if not file.exists() and _count(folder, counted) + _count_temporary(folder, counted) >= MAX_FILES:
        return (
            f"The failed block was not written into a file: there are {MAX_FILES} files of {family or name} in {folder}"
        )
    arrays: dict[str, np.ndarray] = {}
    metadata = {**_metadata(block, failure, settings, arrays), "source": None, **code}
    text = json.dumps(metadata, default=str).encode("utf-8", "backslashreplace")
    arrays["metadata"] = np.frombuffer(text, np.uint8)
    arrays.update((f"input_{i}", pixels) for i, pixels in enumerate(block.inputs))
    descriptor, temporary = tempfile.mkstemp(".tmp", f".{name}-cell-", folder)
    try:
        with os.fdopen(descriptor, "wb") as out:
            np.savez(out, **arrays)
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise
    # Others may have written meanwhile.
    if _count(folder, counted) > MAX_FILES:
        file.unlink(missing_ok=True)
        return (
            f"The failed block was not written into a file: there are {MAX_FILES} files of {family or name} in {folder}"
        )
    missing = ", ".join(name for name, value in metadata["parameters"].items() if _missing(value))
    return f"{WRITTEN}{file}" + (f"\nThe file lacks parameters that are no plain values: {missing}" if missing else "")


def _in_file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)[:_MAX_NAME]


def _count(folder: Path, names: str) -> int:
    one_of_them = re.compile(rf"{names}-cell-\d+\.npz")
    return sum(one_of_them.fullmatch(file) is not None for file in os.listdir(folder))


def _count_temporary(folder: Path, names: str) -> int:
    one_of_them = re.compile(rf"\.{names}-cell-.*\.tmp")
    return sum(one_of_them.fullmatch(file) is not None for file in os.listdir(folder))


def _metadata(
    block: Block,
    failure: Failure,
    settings: Settings,
    arrays: dict[str, np.ndarray],
) -> dict[str, Any]:
    components = list(block.data.shape[len(block.dim) :])
    return {
        "format": FORMAT,
        "parameters": {name: _as_json(value, arrays) for name, value in settings.parameters.items()},
        "checked": settings.checked,
        "seed": settings.seed,
        "opened": {name: _opened_as_json(opened, arrays) for name, opened in settings.opened.items()},
        "input_names": list(settings.input_names),
        "inputs": len(block.inputs),
        "writable": [pixels.flags.writeable for pixels in block.inputs],
        "dtype": str(block.data.dtype),
        "shape": [*block.dim, *components],
        "index": block.index,
        "min": block.min,
        "max": block.max,
        "dim": block.dim,
        "halo": _bounds(block.halo),
        "crops": [None if crop is None else _bounds(crop) for crop in block.crops],
        "error": {
            "type": failure.type_name,
            "message": failure.message,
            "file": failure.file,
            "line": failure.line,
            "source": failure.source,
        },
        # Where the modules of a function, or of imports, were found.
        "sys_path": list(sys.path),
        "prefix": sys.prefix,
        "versions": {
            "imglib2-cache-python": settings.version,
            "python": platform.python_version(),
            "platform": platform.platform(),
            **imported_versions(),
        },
    }


def _opened_as_json(opened: Opened, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "expression": opened.expression,
        "positional": [_as_json(value, arrays) for value in opened.positional],
        "keywords": {name: _as_json(value, arrays) for name, value in opened.keywords.items()},
        "shape": None if opened.shape is None else list(opened.shape),
        "dtype": opened.dtype,
    }


def _bounds(crop: Sequence[slice]) -> list[list[int]]:
    return [[part.start, part.stop] for part in crop]


def _as_json(value: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401
    if isinstance(value, (np.ndarray, np.generic, complex)) and np.asarray(value).dtype.kind in "biufc":
        name = f"parameter_{len(arrays)}"
        arrays[name] = np.asarray(value)
        return {"array" if isinstance(value, np.ndarray) else "scalar": name}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _as_json(entry, arrays) for key, entry in value.items()}}
    if isinstance(value, (list, tuple)):
        entries = [_as_json(entry, arrays) for entry in value]
        return entries if isinstance(value, list) else {"tuple": entries}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"missing": type(value).__name__}


def _missing(value: Any) -> bool:  # noqa: ANN401
    """Whether something in the JSON of a parameter is missing."""
    if isinstance(value, list):
        return any(map(_missing, value))
    return isinstance(value, dict) and ("missing" in value or any(map(_missing, value.values())))


def imported_versions() -> dict[str, str]:
    """Versions of the packages that are imported."""
    found = {}
    for name, module in list(sys.modules.items()):
        # Not by `getattr`, which could import something.
        version = None if "." in name or name.startswith("_") else getattr(module, "__dict__", {}).get("__version__")
        if type(version) is str and name not in sys.stdlib_module_names:
            found[name] = version
    return found
