# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What a function returns, as the pixels of a block."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np

from imglib2_cache_python.block import Block

# Number of items of a returned tuple or list that an error describes.
_MAX_ITEMS = 8

# Types of devices in DLPack whose memory the CPU can read: kDLCPU, kDLCUDAHost, kDLROCMHost.
_ON_CPU = {1, 3, 11}


def store(result: Any, block: Block) -> None:  # noqa: ANN401 - whatever a user's function returned
    """Writes the result of a function into the block.

    A result of the shape of an input is cropped as that input has to be for the pixels of the cell; if several inputs
    have that shape, as the first of them.

    Raises:
        TypeError: The result is not an array, has masked pixels, or its dtype does not fit by the rule ``same_kind``.
        ValueError: The shape of the result is neither that of the cell nor that of an input.
    """
    data = block.data
    array = result if type(result) is np.ndarray else _converted(result, block)
    if array.shape != data.shape:
        array = _cropped(array, result, block)
    if not np.can_cast(array.dtype, data.dtype, casting="same_kind"):
        raise TypeError(
            f"the function returned dtype {array.dtype}, which does not fit the image's {data.dtype}; "
            f"convert it explicitly: result.astype(np.{data.dtype})"
        )
    np.copyto(data, array, casting="same_kind")


def _cropped(array: np.ndarray, result: Any, block: Block) -> np.ndarray:  # noqa: ANN401
    for shape, crop in _padded(block):
        if array.shape == shape:
            return array[crop]
    expected = block.data.shape
    several = "; return one of them" if isinstance(result, (tuple, list)) and array.ndim > len(expected) else ""
    raise ValueError(f"the function returned {_described(result)}, {_wanted(result, block)}{several}")


def _padded(block: Block) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Shapes that a result may have besides the cell's, and how it is cropped then."""
    axes = len(block.dim)
    # `block.dim` lacks the axis of the components.
    components = block.data.shape[axes:]
    crops = block.crops or (None,)
    for pixels, crop in zip(block.inputs, crops, strict=False):
        # Where an input has none, the halo that all inputs have.
        its = block.halo if crop is None else crop
        shape = pixels.shape[:axes]
        if len(shape) == len(its) == axes and tuple(map(_length, its, shape)) == block.dim:
            yield shape + components, its


def _length(part: slice, size: int) -> int:
    return len(range(*part.indices(size)))


def _converted(result: Any, block: Block) -> np.ndarray:  # noqa: ANN401
    if result is None:
        raise TypeError(f"the function returned None, {_wanted(result, block)}; return the pixels: return result")
    remedy = _remedy_for(result)
    if remedy:
        raise TypeError(f"the function returned {_described(result)}, {_wanted(result, block)}; {remedy}")
    if np.ma.is_masked(result):
        raise TypeError("the function returned an array with masked pixels; give them a value: result.filled(value)")
    is_dlpack = hasattr(result, "__dlpack__") and not hasattr(result, "__array__")
    try:
        if is_dlpack and not hasattr(result, "__array_interface__"):
            return np.from_dlpack(result)
        return np.asarray(result)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise TypeError(f"the function returned {_described(result)}, {_wanted(result, block)}: {error}") from error


def _wanted(result: Any, block: Block) -> str:  # noqa: ANN401
    expected = block.data.shape
    padded = dict.fromkeys(shape for shape, _ in _padded(block) if shape != expected)
    return (
        f"expected {'' if _has_shape(result) else 'an array of shape '}{expected}"
        f"{' or, padded, ' if padded else ''}{' or '.join(map(str, padded))}"
    )


def _has_shape(result: Any) -> bool:  # noqa: ANN401
    """Whether the result is an array or a single number."""
    return isinstance(result, (np.ndarray, np.generic, int, float, complex))


def _described(result: Any) -> str:  # noqa: ANN401
    """A short description of the result of a function."""
    kind = type(result)
    if _has_shape(result):
        return f"shape {np.shape(result)}"
    name = kind.__name__
    text = f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
    if issubclass(kind, (tuple, list)):
        items = ", ".join(_described_item(item) for item in result[:_MAX_ITEMS])
        return f"{text} of {len(result)} ({items}{', ...' if len(result) > _MAX_ITEMS else ''})"
    shape = getattr(result, "shape", None)
    return f"{text} of shape {tuple(shape)}" if isinstance(shape, tuple) else text


def _described_item(item: Any) -> str:  # noqa: ANN401
    shape = getattr(item, "shape", None)
    return (
        f"{type(item).__name__} of shape {tuple(shape)}" if isinstance(shape, tuple) and shape else type(item).__name__
    )


def _remedy_for(result: Any) -> str:  # noqa: ANN401
    """What to do if the result is not an array; empty if it may be one."""
    if inspect.iscoroutine(result):
        # Else Python warns that the coroutine was never awaited.
        result.close()
        return "await it in the function: return asyncio.run(...)"
    if hasattr(result, "__array__") or hasattr(result, "__dlpack__"):
        return _remedy_for_tensor(result)
    if inspect.isasyncgen(result) or isinstance(result, Iterator):
        return "collect its items in the function: return np.stack(list(...))"
    if isinstance(result, (Mapping, Set)):
        return "return one of its values"
    if callable(getattr(result, "add_done_callback", None)):
        return "wait for it in the function: return future.result()"
    if isinstance(result, (str, bytes, ModuleType)) or inspect.isroutine(result) or inspect.isclass(result):
        return "return the array itself"
    if callable(getattr(result, "toarray", None)):
        return "return all its pixels: return result.toarray()"
    return ""


def _remedy_for_tensor(result: Any) -> str:  # noqa: ANN401
    calls = ""
    if getattr(result, "requires_grad", False) is True:
        calls += ".detach()"
    if not _is_on_cpu(result):
        # cupy has no `cpu`.
        calls += ".get()" if not hasattr(result, "cpu") and callable(getattr(result, "get", None)) else ".cpu()"
    if not calls:
        return ""
    why = "its gradients are recorded" if calls == ".detach()" else "it is in the memory of another device"
    return f"{why}: return result{calls}"


def _is_on_cpu(result: Any) -> bool:  # noqa: ANN401
    with suppress(Exception):
        return int(result.__dlpack_device__()[0]) in _ON_CPU
    # torch refuses to tell the device of a tensor whose gradients are recorded, in some versions.
    return getattr(getattr(result, "device", None), "type", "cpu") in ("cpu", None)
