# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Advice for exceptions of user code that beginners often meet: what to do about them."""

from __future__ import annotations

import builtins
import difflib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields, replace
from functools import cached_property
from types import FrameType, ModuleType
from typing import NamedTuple

import numpy as np

from imglib2_cache_python import USER_MODULES
from imglib2_cache_python._probe.installing import command, environment, is_externally_managed, preparation
from imglib2_cache_python.block import Block
from imglib2_cache_python.complex_warning import ComplexWarning
from imglib2_cache_python.failure import MAX_MESSAGE, Failure
from imglib2_cache_python.snippet import Snippet

# Mode of an ordinary Python, without a JVM, in which there are no settings of Java.
PLAIN = "PLAIN"

# Folders with modules of the user, from PythonEnvironment.withModulePath.
module_path: list[str] = []

# Bytes that the code of this worker may take, from PythonEnvironment.withMemoryLimit; None for any number.
memory_limit: int | None = None

# Modules whose package has another name: the name in imports, and the name for pip.
_DISTRIBUTIONS = {
    "attr": "attrs",
    "bioformats": "python-bioformats",
    "bs4": "beautifulsoup4",
    "cairo": "pycairo",
    "community": "python-louvain",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dicom": "pydicom",
    "distutils": "setuptools",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "google.protobuf": "protobuf",
    "imagej": "pyimagej",
    "jpype": "JPype1",
    "magic": "python-magic",
    "medpy": "MedPy",
    "mpl_toolkits": "matplotlib",
    "nrrd": "pynrrd",
    "openslide": "openslide-python",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "pptx": "python-pptx",
    "pylab": "matplotlib",
    "pywt": "PyWavelets",
    "ruamel": "ruamel.yaml",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "vtkmodules": "vtk",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}

_SHAPE = re.compile(r"\((\d+(?:, ?\d+)*),?\)")


class _Case(NamedTuple):
    """An exception, its stack, and the match of its message with the pattern of the remedy."""

    error: BaseException
    message: str
    match: re.Match[str]
    frames: list[FrameType]
    mode: str

    @property
    def block(self) -> Block | None:
        """The block that was computed, as the code has left it; None if the code is not that of an image."""
        return next((frame.f_locals["block"] for frame in self.frames if frame.f_code in _RUN_CODES), None)

    @property
    def input_names(self) -> list[str]:
        """Names of inputs, which the code does not see any more."""
        settings = [frame.f_locals["self"].settings for frame in self.frames if frame.f_code in _RUN_CODES]
        return [name for one in settings for name in one.input_names if name is not None]

    @property
    def module_path(self) -> str:
        """What modules of the user are found by."""
        return "sys.path" if self.mode == PLAIN else "PythonEnvironment.withModulePath"

    @property
    def in_function(self) -> bool:
        """Whether the code of the image is a function reference."""
        return any(frame.f_code is Snippet._run_function.__code__ for frame in self.frames)


_RUN_CODES = {Snippet._run_statements.__code__, Snippet._run_function.__code__}


def with_advice(failure: Failure, error: BaseException, mode: str) -> Failure:
    """The failure with advice, if there is any. Never raises.

    Args:
        failure: The exception as text.
        error: The exception.
        mode: Mode of the interpreters, ``SUB`` or ``SHARED``, or `PLAIN`.
    """
    # Attributes and methods of the user's objects may raise anything.
    with suppress(BaseException):
        frames = []
        entry = BaseException.__traceback__.__get__(error)
        while entry is not None:
            frames.append(entry.tb_frame)
            entry = entry.tb_next
        # `isinstance` would read attributes of the exception.
        kinds = {kind.__name__ for kind in type.__dict__["__mro__"].__get__(type(error))}
        for names, pattern, remedy in _REMEDIES:
            match = pattern.search(failure.message) if not kinds.isdisjoint(names) else None
            advice = remedy(_Case(error, failure.message, match, frames, mode)) if match else None
            if advice:
                return replace(failure, advice=advice[:MAX_MESSAGE])
    return failure


