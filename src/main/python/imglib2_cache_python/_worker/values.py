# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Values as bytes, for what Java and Python tell each other besides blocks.

One byte says what follows; numbers are big-endian:

===== ==========================================================
N T F None, True, False
I J D integer of 64 bits; any integer as text; double
S B   text in UTF-8, bytes: length (4 bytes), content
U     text that has half of a surrogate pair, in UTF-16: length in bytes (4 bytes), content
L M   list, dict: number of entries (4 bytes), the entries or pairs
A     array: dtype as text, number of axes (1 byte, at least 1), 8 bytes for the size along each, content in C order
===== ==========================================================
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

_LENGTH = struct.Struct(">I")
_INTEGER = struct.Struct(">q")
_DOUBLE = struct.Struct(">d")

# Values nested more deeply are refused, as those are that contain themselves.
_MAX_DEPTH = 100

# What an array of Java can have along one axis.
_MAX_SIZE = 2**31 - 1

_DTYPES = frozenset(
    ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
)


def encode(value: Any) -> bytes:  # noqa: ANN401
    """The bytes of a value.

    Raises:
        TypeError: If such a value cannot leave the process.
    """
    parts: list[bytes] = []
    _encode(value, parts, 0)
    return b"".join(parts)


def _encode(value: Any, parts: list[bytes], depth: int) -> None:  # noqa: ANN401
    if depth > _MAX_DEPTH:
        raise TypeError(f"the value contains itself, or is nested more than {_MAX_DEPTH} times")
    if value is None:
        parts.append(b"N")
    elif isinstance(value, (bool, np.bool_)):
        parts.append(b"T" if value else b"F")
    elif isinstance(value, (int, np.integer)) and not isinstance(value, np.timedelta64):
        number = int(value)
        if -(2**63) <= number < 2**63:
            parts += (b"I", _INTEGER.pack(number))
        else:
            # In hexadecimal, because Python refuses to write very long numbers in decimal.
            _sized(b"J", f"{number:x}".encode(), parts)
    elif isinstance(value, (float, np.floating)):
        parts += (b"D", _DOUBLE.pack(float(value)))
    elif isinstance(value, str):
        _text(value, parts)
    elif isinstance(value, (bytes, bytearray)):
        _sized(b"B", bytes(value), parts)
    elif isinstance(value, (list, tuple)):
        parts += (b"L", _LENGTH.pack(len(value)))
        for entry in value:
            _encode(entry, parts, depth + 1)
    elif isinstance(value, Mapping):
        pairs = list(value.items())
        parts += (b"M", _LENGTH.pack(len(pairs)))
        for key, entry in pairs:
            _encode(key, parts, depth + 1)
            _encode(entry, parts, depth + 1)
    elif isinstance(value, np.ndarray) and _can_leave(value):
        _array(value, parts, depth)
    else:
        raise TypeError(_refusal(value))


def _text(text: str, parts: list[bytes]) -> None:
    try:
        _sized(b"S", text.encode(), parts)
    except UnicodeEncodeError:
        _sized(b"U", text.encode("utf-16-be", "surrogatepass"), parts)


def _array(array: np.ndarray, parts: list[bytes], depth: int) -> None:
    if not array.ndim:
        _encode(array.item(), parts, depth)
        return
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    _sized(b"A", native.dtype.name.encode(), parts)
    parts.append(bytes((native.ndim,)))
    parts += (_INTEGER.pack(size) for size in native.shape)
    parts.append(native.tobytes())


def _sized(tag: bytes, content: bytes, parts: list[bytes]) -> None:
    parts += (tag, _LENGTH.pack(len(content)), content)


def _can_leave(array: np.ndarray) -> bool:
    return array.dtype.name in _DTYPES and not _is_masked(array) and max(array.shape, default=0) <= _MAX_SIZE


def _is_masked(value: Any) -> bool:  # noqa: ANN401
    # Not imported here: numpy imports it when somebody uses it, maybe another thread just now.
    kind = getattr(sys.modules.get("numpy.ma.core"), "MaskedArray", None)
    return kind is not None and isinstance(value, kind)


def _refusal(value: Any) -> str:  # noqa: ANN401
    kind = f"a {type(value).__qualname__}"
    remedy = (
        "possible are None, bool, int, float, str, bytes, lists, tuples, dicts, and arrays of bool, of integers, and "
        "of float32 or float64"
    )
    if _is_masked(value):
        remedy = "Java's arrays have no mask, so use value.filled(number)"
    elif isinstance(value, np.ndarray):
        kind = f"an array of {value.dtype}"
        if max(value.shape, default=0) > _MAX_SIZE:
            kind += f" and of shape {value.shape}"
            remedy = f"Java's arrays have at most {_MAX_SIZE} entries along each axis"
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "mM":
        remedy = "use value.astype('int64'), a number of its units, or value.astype(str)"
    return f"{kind} cannot leave the worker process: {remedy}"


def decode(data: bytes | bytearray) -> Any:  # noqa: ANN401
    """The value that the bytes stand for; arrays are copies that can be written."""
    value, at = _decode(data, 0)
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes follow the value")
    return value


def _decode(data: bytes | bytearray, at: int) -> tuple[Any, int]:
    tag = bytes(data[at : at + 1])
    at += 1
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag == b"I":
        return _INTEGER.unpack_from(data, at)[0], at + 8
    if tag == b"D":
        return _DOUBLE.unpack_from(data, at)[0], at + 8
    if tag == b"A":
        return _decode_array(data, at)
    (length,) = _LENGTH.unpack_from(data, at)
    at += 4
    if tag == b"L":
        entries = []
        for _ in range(length):
            entry, at = _decode(data, at)
            entries.append(entry)
        return entries, at
    if tag == b"M":
        pairs = {}
        for _ in range(length):
            key, at = _decode(data, at)
            if key in pairs:
                raise ValueError(f"two keys of a map are the same in Python: {key!r}")
            pairs[key], at = _decode(data, at)
        return pairs, at
    content = bytes(data[at : at + length])
    at += length
    if tag == b"J":
        return int(content, 16), at
    if tag == b"S":
        return content.decode(), at
    if tag == b"U":
        return content.decode("utf-16-be", "surrogatepass"), at
    if tag == b"B":
        return content, at
    raise ValueError(f"unknown kind of value: {tag!r}")


_CONSTANTS = {b"N": None, b"T": True, b"F": False}


def _decode_array(data: bytes | bytearray, at: int) -> tuple[np.ndarray, int]:
    (length,) = _LENGTH.unpack_from(data, at)
    at += 4
    dtype = np.dtype(bytes(data[at : at + length]).decode())
    at += length
    axes = data[at]
    at += 1
    shape = struct.unpack_from(f">{axes}q", data, at)
    at += 8 * axes
    count = int(np.prod(shape, dtype=np.int64))
    array = np.frombuffer(data, dtype, count, at) if count else np.empty(0, dtype)
    return array.reshape(shape).copy(), at + count * dtype.itemsize
