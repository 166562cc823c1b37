# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Reads the files that capsule.py writes. A file may come from a stranger: nothing in it is run or imported.

The files are archives of arrays that are not compressed, so what is read is never larger than the file itself.
"""

from __future__ import annotations

import json
import math
import os
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.lib import format as npy

from imglib2_cache_python.capsule import FORMAT
from imglib2_cache_python.settings import Opened, Settings

# Bytes of the text in JSON. Its lists need many times as much memory.
_MAX_METADATA = 1 << 24

_MAX_ENTRIES = 10_000

_MAX_AXES = 32

# Of lists and dicts in each other. Values that Java hands over are not nested more deeply.
_MAX_DEPTH = 100

# Digits of a number in JSON: longer ones take long to read.
_MAX_DIGITS = 4_300

# A cell of ImgLib2 has no more components.
_MAX_COMPONENTS = (1 << 31) - 1

# Booleans, integers, floating point and complex numbers.
_KINDS = "biufc"

_ENTRY = re.compile(r"(metadata|input_(?:0|[1-9]\d{0,4})|parameter_(?:0|[1-9]\d{0,4}))\.npy", re.ASCII)


class NotACapsuleError(ValueError):
    """A file is not one of a failed block, or it is damaged."""


@dataclass(frozen=True)
class Missing:
    """Stands for a value that was not written.

    Attributes:
        type_name: Name of its class.
    """

    type_name: str


@dataclass(frozen=True)
class Source:
    """The text of the module that a function is in.

    Attributes:
        file: Where it was.
        text: What was in there; or only the function, in its lines.
        uses: What the function uses, if the text is only the function.
    """

    file: str
    text: str
    uses: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What is known about the failure.

    Attributes:
        type_name: Name of the exception's class.
        message: Its message.
        file: File, or name of the snippet, of the user's line; empty if there is none.
        line: Number of the line; 0 if there is none.
        source: Text of the line.
    """

    type_name: str
    message: str
    file: str
    line: int
    source: str


@dataclass(frozen=True)
class Capsule:
    """A block that has failed. All is checked: shapes fit, and numbers are numbers.

    Attributes:
        name: Name of the image.
        code: Statements, or a function reference.
        init: Code that ran before; None if it is not known.
        source: Module that the code names; None if it was not recorded.
        settings: Parameters and names of inputs.
        check_written: See `Snippet`.
        cancelled: Whether the code was cancelled because it took too long, or nobody wanted it any more.
        inputs: Pixels of the inputs, read-only where they were.
        dtype: Of the cell.
        shape: Of the cell, with the components of a pixel.
        index: Index of the cell.
        min: See `Block`.
        max: See `Block`.
        dim: See `Block`.
        halo: See `Block`.
        crops: See `Block`.
        error: What it has failed with.
        sys_path: Where modules were found.
        prefix: Folder of the Python; None if it is not known.
        versions: Of Python and packages.
    """

    name: str
    code: str
    init: str | None
    source: Source | None
    settings: Settings
    check_written: bool
    cancelled: bool
    inputs: list[np.ndarray]
    dtype: np.dtype
    shape: tuple[int, ...]
    index: int
    min: tuple[int, ...]
    max: tuple[int, ...]
    dim: tuple[int, ...]
    halo: tuple[slice, ...]
    crops: list[tuple[slice, ...] | None]
    error: Recorded
    sys_path: list[str]
    prefix: str | None
    versions: Mapping[str, str]


def read(file: str | os.PathLike[str]) -> Capsule:
    """Reads and checks a file. Runs nothing, and imports nothing that the file names.

    Raises:
        NotACapsuleError: The file is not one of a failed block, is damaged, or was written by a newer version.
        OSError: It cannot be opened.
    """
    with open(file, "rb") as stream:
        try:
            return _read(stream)
        except NotACapsuleError:
            raise
        except Exception as error:
            # Of zipfile, numpy and json, which raise many types for files that are damaged, or made to be.
            raise NotACapsuleError(f"{type(error).__name__}: {str(error)[:200]}") from error