def _missing_module(case: _Case) -> str:
    name = getattr(case.error, "name", None) or case.match[1]
    parent, _, last = name.rpartition(".")
    if name.startswith(USER_MODULES.removesuffix(".")):
        return (
            "This code does not belong to a package, so it cannot import relatively. Put the module into a folder of "
            f"{case.module_path} and import it by its own name. {_searched_folders(case.mode)}"
        )
    top = name.partition(".")[0]
    if parent and _is_importable(top):
        return _missing_submodule(case, parent, last)
    if top in sys.stdlib_module_names:
        return f"{top} belongs to Python's standard library, but {_python()} lacks it"
    distribution = next((_DISTRIBUTIONS[key] for key in (name, top) if key in _DISTRIBUTIONS), None)
    if distribution:
        return f"It is not installed in {_python()}. Install it: {_pip(distribution)}"
    similar = _similar_names(top, (module.name for module in pkgutil.iter_modules()))
    return (
        f"{_did_you_mean(similar)}{_python()} does not have it. If it is a package, install it: {_pip(top)}\n"
        f"If it is a module of your own, put it into a folder of {case.module_path}. "
        f"{_searched_folders(case.mode)}"
    )


def _missing_submodule(case: _Case, parent: str, name: str) -> str:
    places = list(getattr(sys.modules.get(parent), "__path__", ()))
    if not places:
        return f"{parent} contains no modules. {_searched_folders(case.mode)}"
    similar = _did_you_mean(_similar_names(name, (module.name for module in pkgutil.iter_modules(places))))
    text = f"{similar}{parent}, in {', '.join(places)}, contains no module {name}."
    if any(place.startswith(folder) for place in places for folder in module_path):
        return f"{text} {_searched_folders(case.mode)}"
    top = parent.partition(".")[0]
    return f"{text} If a newer version contains it, install that: {_pip('--upgrade ' + _DISTRIBUTIONS.get(top, top))}"


def _relative_import(case: _Case) -> str:
    return (
        f"A module directly in a folder of {case.module_path} does not belong to a package: import the "
        f"modules beside it by their own names. {_searched_folders(case.mode)}"
    )


def _missing_name(case: _Case) -> str | None:
    module = re.search(r"from '([\w.]+)'", case.message)
    similar = _similar_names(case.match[1], _names_in(sys.modules.get(module[1]) if module else None))
    return _did_you_mean(similar).strip() if similar else None


def _import_in_sub_interpreter(case: _Case) -> str | None:
    if case.mode != "SUB" or issubclass(type(case.error), ModuleNotFoundError):
        return None
    return (
        "This code runs in a sub-interpreter, which some compiled packages do not support: try "
        "InterpreterMode.SHARED, or -Dimglib2.python.mode=SHARED"
    )


def _undefined_name(case: _Case) -> str | None:
    name, frame = case.match[1], case.frames[-1]
    known = [*frame.f_locals, *frame.f_globals, *case.input_names, *vars(builtins)]
    similar = _did_you_mean(_similar_names(name, known))
    in_user_code = str(frame.f_globals.get("__name__")).startswith(USER_MODULES)
    if name == "block":
        return (
            "Only the code of an image knows block, and only while it runs. Functions of init code and of modules need "
            "it as an argument: f(block)"
        )
    if not in_user_code:
        if not frame.f_code.co_filename.startswith(tuple(module_path) or ("\0",)):
            return similar.strip() or None
        return f"{similar}A module sees the names that it defines or imports, not those of the queue's init code"
    if similar:
        hint = ""
    elif name in _USUAL_IMPORTS:
        hint = f"Is an import missing: {_USUAL_IMPORTS[name]}? "
    else:
        hint = f"Is an import missing: import {name}? " if _is_importable(name) else ""
    if case.mode == PLAIN:
        return (
            f"{similar}{hint}This code sees the names that it defines itself, and parameters: "
            f'map_blocks(..., parameters={{"{name}": ...}}). It does not see names of the code that calls map_blocks'
        )
    return (
        f'{similar}{hint}This code sees the names that it defines itself; parameters, .parameter( "{name}", ... ), and '
        f'inputs with a name, .input( "{name}", image ), of PythonImg.builder; and those of the init code of its '
        f'queue, new PythonCacheLoaderQueue( numWorkers, "{name} = ..." ). It does not see names of the code of other '
        "images"
    )


