# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Labels of blocks become labels of the image: compared with what scipy and scikit-image give the whole image."""

from __future__ import annotations

import doctest
import importlib
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from imglib2_cache_python import Block, BlockError, labels, map_blocks
from imglib2_cache_python.labels import Merger, OverlappingGrid, label_blocks, merge_labels

ndimage = pytest.importorskip("scipy.ndimage")

MAX_SIZE = {1: 40, 2: 14, 3: 8, 4: 6}


def renumbered(image: np.ndarray) -> np.ndarray:
    """The same parts, numbered in the order of their first pixels."""
    found, first, inverse = np.unique(image, return_index=True, return_inverse=True)
    first[found == 0] = -1
    numbers = np.empty(len(found), int)
    numbers[np.argsort(first)] = np.arange(len(found)) + (0 not in found)
    return numbers[inverse.reshape(image.shape)]


def assert_same_parts(actual: np.ndarray, expected: np.ndarray):
    """Same parts, and consecutive numbers."""
    np.testing.assert_array_equal(renumbered(actual), renumbered(expected))
    assert np.array_equal(np.unique(actual[actual != 0]), np.arange(1, actual.max(initial=0) + 1))


def in_blocks(mask: np.ndarray, cell: tuple[int, ...], structure: np.ndarray, dtype: type = np.int64) -> np.ndarray:
    """Each block is labelled for itself."""
    return map_blocks(lambda pixels: ndimage.label(pixels, structure)[0], mask, block_size=cell, dtype=dtype)


def random_masks(count: int):
    """Masks and cells, from single pixels to a single cell, from empty to full."""
    random = np.random.default_rng(5)
    for number in range(count):
        axes = 1 + number % 4
        shape = tuple(random.integers(1, MAX_SIZE[axes] + 1, axes))
        cell = tuple(int(random.integers(1, size + 2)) for size in shape)
        yield random.random(shape) < random.random() ** 0.5, cell


@pytest.mark.parametrize("connectivity", [1, 2, 3, 4])
def test_parts_are_those_that_scipy_gives_the_whole_image(connectivity: int):
    for mask, cell in random_masks(40):
        if connectivity > mask.ndim:
            continue
        structure = ndimage.generate_binary_structure(mask.ndim, connectivity)
        whole, count = ndimage.label(mask, structure)
        merged = merge_labels(in_blocks(mask, cell, structure), block_size=cell, connectivity=connectivity)
        assert merged.max(initial=0) == count
        assert_same_parts(merged, whole)


def test_parts_are_those_that_scikit_image_gives_the_whole_image():
    measure = pytest.importorskip("skimage.measure")
    for mask, cell in random_masks(40):
        if mask.ndim < 4:
            found = map_blocks(measure.label, mask, block_size=cell, dtype=np.int64)
            assert_same_parts(merge_labels(found, block_size=cell, connectivity=mask.ndim), measure.label(mask))


def test_corners_of_cells_touch_only_with_full_connectivity():
    for axes in (2, 3, 4):
        for corner in itertools.product((0, 1), repeat=axes):
            image = np.zeros((4,) * axes, np.uint8)
            image[tuple(1 + c for c in corner)] = image[tuple(2 - c for c in corner)] = 1
            for connectivity in range(1, axes + 1):
                expected = 1 if connectivity == axes else 2
                assert merge_labels(image, block_size=2, connectivity=connectivity).max() == expected


def test_numbers_are_those_of_the_first_cell_and_label():
    image = np.array([[0, 7, 7, 7, 0, 5], [9, 0, 0, 0, 0, 5], [0, 0, 0, 0, 0, 0], [2, 2, 2, 0, 1, 1]], np.int16)
    expected = [[0, 1, 1, 1, 0, 3], [2, 0, 0, 0, 0, 3], [0, 0, 0, 0, 0, 0], [4, 4, 4, 0, 5, 5]]
    # The label 7 of the first cell touches 7 of the second; within a cell, labels stay what they are.
    assert merge_labels(image, block_size=(2, 3)).tolist() == expected
    image[0, 4] = 7
    expected[0][4] = 1
    assert merge_labels(image, block_size=(2, 3)).tolist() == expected


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">u2"])
def test_any_integers_are_labels(dtype: str):
    mask = np.random.default_rng(1).random((20, 17)) < 0.5
    top = min(np.iinfo(dtype).max, 1 << 63)
    small = in_blocks(mask, (6, 5), None)
    sparse = np.where(small > 0, top - small.astype(np.uint64), 0).astype(dtype)
    assert_same_parts(merge_labels(sparse, block_size=(6, 5)), ndimage.label(mask)[0])


