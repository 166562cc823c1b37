# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Runs a block that has failed again, without a JVM: ``python -m imglib2_cache_python.replay FILE [--show] [--pdb]``.

``PythonImgBuilder.captureFailures`` and ``map_blocks(..., capture=folder)`` write the file. The block gets the inputs,
parameters and checks that it had, and its error is printed. The code is run: do that only with files that you trust.
``--show`` runs nothing and imports nothing.

The exit code is 1 if the block fails again, 0 if it does not, and 2 if it could not be run: the file is not one of a
failed block, or what its code needs is not here.
"""

from __future__ import annotations

import argparse
import faulthandler
import functools
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import pdb
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from imglib2_cache_python import USER_MODULES
from imglib2_cache_python.advice import PLAIN, with_advice
from imglib2_cache_python.block import Block
from imglib2_cache_python.capsule import imported_versions
from imglib2_cache_python.capsule_reader import Capsule, Missing, NotACapsuleError, Source, read
from imglib2_cache_python.failure import Failure, capture
from imglib2_cache_python.reference import (
    INSTALL_FOLDERS,
    Pin,
    Reference,
    function_reference,
    module_for_text,
    pin,
    source_file,
)
from imglib2_cache_python.snippet import Snippet, compile_code, new_namespace, normalised
from imglib2_cache_python.sources import described

SUCCEEDS, FAILS, CANNOT_RUN = 0, 1, 2

# The only image here.
_IMAGE = 1

# Parameters are printed up to this length.
_MAX_VALUE = 200

# What the versions call this library.
_THIS = "imglib2-cache-python"

_PACKAGE_FOLDER = str(Path(__file__).parent) + os.sep


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: Of the command line; None for those of this process.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        "python -m imglib2_cache_python.replay",
        description="Runs a block that has failed again. Exit code: 1 if it fails again, 0 if it does not, 2 if it "
        "cannot be run.",
    )
    parser.add_argument(
        "file", metavar="FILE", help="what captureFailures, or map_blocks(..., capture=...), has written"
    )
    parser.add_argument("--show", action="store_true", help="print what is in the file, and run nothing")
    parser.add_argument("--pdb", action="store_true", help="stop in the debugger where the code fails")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        capsule = read(options.file)
    except NotACapsuleError as error:
        why = " ".join(str(error).split())
        print(_printable(f"{options.file} is not the file of a failed block, or it is damaged: {why}"), file=sys.stderr)
        return CANNOT_RUN
    except OSError as error:
        print(_printable(f"{options.file} cannot be read: {error.strerror or error}"), file=sys.stderr)
        return CANNOT_RUN
    if options.show:
        _print(describe(capsule))
        return SUCCEEDS
    return _Replay(capsule, stops=options.pdb).run()


def describe(capsule: Capsule) -> str:
    """What is in a file, as text for people. Runs nothing."""
    lines = [f"Image {capsule.name}, cell {capsule.index}, from {capsule.min} to {capsule.max}"]
    lines.append(f"block.data: shape {capsule.shape}, {capsule.dtype}")
    names = [*capsule.settings.input_names, *[None] * len(capsule.inputs)]
    crops = [*capsule.crops, *[None] * len(capsule.inputs)]
    for i, pixels in enumerate(capsule.inputs):
        name = "" if names[i] is None else f" ({names[i]})"
        writable = ", writable" if pixels.flags.writeable else ""
        crop = capsule.halo if crops[i] is None else crops[i]
        bounds = ", ".join(f"{part.start}:{part.stop}" for part in crop or ())
        lines.append(f"block.inputs[{i}]{name}: shape {pixels.shape}, {pixels.dtype}{writable}; the cell is [{bounds}]")
    for name, value in capsule.settings.parameters.items():
        lines.append(f"parameter {name} = {_shown(value)}")
    lines += [f"opened {name} = {described(opened)}" for name, opened in capsule.settings.opened.items()]
    if capsule.settings.seed:
        lines.append(f"seed {capsule.settings.seed}")
    if capsule.check_written:
        lines.append("Every pixel has to be written.")
    error = capsule.error
    lines += ["", f"Error: {_headline(error.type_name, error.message)}"]
    if error.line:
        lines.append(f"  in {error.file}, line {error.line}: {error.source}")
    if capsule.init is None:
        lines += ["", _UNKNOWN_INIT]
    elif capsule.init:
        lines += ["", "Init code:", _indented(capsule.init)]
    lines += ["", "Code:", _indented(capsule.code)]
    if capsule.source is not None:
        if capsule.source.uses:
            lines += ["", "What the function uses:", _indented(capsule.source.uses)]
        text = capsule.source.text if capsule.source.uses is None else capsule.source.text.strip("\n")
        lines += ["", f"{capsule.source.file}:", _indented(text)]
    at = "" if capsule.prefix is None else f", of the Python in {capsule.prefix}"
    lines += ["", f"Versions{at}:", *(f"    {name} {version}" for name, version in capsule.versions.items())]
    return "\n".join(lines)


_UNKNOWN_INIT = (
    "The init code is not recorded, because tasks have run on the worker, too: what these and the init code have "
    "defined is missing here."
)


class _Replay:
    """One run of a block."""

    def __init__(self, capsule: Capsule, *, stops: bool) -> None:
        self._capsule = capsule
        self._stops = stops
        self._held: Pin | None = None
        # What runs now, for messages.
        self._stage = "the init code"

    def run(self) -> int:
        """Prints what happens; returns the exit code."""
        capsule = self._capsule
        _print(f"Cell {capsule.index} of {capsule.name}, shape {capsule.shape}, {capsule.dtype}")
        for name, value in capsule.settings.parameters.items():
            for missing in _missing(value):
                _print(f"The parameter {name} has an object of type {missing.type_name}, which is not recorded.")
        if capsule.cancelled:
            _print("The code was cancelled. It runs here without a limit: stop it with Ctrl+C.")
        sys.path += [folder for folder in capsule.sys_path if _is_folder_of_modules(folder)]
        snippet: Snippet | None = None
        try:
            snippet = self._prepare()
        except BaseException as error:
            self._report(error, None)
            self._print_versions()
            _print(f"The block was not run, because {self._stage} fails here. Recorded was {self._recorded()}")
            return CANNOT_RUN
        try:
            block = self._block()
        except MemoryError:
            _print(f"The block was not run: there is no memory for a cell of shape {capsule.shape}, {capsule.dtype}")
            return CANNOT_RUN
        try:
            snippet.run(block)
        except BaseException as error:
            failure = self._report(error, lambda: self._show_block(snippet, block))
            self._print_versions()
            _print(self._verdict(failure))
            return FAILS
        self._print_versions()
        _print(f"The block does not fail here. Recorded was {self._recorded()}")
        return SUCCEEDS

    def _prepare(self) -> Snippet:
        """Runs the init code, then compiles the code or imports its function."""
        capsule = self._capsule
        names = new_namespace(f"{USER_MODULES}replay", "<replay>", {})
        if capsule.init is None:
            _print(_UNKNOWN_INIT)
        exec(compile_code(capsule.init or "", "<init>"), names)
        reference = function_reference(capsule.code)
        self._stage = "compiling the code" if reference is None else f"importing {capsule.code.strip()}"
        if reference is not None and capsule.source is not None:
            self._provide(reference, capsule.source)
        if capsule.settings.opened:
            self._stage += f", or opening {', '.join(map(described, capsule.settings.opened.values()))},"
        return Snippet(
            capsule.code,
            f"<{capsule.name}>",
            f"{USER_MODULES}replay_block",
            names,
            check_written=capsule.check_written,
            settings=capsule.settings,
            image=_IMAGE,
        )

    def _provide(self, reference: Reference, source: Source) -> None:
        """Makes the recorded text the module that the code names, if it is not what is here anyway."""
        path = source_file(self._capsule.code)
        here = None
        with suppress(OSError, ValueError, SyntaxError):
            here = None if path is None else normalised(importlib.util.decode_source(Path(path).read_bytes()))
        if here == normalised(source.text):
            return
        if source.uses is not None:
            _print(f"Of {source.file}, what was recorded is run: the function and what it uses.")
        else:
            what = f"{source.file} is not here" if here is None else f"{path} has changed"
            _print(f"{what}: its recorded text is run.")
        name = f"{USER_MODULES}replay_file" if reference.is_file else reference.source
        module = module_for_text(reference, source.file, name)
        self._held = pin(reference.source, module, _IMAGE)
        if source.uses:
            exec(compile_code(source.uses, f"{source.file}, what the function uses"), vars(module))
        exec(compile_code(source.text, source.file), vars(module))

    def _block(self) -> Block:
        capsule = self._capsule
        data = np.zeros(capsule.shape, capsule.dtype)
        inputs = list(capsule.inputs)
        return Block(
            data, inputs, capsule.index, capsule.min, capsule.max, capsule.dim, capsule.halo, tuple(capsule.crops)
        )

    def _report(self, error: BaseException, before_stop: Callable[[], None] | None) -> Failure:
        failure = with_advice(capture(error), error, PLAIN)
        _print(failure.traceback.rstrip())
        if failure.line and failure.file:
            _print(f"{failure.file}, line {failure.line}: {failure.source}")
        if failure.advice:
            _print(failure.advice)
        if self._stops:
            if before_stop is not None:
                before_stop()
            _stop(error.__traceback__, failure)
        return failure

    def _show_block(self, snippet: Snippet, block: Block) -> None:
        """Defines again, for the debugger, what statements see while they run."""
        module = sys.modules.get(snippet.module_name)
        if module is not None:
            namespace = vars(module)
            namespace.setdefault("block", block)
            for name, pixels in zip(self._capsule.settings.input_names, self._capsule.inputs, strict=False):
                if name is not None:
                    namespace.setdefault(name, pixels)

    def _recorded(self) -> str:
        error = self._capsule.error
        where = f" in {error.file}, line {error.line}" if error.line else ""
        return f"{_headline(error.type_name, error.message)}{where}"

    def _verdict(self, failure: Failure) -> str:
        error = self._capsule.error
        place, recorded_place = (failure.file, failure.line), (error.file, error.line)
        if self._capsule.cancelled:
            return f"The code was cancelled at {error.file}, line {error.line}, and ended here as shown above."
        if failure.type_name == error.type_name and place == recorded_place:
            same = "with the same error" if failure.message == error.message else "with the same type of error"
            return f"The block fails again, {same} in the same line."
        return f"The block fails again, but differently. Recorded was {self._recorded()}"

    def _print_versions(self) -> None:
        """After the code has run, when what it imports is imported."""
        different = list(_different(self._capsule.versions))
        if different:
            _print("Versions that differ:\n    " + "\n    ".join(different))


def _different(recorded: Mapping[str, str]) -> list[str]:
    imported = imported_versions()
    found = []
    for name, version in recorded.items():
        here = _version_here(name, imported)
        if name == _THIS and here is None:
            # It is here, but was not installed, so its version is not known.
            continue
        # The name of a version that is developed differs between Java and Python.
        if here != version.replace("-SNAPSHOT", ".dev0"):
            found.append(f"{name}: {version} recorded, {here or 'none'} here")
    return found


def _version_here(name: str, imported: Mapping[str, str]) -> str | None:
    if name == "python":
        return platform.python_version()
    if name == "platform":
        return platform.platform()
    if name in imported:
        return imported[name]
    for distribution in (name, *_distributions().get(name, ())):
        with suppress(importlib.metadata.PackageNotFoundError, ValueError):
            return importlib.metadata.version(distribution)
    return None


@functools.cache
def _distributions() -> Mapping[str, Sequence[str]]:
    """What is installed, by the modules in there."""
    return importlib.metadata.packages_distributions()


def _is_folder_of_modules(folder: str) -> bool:
    """Whether to import from a recorded folder: not from what belongs to the Python that has recorded it."""
    return (
        os.path.isabs(folder)
        and folder not in sys.path
        and "\0" not in folder
        and os.path.isdir(folder)
        and INSTALL_FOLDERS.isdisjoint(Path(folder).parts)
        and Path(folder).name != "lib-dynload"
        and not os.path.exists(os.path.join(folder, "os.py"))
    )


class _Debugger(pdb.Pdb):
    """Begins in the line of the user, below which there may be frames of packages."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self._failure = failure

    def get_stack(self, f: FrameType | None, t: TracebackType | None) -> tuple[list[tuple[FrameType, int]], int]:
        stack, index = super().get_stack(f, t)
        stack = [one for one in stack if not one[0].f_code.co_filename.startswith(_PACKAGE_FOLDER)] or stack
        index = len(stack) - 1
        for i, (frame, line) in enumerate(stack):
            if (frame.f_code.co_filename, line) == (self._failure.file, self._failure.line):
                index = i
        return stack, index