def _read(stream: Any) -> Capsule:  # noqa: ANN401
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    with zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
        if len(entries) > _MAX_ENTRIES:
            _refuse(f"it has {len(entries)} entries, expected at most {_MAX_ENTRIES}")
        names = [entry.filename for entry in entries]
        for entry in entries:
            if not _ENTRY.fullmatch(entry.filename):
                _refuse(f"it has the entry {entry.filename[:80]!r}, expected metadata.npy, input_0.npy, ...")
            if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
                _refuse(f"its entry {entry.filename} is compressed or encrypted")
            if entry.file_size != entry.compress_size:
                _refuse(f"its entry {entry.filename} has two sizes: {entry.file_size} and {entry.compress_size} bytes")
        if len(set(names)) < len(names):
            _refuse("it has two entries of the same name")
        if sum(entry.file_size for entry in entries) > size:
            _refuse(f"its entries are larger than the file, which is {size} bytes")
        if "metadata.npy" not in names:
            _refuse("it has no entry metadata.npy")
        if archive.getinfo("metadata.npy").file_size > _MAX_METADATA:
            _refuse(f"its metadata are larger than {_MAX_METADATA} bytes")
        text = _array(archive, "metadata")
        if text.dtype != np.uint8 or text.ndim != 1:
            _refuse("its metadata are not a text")
        metadata = json.loads(text.tobytes().decode("utf-8"), parse_int=_integer)
        if type(metadata) is not dict or type(metadata.get("format")) is not int:
            _refuse("its metadata do not tell the format")
        if metadata["format"] != FORMAT:
            _refuse(f"its format is {metadata['format']}, expected {FORMAT}: another version has written it")
        arrays = {name[:-4]: _array(archive, name[:-4]) for name in names if name != "metadata.npy"}
    return _capsule(_Entries(metadata, "metadata"), arrays)


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        _refuse(f"a number has {len(digits)} digits")
    return int(digits)


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        version = npy.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            _refuse(f"the array {name} has version {version}")
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_fortran, dtype = header(stream)
        if dtype.kind not in _KINDS or dtype.fields or dtype.subdtype:
            _refuse(f"the array {name} has dtype {str(dtype)[:80]}, expected numbers")
        if len(shape) > _MAX_AXES or not all(type(length) is int and length >= 0 for length in shape):
            _refuse(f"the array {name} has shape {str(shape)[:80]}")
        # The rest of the entry. It is no larger than the file, whatever the shape says.
        expected = math.prod(shape) * dtype.itemsize
        if expected > entry.file_size:
            _refuse(f"the array {name} has shape {str(shape)[:80]}, and too few bytes for it: {entry.file_size}")
        content = stream.read()
    if len(content) != expected:
        _refuse(f"the array {name} has {len(content)} bytes, expected {expected}")
    return np.ndarray(shape, dtype, content, order="F" if is_fortran else "C").copy("K")


def _capsule(entries: _Entries, arrays: dict[str, np.ndarray]) -> Capsule:
    dim = entries.sizes("dim")
    shape = entries.sizes("shape")
    if shape[: len(dim)] != dim or math.prod(shape) > _MAX_COMPONENTS:
        _refuse(f"a cell of {dim} pixels has shape {shape}")
    inputs = [arrays.pop(f"input_{i}", None) for i in range(min(entries.get("inputs", int), _MAX_ENTRIES))]
    writable = entries.list("writable", bool)
    if any(pixels is None for pixels in inputs) or len(writable) != len(inputs):
        _refuse(f"it has not all of its {entries.get('inputs', int)} inputs")
    for pixels, is_writable in zip(inputs, writable, strict=True):
        pixels.flags.writeable = is_writable
    names = [None if name is None else _of(name, str, "input_names") for name in entries.list("input_names")]
    crops = [None if crop is None else _slices(crop, "crops") for crop in entries.list("crops")]
    if len(names) > len(inputs) or len(crops) > len(inputs):
        _refuse(f"it has {len(inputs)} inputs, {len(names)} names of inputs and {len(crops)} crops")
    minimum, maximum = entries.integers("min"), entries.integers("max")
    halo = _slices(entries.list("halo"), "halo")
    if not len(minimum) == len(maximum) == len(dim) or (inputs and len(halo) > _MAX_AXES):
        _refuse(f"a cell of {len(dim)} axes goes from {minimum} to {maximum}")
    parameters = {name: _value(value, arrays) for name, value in entries.get("parameters", dict).items()}
    opened = {
        name: _opened(_Entries(_of(its, dict, "opened"), "opened"), arrays)
        for name, its in (entries.optional("opened", dict) or {}).items()
    }
    seed = entries.optional("seed", int) or 0
    if seed < 0:
        _refuse(f"its seed is {seed}")
    if arrays:
        _refuse(f"nothing uses its entry {min(arrays)}")
    source = _source(entries.optional("source", dict))
    error = _Entries(entries.get("error", dict), "error")
    versions = entries.get("versions", dict)
    return Capsule(
        name=entries.get("name", str),
        code=entries.get("code", str),
        init=entries.optional("init", str),
        source=source,
        settings=Settings(
            parameters=parameters,
            input_names=names,
            checked=entries.optional("checked", bool) or False,
            seed=seed,
            opened=opened,
        ),
        check_written=entries.get("check_written", bool),
        cancelled=entries.optional("cancelled", bool) or False,
        inputs=inputs,
        dtype=_dtype(entries.get("dtype", str)),
        shape=shape,
        index=entries.get("index", int),
        min=minimum,
        max=maximum,
        dim=dim,
        halo=halo,
        crops=crops,
        error=Recorded(
            type_name=error.get("type", str),
            message=error.get("message", str),
            file=error.get("file", str),
            line=error.get("line", int),
            source=error.get("source", str),
        ),
        sys_path=entries.list("sys_path", str),
        prefix=entries.optional("prefix", str),
        versions={name: version for name, version in versions.items() if type(version) is str},
    )