def test_sums_of_labels_may_exceed_all_types():
    image = np.zeros((1, 4), np.uint64)
    image[0] = [(1 << 64) - 1, (1 << 64) - 1, (1 << 63) + 5, 1]
    assert merge_labels(image, block_size=1).tolist() == [[1, 1, 1, 1]]
    assert merge_labels(image, block_size=(1, 2)).tolist() == [[1, 1, 1, 2]]


def test_empty_images_and_cells():
    assert merge_labels(np.zeros((0, 5), int), block_size=2).shape == (0, 5)
    assert not merge_labels(np.zeros((6, 5), int), block_size=2).any()
    one = np.zeros((6, 5), int)
    one[5, 4] = 1000
    assert merge_labels(one, block_size=2).sum() == 1


# ------------------------------------------------------------------------------ merger


def added(merger: Merger, image: np.ndarray, grid: OverlappingGrid, order: np.ndarray) -> np.ndarray:
    """The table."""
    for index in order:
        merger.add(int(index), image[grid[int(index)].slices])
    return merger.table()


def test_the_order_of_cells_makes_no_difference():
    random = np.random.default_rng(2)
    image = in_blocks(random.random((12, 10, 9)) < 0.6, (4, 3, 5), None)
    grid = OverlappingGrid(image.shape, (4, 3, 5))
    expected = added(Merger(grid, 3), image, grid, np.arange(len(grid)))
    for _ in range(10):
        np.testing.assert_array_equal(added(Merger(grid, 3), image, grid, random.permutation(len(grid))), expected)
    merger = Merger(grid, 3)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: merger.add(i, image[grid[i].slices]), random.permutation(len(grid)).tolist()))
    np.testing.assert_array_equal(merger.table(), expected)


def test_memory_grows_with_sides_and_labels_only():
    # Each cell has a label of its own and touches all neighbours.
    grid = OverlappingGrid((320, 320), (16, 16))
    merger = Merger(grid, 2)
    image = np.ones((16, 16), np.uint32)
    waiting = 0
    for index in range(len(grid)):
        merger.add(index, image)
        waiting = max(waiting, sum(one.nbytes for one in merger._sides.values()))
    assert not merger._sides
    # A line of cells, of 16 bytes at the side, and of a corner on each side of it.
    assert waiting <= 21 * (16 + 2) + 16
    kept = sum(one.nbytes for one in [*merger._joined, *merger._contacts])
    assert kept == 32 * (19 * 20 * 2 + 19 * 19 * 2)
    assert merger.table()[1].max() == 1


def test_missing_cells_are_an_error():
    grid = OverlappingGrid((4, 4), (2, 2))
    merger = Merger(grid)
    merger.add(2, np.ones((2, 2), int))
    merger.add(2, np.ones((2, 2), int))
    with pytest.raises(RuntimeError, match="3 of 4 cells are missing"):
        merger.table()


def test_labels_that_changed_are_found():
    for known in ([0, 3, 1 << 50], [0, 3, 5]):
        table = np.array([known, [0, 1, 2]], np.uint64)
        assert labels.relabelled(np.array([0, known[2], 3]), table, np.dtype(np.uint32)).tolist() == [0, 2, 1]
        for wrong in (4, known[2] + 1, -1):
            with pytest.raises(ValueError, match=f"the label {wrong} was not there"):
                labels.relabelled(np.array([3, wrong]), table, np.dtype(np.uint32))


# ------------------------------------------------------------------------------ errors


def test_what_is_no_label_is_refused():
    with pytest.raises(TypeError, match=r"dtype float64, expected integers"):
        merge_labels(np.zeros((4, 4)), block_size=2)
    with pytest.raises(TypeError, match=r"dtype bool, which is a mask: label its parts first"):
        merge_labels(np.zeros((4, 4), bool), block_size=2)
    with pytest.raises(ValueError, match="there is a label -2, expected 0"):
        merge_labels(np.array([1, -2]), block_size=1)
    for wrong in (0, 3):
        with pytest.raises(ValueError, match=f"connectivity is {wrong}, expected 1 to 2"):
            merge_labels(np.zeros((4, 4), int), block_size=2, connectivity=wrong)
    with pytest.raises(TypeError, match=r"connectivity is 1\.5, expected a whole number"):
        merge_labels(np.zeros((4, 4), int), block_size=2, connectivity=1.5)
    with pytest.raises(ValueError, match="block_size"):
        merge_labels(np.zeros((4, 4), int), block_size=(2, 2, 2))