def _stop(traceback: TracebackType | None, failure: Failure) -> None:
    if not failure.frames:
        _print("There is no line of the code to stop at.")
        return
    debugger = _Debugger(failure)
    debugger.reset()
    debugger.interaction(None, traceback)


def _missing(value: Any) -> Iterator[Missing]:  # noqa: ANN401
    if isinstance(value, Missing):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _missing(item)


def _headline(type_name: str, message: str) -> str:
    return f"{type_name}: {message}" if message else type_name


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in normalised(text).split("\n"))


def _shown(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}, {value.dtype}"
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key!r}: {_shown(item)}" for key, item in value.items()) + "}"
    elif isinstance(value, (list, tuple)):
        begin, end = "[]" if isinstance(value, list) else "()"
        text = begin + ", ".join(map(_shown, value)) + end
    elif isinstance(value, Missing):
        text = f"not recorded, of type {value.type_name}"
    else:
        text = repr(value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}... ({len(text)} characters)"


def _printable(text: str) -> str:
    """The text with escapes for what would control a terminal, or change the order of its characters."""
    return "".join(one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)


def _print(text: str) -> None:
    print(_printable(text), flush=True)


if __name__ == "__main__":
    # If code in C ends this process, as it did before, its line is told.
    faulthandler.enable()
    sys.exit(main())