def _source(given: Mapping[str, Any] | None) -> Source | None:
    if given is None:
        return None
    entries = _Entries(given, "source")
    return Source(entries.get("file", str), entries.get("text", str), entries.optional("uses", str))


def _opened(entries: _Entries, arrays: dict[str, np.ndarray]) -> Opened:
    return Opened(
        expression=entries.get("expression", str),
        positional=[_value(value, arrays) for value in entries.list("positional")],
        keywords={name: _value(value, arrays) for name, value in entries.get("keywords", dict).items()},
        shape=None if entries.optional("shape", list) is None else entries.sizes("shape"),
        dtype=entries.optional("dtype", str),
    )


class _Entries:
    """An object of JSON, whose entries are checked when they are read."""

    def __init__(self, entries: Mapping[str, Any], name: str) -> None:
        self._entries = entries
        self._name = name

    def get(self, key: str, kind: type) -> Any:  # noqa: ANN401
        return _of(self._entries.get(key), kind, key)

    def optional(self, key: str, kind: type) -> Any:  # noqa: ANN401
        return None if self._entries.get(key) is None else self.get(key, kind)

    def list(self, key: str, kind: type | None = None) -> list[Any]:
        items = self.get(key, list)
        return items if kind is None else [_of(item, kind, key) for item in items]

    def integers(self, key: str) -> tuple[int, ...]:
        return tuple(self.list(key, int))

    def sizes(self, key: str) -> tuple[int, ...]:
        sizes = self.integers(key)
        if len(sizes) > _MAX_AXES or any(size < 0 for size in sizes):
            _refuse(f"its {key} is {str(sizes)[:80]}")
        return sizes


def _of(value: Any, kind: type, key: str) -> Any:  # noqa: ANN401
    # A boolean is no integer here.
    if type(value) is not kind:
        _refuse(f"the entry {key!r} of its metadata is {_shown(value)}, expected {kind.__name__}")
    return value


def _shown(value: Any) -> str:  # noqa: ANN401
    return "missing" if value is None else f"{type(value).__name__} {str(value)[:80]!r}"


def _slices(bounds: Any, key: str) -> tuple[slice, ...]:  # noqa: ANN401
    slices = []
    for part in _of(bounds, list, key):
        start, stop = (_of(bound, int, key) for bound in _of(part, list, key))
        if not 0 <= start <= stop:
            _refuse(f"the entry {key!r} of its metadata has the bounds {start} and {stop}")
        slices.append(slice(start, stop))
    return tuple(slices)


def _value(value: Any, arrays: dict[str, np.ndarray], depth: int = 0) -> Any:  # noqa: ANN401
    if depth > _MAX_DEPTH:
        _refuse(f"a parameter is nested more than {_MAX_DEPTH} deep")
    if type(value) is list:
        return [_value(item, arrays, depth + 1) for item in value]
    if type(value) is not dict:
        return value
    ((kind, content),) = value.items() if len(value) == 1 else (("", None),)
    if kind == "dict" and type(content) is dict:
        return {key: _value(item, arrays, depth + 1) for key, item in content.items()}
    if kind == "tuple" and type(content) is list:
        return tuple(_value(item, arrays, depth + 1) for item in content)
    if kind == "missing" and type(content) is str:
        return Missing(content)
    if kind not in ("array", "scalar") or type(content) is not str or content not in arrays:
        _refuse(f"a parameter is {str(value)[:80]}")
    if kind == "scalar" and arrays[content].ndim:
        _refuse(f"a parameter is no single number, but has shape {arrays[content].shape}")
    array = arrays.pop(content)
    return array[()] if kind == "scalar" else array


def _dtype(name: str) -> np.dtype:
    # Longer texts are no numbers; some of them would make large dtypes.
    dtype = np.dtype(name) if re.fullmatch(r"[<>=|]?[a-z]+\d{0,3}", name) and len(name) < 20 else None
    if dtype is None or dtype.kind not in _KINDS:
        _refuse(f"its dtype is {name[:80]!r}, expected the name of a type of numbers")
    return dtype


def _refuse(why: str) -> NoReturn:
    raise NotACapsuleError(why)