def test_scipy_is_needed(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match="labels are merged by scipy, which is not installed: run 'pip install"):
        merge_labels(np.zeros((4, 4), int), block_size=2)


# ----------------------------------------------------------------------------- overlap


def discs(radius: int, shape: tuple[int, ...]) -> np.ndarray:
    """Discs side by side, which touch."""
    squares = sum(
        (x % (2 * radius + 1) - radius) ** 2 for x in np.meshgrid(*map(np.arange, shape), indexing="ij", sparse=True)
    )
    return squares <= radius * radius


def split(pixels: np.ndarray) -> np.ndarray:
    """Labels of discs, by their centres."""
    inside = np.pad(pixels, 1)
    depth = ndimage.distance_transform_edt(inside)[(slice(1, -1),) * pixels.ndim]
    seeds, _ = ndimage.label(depth > 0.7 * depth.max())
    near = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return np.where(pixels, seeds[tuple(near)], 0).astype(np.uint16)


@pytest.mark.parametrize("workers", [1, 3])
def test_objects_that_touch_are_separated_where_neighbours_agree(workers: int):
    mask = discs(5, (55, 66))
    expected = split(mask)
    assert expected.max() == 30
    for block in ((16, 22), (11, 11), (23, 40), (55, 66)):
        given = {"block_size": block, "halo": 11, "border": "zero", "dtype": np.uint16}
        assert_same_parts(label_blocks(split, mask, **given, workers=workers), expected)
    # Their sides touch where two cells meet.
    assert merge_labels(map_blocks(split, mask, **{**given, "block_size": 11}), block_size=11).max() < 30


def test_overlap_is_the_common_area_of_both():
    grid = OverlappingGrid((1, 8), (1, 4), ((0, 2), (0, 2)))
    first = np.array([[0, 0, 1, 1, 1, 1, 2, 2]], np.uint8)
    second = np.array([[3, 3, 3, 0, 3, 3, 3, 3]], np.uint8)

    def groups(overlap: float) -> int:
        merger = Merger(grid, overlap=overlap)
        merger.add(0, first)
        merger.add(1, second)
        return int(merger.table()[1].max())

    # Both see four pixels: 1 1 2 2 and 3 3 3 0. The label 2 is in the halo of the first block only.
    assert groups(2 / 3) == 1
    assert groups(0.67) == 2


def test_what_is_outside_of_the_image_does_not_count():
    grid = OverlappingGrid((2, 8), (2, 4), ((3, 2), (3, 2)))
    first, second = np.zeros((2, 8, 8), np.uint8)
    first[:, 2:] = 1
    second[3:5, :6] = 1
    merger = Merger(grid, overlap=1)
    merger.add(1, second)
    merger.add(0, first)
    assert merger.table()[1].max() == 1


def test_statements_crop_nothing():
    mask = discs(2, (20, 24))
    code = """
        size = tuple(b - a + 1 for a, b in zip(block.min, block.max))
        assert block.inputs[0].shape == block.data.shape == block.dim == size
        assert block.min[0] == 8 * (block.index // 3) - 3 and block.min[1] == 8 * (block.index % 3) - 2
        block.data[...] = label(block.inputs[0])[0][block.halo]
        """
    merged = label_blocks(
        code, mask, block_size=8, halo=((3, 2), (2, 4)), border="zero", parameters={"label": ndimage.label}
    )
    # Each disc, or what is left of it at the end, is small enough to be seen as a whole by one of two neighbours.
    assert merged.dtype == np.uint32
    assert_same_parts(merged, ndimage.label(mask)[0])


def test_wrong_arguments_of_label_blocks():
    mask = discs(2, (20, 24))
    for overlap in (0, 1.1, float("nan")):
        with pytest.raises(ValueError, match="expected more than 0, and at most 1"):
            label_blocks(split, mask, block_size=8, halo=2, overlap=overlap)
    with pytest.raises(ValueError, match="the halo is 0, so that blocks have nothing in common"):
        label_blocks(split, mask, block_size=8, halo=0)
    with pytest.raises(TypeError, match="label_blocks has no input"):
        label_blocks(split, block_size=8, halo=1)
    with pytest.raises(TypeError, match="dtype float32, expected integers"):
        label_blocks(split, mask, block_size=8, halo=1, dtype="float32")
    with pytest.raises(BlockError, match=r"Block 0, from .*: ValueError: there is a label -1"):
        label_blocks(lambda pixels: -pixels.astype(np.int8), mask, block_size=8, halo=1, dtype=np.int8)


