# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of block.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest
from imglib2_cache_python.block import Block, halo_slices


def padded(cell: np.ndarray, lower: Sequence[int], upper: Sequence[int]) -> np.ndarray:
    return np.pad(cell, list(zip(lower, upper, strict=True)), constant_values=-1)


@pytest.mark.parametrize("seed", range(60))
def test_halo_slices_undo_numpy_pad(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = 1 + seed % 6
    dim = random.integers(1, 8 if n < 5 else 4, n)
    lower, upper = random.integers(0, 4, (2, n)) * random.integers(0, 2, (2, n))
    cell = random.random(dim)

    slices = halo_slices(lower.tolist(), dim.tolist())

    np.testing.assert_array_equal(padded(cell, lower, upper)[slices], cell, strict=True)
    assert all(0 <= axis.start <= axis.stop and axis.step is None for axis in slices)


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        ((0, 0, 0), (0, 0, 0)),
        ((0, 0, 0), (2, 3, 1)),
        ((2, 3, 1), (0, 0, 0)),
        ((0, 3, 0), (4, 0, 0)),
        ((40, 20, 10), (1, 0, 2)),
    ],
)
def test_a_halo_may_be_zero_at_one_side_or_wider_than_the_cell(lower: tuple[int, ...], upper: tuple[int, ...]) -> None:
    cell = np.arange(35 * 15 * 6).reshape(35, 15, 6)
    np.testing.assert_array_equal(padded(cell, lower, upper)[halo_slices(lower, cell.shape)], cell)


def test_halo_slices_crop_without_a_copy() -> None:
    array = np.zeros((5, 7))
    assert np.shares_memory(array[halo_slices((1, 0), (3, 7))], array)


def test_halo_slices_of_no_axes_are_empty() -> None:
    assert halo_slices((), ()) == ()


def test_halo_slices_want_one_width_per_axis() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        halo_slices((1, 1), (5, 5, 5))


def test_a_block_has_the_documented_attributes() -> None:
    names = ["data", "inputs", "index", "min", "max", "dim", "halo", "crops"]
    assert [field.name for field in fields(Block)] == names