# Names that are usually imported from a package or under another name, and how.
_USUAL_IMPORTS = {
    "numpy": "import numpy, or use np, which is always defined",
    "ndi": "from scipy import ndimage as ndi",
    "ndimage": "from scipy import ndimage",
    "filters": "from skimage import filters",
    "measure": "from skimage import measure",
    "morphology": "from skimage import morphology",
    "segmentation": "from skimage import segmentation",
    "gaussian_filter": "from scipy.ndimage import gaussian_filter",
    "plt": "import matplotlib.pyplot as plt",
    "pd": "import pandas as pd",
    "tf": "import tensorflow as tf",
}


def _unknown_attribute(case: _Case) -> str | None:
    owner, name = getattr(case.error, "obj", None), getattr(case.error, "name", None)
    if not isinstance(name, str):
        return None
    if type(owner) is Block:
        computed = [one for one, attribute in vars(Block).items() if isinstance(attribute, cached_property)]
        names = [*(field.name for field in fields(Block)), *computed]
        similar = ["dim"] if name in ("shape", "size", "dims") else _similar_names(name, names)
        return f"{_did_you_mean([f'block.{one}' for one in similar])}block has {', '.join(names)}"
    # A message of several lines, or with a proposal, gives its own advice.
    if "\n" in case.message or "Did you mean" in case.message:
        return None
    if owner is np and name in vars(builtins):
        return f"numpy has no {name}; use Python's own: {name}"
    return _did_you_mean(_similar_names(name, _names_in(owner))).strip() or None


def _other_shape(case: _Case) -> str | None:
    block = case.block
    if block is None or case.in_function:
        return None
    cell = tuple(block.dim)
    padded = {tuple(array.shape) for array in block.inputs} - {cell}
    found_shapes = [tuple(map(int, numbers.split(","))) for numbers in _SHAPE.findall(case.message)]
    found_numbers = {int(number) for number in re.findall(r"\b\d+\b", _SHAPE.sub("", case.message))}
    # Some messages contain numbers of pixels instead of shapes, or the length of one axis, or no number.
    fits = any(shape in found_shapes or int(np.prod(shape)) in found_numbers for shape in padded)
    fits |= not found_shapes and any(
        a != b and {a, b} <= found_numbers for shape in padded for a, b in zip(shape, cell, strict=False)
    )
    if fits or (padded and not found_shapes and not found_numbers):
        shapes = ", ".join(str(shape) for shape in sorted(padded))
        return (
            f"The cell has the shape {cell}. The inputs also have the halo around it: {shapes}. Crop what is computed "
            "from them by block.halo: block.data[...] = result[block.halo]"
        )
    if len(set(cell)) > 1 and cell[::-1] in found_shapes:
        return f"Axes are in numpy's order, the reverse of ImgLib2's: the shape of the cell is {cell}"
    return None


def _read_only(case: _Case) -> str | None:
    block = case.block
    if block is None or not any(isinstance(array, np.ndarray) and not array.flags.writeable for array in block.inputs):
        return None
    what = "The function's arguments are" if case.in_function else "block.inputs are"
    copy = "argument.copy()" if case.in_function else "block.inputs[0].copy()"
    text = f"{what} read-only, because others may see the same pixels. Change a copy, {copy}"
    if case.mode == PLAIN:
        return text
    return f"{text}, or let the code have arrays of its own: PythonLoaderOptions.writableInputs( true )"


def _single_number(_: _Case) -> str:
    return "This is a single number. A function must return the pixels of the cell, as an array"


def _nothing_returned(_: _Case) -> str:
    return "A function must return the pixels of the cell: return result"


def _imaginary_part(case: _Case) -> str:
    text = "Choose the numbers to store: result.real, result.imag or abs(result). Or make an image of complex pixels"
    return f"{text}: dtype=complex" if case.mode == PLAIN else f"{text}, for instance of ComplexFloatType"