# --------------------------------------------------------------------------- real images


def coins() -> np.ndarray:
    """A photograph that scikit-image contains."""
    return pytest.importorskip("skimage.data").coins()


def test_coins_by_threshold_are_exactly_those_of_the_whole_image():
    smooth = map_blocks(
        lambda pixels: ndimage.gaussian_filter(pixels, 2), coins().astype(np.float32), block_size=64, halo=8
    )
    whole = ndimage.label(smooth > 107)[0]
    assert whole.max() > 20
    found = map_blocks(lambda pixels: ndimage.label(pixels > 107)[0], smooth, block_size=(50, 64), dtype=np.int32)
    assert_same_parts(merge_labels(found, block_size=(50, 64)), whole)


def watershed(pixels: np.ndarray) -> np.ndarray:
    """Coins, also those that touch."""
    feature = importlib.import_module("skimage.feature")
    segmentation = importlib.import_module("skimage.segmentation")
    mask = ndimage.binary_opening(ndimage.gaussian_filter(pixels.astype(np.float32), 2) > 107, iterations=2)
    depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 2)
    peaks = feature.peak_local_max(depth, min_distance=12, labels=mask.astype(int), exclude_border=False)
    seeds = np.zeros(pixels.shape, int)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return segmentation.watershed(-depth, seeds, mask=mask)


def test_coins_by_watershed_are_nearly_those_of_the_whole_image():
    image = coins()
    whole = watershed(image)
    merged = label_blocks(watershed, image, block_size=96, halo=32)
    found = 0
    for coin in range(1, whole.max() + 1):
        inside = whole == coin
        others, areas = np.unique(merged[inside], return_counts=True)
        best = int(np.argmax(np.where(others > 0, areas, 0)))
        found += areas[best] >= 0.8 * np.count_nonzero(inside | (merged == others[best]))
    assert whole.max() == 30
    assert found >= 28
    assert abs(int(merged.max()) - 30) <= 1


# ------------------------------------------------------------------ for images in the JVM


def block_at(index: int, minimum: tuple[int, ...], dim: tuple[int, ...]) -> Block:
    """A block as the worker makes it."""
    maximum = tuple(m + d - 1 for m, d in zip(minimum, dim, strict=True))
    return Block(np.zeros(dim, np.uint32), [], index, minimum, maximum, dim, tuple(map(slice, dim)))


def test_what_the_jvm_collects_is_the_same():
    image = in_blocks(np.random.default_rng(3).random((7, 11)) < 0.5, (3, 4), None)
    grid = OverlappingGrid(image.shape, (3, 4))
    expected = merge_labels(image, block_size=(3, 4))
    none = np.zeros(2, np.int64)
    for index in range(len(grid)):
        place = np.unravel_index(index, grid.counts)
        labels.collect(
            image[grid[index].slices],
            block_at(index, place, (1, 1)),
            key=1,
            shape=np.array(image.shape),
            cell=np.array((3, 4)),
            lower=none,
            upper=none,
            connectivity=1,
            overlap=0.0,
        )
    columns, count = labels.totals(1)
    assert count == expected.max()
    table = np.concatenate(
        [labels.table(block_at(0, (0, start), (2, min(3, columns - start))), 1) for start in range(0, columns, 3)], 1
    )
    for index, part in enumerate(labels._parts(table)):
        cell = grid[index]
        result = labels.relabel(image[cell.slices], part, block_at(index, cell.min, cell.dim))
        np.testing.assert_array_equal(result, expected[cell.slices])
    # Another worker knows nothing of it, nor does anybody afterwards.
    raised = []

    def elsewhere(call: Callable[[], object]) -> None:
        try:
            call()
        except RuntimeError as error:
            raised.append(str(error))

    thread = threading.Thread(target=elsewhere, args=(lambda: labels.totals(1),))
    thread.start()
    thread.join()
    labels.forget(1)
    elsewhere(lambda: labels.totals(1))
    elsewhere(lambda: labels.table(block_at(0, (0, 0), (2, 1)), 1))
    assert len(raised) == 3
    assert all("the Python that collected the labels has ended" in one for one in raised)


def test_examples_of_the_documentation():
    result = doctest.testmod(labels)
    assert result.attempted > 5
    assert result.failed == 0
