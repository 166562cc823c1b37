# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of result.py: which results become pixels, and how they are cropped. More are in test_snippet.py."""

from __future__ import annotations

import array
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from imglib2_cache_python.block import Block, halo_slices
from imglib2_cache_python.result import store

MakeBlock = Callable[..., Block]


def refused(result: Any, block: Block, error: type[Exception] = TypeError) -> str:
    before = block.data.copy()
    with pytest.raises(error) as raised:
        store(result, block)
    np.testing.assert_array_equal(block.data, before)
    return str(raised.value)


def with_inputs(dim: tuple[int, ...], *inputs: tuple[tuple[int, ...], tuple[slice, ...] | None]) -> Block:
    """A block with inputs of these shapes and crops, whose own halo is another one."""
    pixels = [np.zeros(shape) for shape, _ in inputs]
    zeros = (0,) * len(dim)
    crops = tuple(crop for _, crop in inputs)
    return Block(np.zeros(dim), pixels, 0, zeros, zeros, dim, halo_slices(zeros, dim), crops)


@pytest.mark.parametrize("seed", range(60))
def test_a_result_of_the_shape_of_any_input_is_cropped_as_that_input(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = 1 + seed % 5
    dim = tuple(random.integers(1, 5, n).tolist())
    inputs = []
    for i in range(3):
        # No two inputs have the same shape.
        lower, upper = random.integers(0, 4, (2, n))
        upper[0] += 7 * (i + 1)
        inputs.append((tuple((lower + dim + upper).tolist()), halo_slices(lower.tolist(), dim)))
    scaled = tuple(2 * size for size in dim)
    inputs.append(((*scaled[:-1], scaled[-1] + 50), halo_slices((0,) * n, scaled)))
    inputs.append(((*dim[:-1], dim[-1] + 90, 3), halo_slices((0,) * (n + 1), (*dim, 3))))
    block = with_inputs(dim, *inputs)
    for shape, crop in inputs[:3]:
        result = random.random(shape)
        store(result, block)
        np.testing.assert_array_equal(block.data, result[crop], strict=True)
    result = random.random(dim)
    store(result, block)
    np.testing.assert_array_equal(block.data, result, strict=True)
    # Not of the cell's size when they are cropped.
    for shape, _ in inputs[3:]:
        message = refused(np.zeros(shape), block, ValueError)
        assert all(str(padded) in message for padded, _ in inputs[:3])
        assert str(dim) in message


def test_an_input_without_crop_has_the_halo_of_the_image(make_block: MakeBlock) -> None:
    block = make_block((2, 3), lower=(1, 0), upper=(0, 2))
    for crops in ((), (None,)):
        block = replace(block, crops=crops)
        result = np.arange(15.0).reshape(3, 5)
        store(result, block)
        np.testing.assert_array_equal(block.data, result[1:, :3])


def test_components_are_not_cropped() -> None:
    block = replace(with_inputs((2, 3), ((4, 5, 4), halo_slices((1, 1), (2, 3)))), data=np.zeros((2, 3, 2)))
    result = np.random.default_rng(1).random((4, 5, 2))
    store(result, block)
    np.testing.assert_array_equal(block.data, result[1:3, 1:4])
    assert "(2, 3, 2) or, padded, (4, 5, 2)" in refused(np.zeros((4, 5, 4)), block, ValueError)


def test_the_cells_shape_is_enough_if_it_is_that_of_an_input_too() -> None:
    block = with_inputs((1, 1), ((1, 1), halo_slices((0, 0), (1, 1))), ((3, 3), halo_slices((1, 1), (1, 1))))
    store(np.full((1, 1), 5), block)
    assert block.data == 5
    assert "expected (1, 1) or, padded, (3, 3)" in refused(np.zeros(1), block, ValueError)


class Tensor:
    """What torch's tensors have, as far as results are concerned."""

    def __init__(self, array: np.ndarray, device: int = 1, *, requires_grad: bool = False) -> None:
        self.array, self.shape, self.dtype, self.requires_grad = array, array.shape, array.dtype, requires_grad
        self.code = device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.code, 0

    def __dlpack__(self, **arguments: Any) -> Any:
        return self.array.__dlpack__(**arguments)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self.requires_grad or self.code != 1:
            raise RuntimeError("not numpy")
        return self.array

    def cpu(self) -> Tensor:
        return Tensor(self.array)

    def detach(self) -> Tensor:
        return Tensor(self.array, self.code)


class OnlyDlpack:
    def __init__(self, array: np.ndarray, device: int = 1) -> None:
        self.array, self.device = array, device

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def __dlpack__(self, **arguments: Any) -> Any:
        if self.device != 1:
            raise BufferError("on a device")
        return self.array.__dlpack__(**arguments)

    def get(self) -> np.ndarray:
        return self.array


class Interface:
    def __init__(self, array: np.ndarray) -> None:
        self.__array_interface__ = array.__array_interface__
        self.kept = array


class Array:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.array


@pytest.mark.parametrize("wrap", [Tensor, OnlyDlpack, Interface, Array, memoryview, lambda pixels: pixels.tolist()])
@pytest.mark.parametrize("padded", [False, True])
def test_whatever_is_an_array_is_taken(make_block: MakeBlock, wrap: Callable[..., Any], padded: bool) -> None:
    block = make_block((2, 3), lower=(1, 1), upper=(1, 1))
    pixels = np.random.default_rng(0).random((4, 5) if padded else (2, 3)).astype(np.float32)
    if padded and wrap is not Tensor:
        pixels = np.ascontiguousarray(pixels)
    # Lists have 64 bits, which is the same kind.
    store(wrap(pixels), block)
    np.testing.assert_array_equal(block.data, pixels[1:3, 1:4] if padded else pixels)


def test_buffers_are_taken(make_block: MakeBlock) -> None:
    block = make_block((3,))
    store(array.array("f", [1, 2, 3]), block)
    assert block.data.tolist() == [1, 2, 3]
    store(bytearray(b"\1\2\4"), block)
    assert block.data.tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("result", "remedy"),
    [
        (lambda pixels: Tensor(pixels, requires_grad=True), r"gradients are recorded: return result\.detach\(\)$"),
        (lambda pixels: Tensor(pixels, 2), r"another device: return result\.cpu\(\)$"),
        (lambda pixels: Tensor(pixels, 2, requires_grad=True), r"return result\.detach\(\)\.cpu\(\)$"),
        (lambda pixels: OnlyDlpack(pixels, 2), r"another device: return result\.get\(\)$"),
    ],
)
def test_tensors_that_numpy_cannot_read_are_refused(make_block: MakeBlock, result: Any, remedy: str) -> None:
    message = refused(result(np.zeros((2, 3), np.float32)), make_block())
    assert re.search(remedy, message)
    assert "expected an array of shape (2, 3)" in message


def test_what_only_seems_to_be_an_array_is_refused_with_its_reason(make_block: MakeBlock) -> None:
    class Bfloat16(Tensor):
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            raise TypeError("Got unsupported ScalarType BFloat16")

    message = refused(Bfloat16(np.zeros((2, 3))), make_block())
    assert "a Bfloat16 of shape (2, 3), expected an array of shape (2, 3): Got unsupported" in message


def test_sparse_arrays_are_refused(make_block: MakeBlock) -> None:
    from scipy import sparse

    assert refused(sparse.csr_array(np.eye(2, 3)), make_block()).endswith("return result.toarray()")


def test_none_is_refused_with_what_was_expected(make_block: MakeBlock) -> None:
    message = refused(None, make_block((2, 3), lower=(1, 0), upper=(0, 0)))
    assert message == (
        "the function returned None, expected an array of shape (2, 3) or, padded, (3, 3); return the pixels: "
        "return result"
    )