def _memory_limit(_: _Case) -> str | None:
    if not memory_limit:
        return None
    return (
        f"This worker may take {memory_limit:,} bytes of memory (PythonEnvironment.withMemoryLimit), including what "
        "packages, the init code and images keep: allow more, or compute smaller cells"
    )


def _no_file(case: _Case) -> str | None:
    if not case.match[1].startswith("<"):
        return None
    return (
        "The code of an image or a queue has no file, so there is no place for the cache. Put the function into a "
        f"module in a folder of {case.module_path} and import it, or do without the cache (cache=False)"
    )


def _other_process(case: _Case) -> str:
    return (
        "Another process does not have block, nor the names that the code of an image or a queue defines. Put the "
        f"function into a module in a folder of {case.module_path}, import it and give it arrays. Or use "
        "threads, for instance joblib.Parallel(prefer='threads')"
    )


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return f"Python {version} ({sys.executable or sys.prefix})"


def _pip(distribution: str) -> str:
    text = f"{preparation()}{command()} {distribution}"
    if is_externally_managed():
        text += f" (the system looks after this Python: name that new environment instead, {environment()})"
    return text


def _searched_folders(mode: str) -> str:
    if mode == PLAIN:
        return "Only the folders of sys.path are searched"
    if not module_path:
        return "No such folder is set: only Python's own folders are searched"
    return f"These folders are searched besides Python's own: {', '.join(module_path)}"


def _is_importable(module: str) -> bool:
    return module in sys.modules or importlib.util.find_spec(module) is not None


def _names_in(owner: object) -> list[str]:
    if issubclass(type(owner), ModuleType):
        return list(vars(owner))
    return [] if type(owner) is not np.ndarray else dir(owner)


def _similar_names(name: str, names: Iterable[str]) -> list[str]:
    known = {one for one in names if type(one) is str and (not one.startswith("_") or name.startswith("_"))}
    known.discard(name)
    by_lower = {one.lower(): one for one in sorted(known)}
    return [by_lower[one] for one in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.7)]


def _did_you_mean(names: list[str]) -> str:
    return f"Did you mean {' or '.join(names)}? " if names else ""


# Classes of exceptions, a pattern in their messages, and the function that gives advice. The first advice is taken.
_REMEDIES: tuple[tuple[tuple[str, ...], re.Pattern[str], Callable[[_Case], str | None]], ...] = tuple(
    (tuple(kinds.split()), re.compile(pattern, re.IGNORECASE), remedy)
    for kinds, pattern, remedy in (
        ("ModuleNotFoundError", r"No module named '?([\w.]+)'?", _missing_module),
        ("ImportError", r"attempted relative import", _relative_import),
        ("ImportError", r"cannot import name '(\w+)'", _missing_name),
        ("ImportError", r"", _import_in_sub_interpreter),
        ("NameError", r"^name '(\w+)' is not defined", _undefined_name),
        ("AttributeError", r"has no attribute", _unknown_attribute),
        (
            "ValueError TypeError RuntimeError BufferError TypingError error",
            r"read-?only|not writ(e)?able|set WRITEABLE flag|must be read-write|contiguous, writable",
            _read_only,
        ),
        (
            "ValueError IndexError RuntimeError error",
            r"broadcast|output (array )?shape|boolean index did not match|cannot reshape|does not match|must match|"
            r"shape mismatch|same shape|inconsistent shape|wrong shape|not aligned",
            _other_shape,
        ),
        ("ValueError", r"^the function returned shape \(\), expected", _single_number),
        ("TypeError", r"^the function returned None, expected", _nothing_returned),
        (ComplexWarning.__name__, r"", _imaginary_part),
        ("MemoryError", r"", _memory_limit),
        ("RuntimeError", r"cannot cache function .*: no locator available for file '([^']*)'", _no_file),
        ("BrokenProcessPool BrokenExecutor", r"un-?serialize", _other_process),
        ("PicklingError", r"could not pickle|can't pickle", _other_process),
    )
)
