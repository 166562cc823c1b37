# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What is reported as wrong of dask's map_overlap and scikit-image's apply_parallel is right in `map_blocks`.

Each test names the reports. What is expected is computed from the whole image, without blocks.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from imglib2_cache_python import Block, BlockError, map_blocks

ndimage = pytest.importorskip("scipy.ndimage")

RANDOM = np.random.default_rng(19)
VOLUME = RANDOM.random((11, 20, 17))


def test_blocks_may_be_smaller_than_the_halo() -> None:
    # dask 6688: planes as blocks, and a filter that needs two planes on either side.
    for size in ((1, 20, 17), (1, 1, 17), 1):
        result = map_blocks(ndimage.median_filter, VOLUME[:, :5], block_size=size, halo=2, parameters={"size": 5})
        np.testing.assert_array_equal(result, ndimage.median_filter(VOLUME[:, :5], 5))


def test_the_last_block_may_be_smaller_than_the_halo() -> None:
    # dask 6597, 11580; the function crops, and what is outside is zero.
    line = RANDOM.random(103)
    for halo in (3, 20):
        result = map_blocks(lambda a, h=halo: a[h:-h], line, block_size=10, halo=halo, border="zero")
        np.testing.assert_array_equal(result, line)
        result = map_blocks(ndimage.uniform_filter1d, line, block_size=10, halo=halo, parameters={"size": 7})
        np.testing.assert_allclose(result, ndimage.uniform_filter1d(line, 7), rtol=1e-12)


@pytest.mark.parametrize(
    ("border", "pad"),
    [("mirror_double", "symmetric"), ("mirror_single", "reflect"), ("nearest", "edge"), ("periodic", "wrap")],
)
def test_the_halo_may_be_larger_than_the_image(border: str, pad: str) -> None:
    # dask 11934
    image = RANDOM.random((2, 5))
    seen: dict[int, np.ndarray] = {}
    map_blocks(lambda a, block: seen.update({block.index: a}) or a, image, block_size=(2, 3), halo=7, border=border)
    whole = np.pad(image, 7, pad)
    np.testing.assert_array_equal(seen[0], whole[:, :17])
    np.testing.assert_array_equal(seen[1], whole[:, 3:])


def test_blocks_are_those_that_were_asked_for() -> None:
    # dask 7737: blocks were put together because the last one is smaller than the halo.
    dims: list[tuple[int, ...]] = []
    map_blocks(lambda a, block: dims.append(block.dim) or a, np.zeros(130), block_size=64, halo=8)
    assert dims == [(64,), (64,), (2,)]


@pytest.mark.parametrize("halo", [0, (0, 0, 0), (2, 0, 0), (0, 0, 3), ((0, 2, 0), (0, 0, 1))])
def test_any_axis_may_have_no_halo(halo: Any) -> None:
    # dask 2258, 3444, 7233
    result = map_blocks(lambda a: a, VOLUME, block_size=(4, 7, 5), halo=halo)
    np.testing.assert_array_equal(result, VOLUME)
    result = map_blocks("block.data[...] = block.inputs[0][block.halo]", VOLUME, block_size=(4, 7, 5), halo=halo)
    np.testing.assert_array_equal(result, VOLUME)


def test_images_with_different_halos_do_not_get_mixed() -> None:
    # dask 3634: same image and function, another halo along each axis.
    results = [
        map_blocks(ndimage.uniform_filter, VOLUME, block_size=6, halo=halo, parameters={"size": size})
        for halo, size in (((1, 0, 0), (3, 1, 1)), ((0, 1, 0), (1, 3, 1)), ((0, 0, 1), (1, 1, 3)))
    ]
    for result, size in zip(results, ((3, 1, 1), (1, 3, 1), (1, 1, 3)), strict=True):
        np.testing.assert_allclose(result, ndimage.uniform_filter(VOLUME, size), rtol=1e-12)


@pytest.mark.parametrize(("before", "after"), [(0, 5), (5, 0), (2, 3)])
def test_halos_may_differ_before_and_after_the_block(before: int, after: int) -> None:
    # dask 5448, 6165: pixels were lost; and such halos were possible without a border only.
    line = np.arange(20)

    def farthest(pixels: np.ndarray) -> np.ndarray:
        count = len(pixels) - before - after
        return pixels[:count] + 100 * pixels[len(pixels) - count :]

    for border, pad in (("nearest", "edge"), ("periodic", "wrap"), (7, "constant")):
        values = {"constant_values": 7} if pad == "constant" else {}
        whole = np.pad(line, (before, after), pad, **values)
        result = map_blocks(farthest, line, block_size=10, halo=((before,), (after,)), border=border)
        np.testing.assert_array_equal(result, whole[:20] + 100 * whole[len(whole) - 20 :])


def test_inputs_have_the_same_block() -> None:
    # dask 2403, 2984, 11188; xarray 10908: the blocks of two arrays did not belong together, or had other shapes.
    first, second = RANDOM.random((100, 24)), RANDOM.random(100)
    how: dict[str, Any] = {"block_size": (41, 24), "workers": 2}
    with pytest.raises(ValueError, match=r"input 1 has the shape \(100,\), with 1 axes, the image has 2: .*newaxis"):
        map_blocks(np.add, first, second, **how)
    whole = np.broadcast_to(second[:, np.newaxis], first.shape)
    np.testing.assert_array_equal(map_blocks(np.add, first, whole, **how), first + whole)


def test_functions_get_nothing_but_blocks() -> None:
    # dask 1949, 5007, 6690; xarray 3575: to find out its dtype, the function was called with empty or made-up arrays.
    shapes: list[tuple[int, ...]] = []

    def normalised(pixels: np.ndarray) -> np.ndarray:
        shapes.append(pixels.shape)
        # Fails for an empty array.
        return (pixels - pixels.min()) / (pixels.max() - pixels.min())

    map_blocks(normalised, VOLUME, block_size=(11, 10, 17))
    assert shapes == [(11, 10, 17), (11, 10, 17)]


def test_the_result_has_the_dtype_that_was_asked_for() -> None:
    # scikit-image 4927: it was that of what the function returns; and 3168 of xarray.
    image = RANDOM.random((9, 9)).astype(np.float32)
    assert map_blocks(np.sqrt, image, block_size=4, dtype="float64").dtype == np.float64
    assert map_blocks(np.sqrt, image, block_size=4).dtype == np.float32
    with pytest.raises(BlockError, match=r"returned dtype float32, which does not fit the image's uint8.*astype"):
        map_blocks(np.sqrt, image, block_size=4, dtype="uint8")


def test_axes_of_colours_stay_whole() -> None:
    # scikit-image 4900, 5585: blocks and halos cut through the channels, wherever their axis was.
    image = RANDOM.random((30, 31, 3))
    weights = np.array([0.2, 0.7, 0.1])

    def grey(pixels: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(pixels, (1, 1, 0), truncate=2) * (pixels @ weights)[..., np.newaxis]

    expected = ndimage.gaussian_filter(image, (1, 1, 0), truncate=2) * (image @ weights)[..., np.newaxis]
    result = map_blocks(grey, image, block_size=(8, 9, 3), halo=(2, 2, 0))
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    first = np.moveaxis(image, 2, 0)
    result = map_blocks(
        lambda a: np.moveaxis(grey(np.moveaxis(a, 0, 2)), 2, 0), first, block_size=(3, 8, 9), halo=(0, 2, 2)
    )
    np.testing.assert_allclose(np.moveaxis(result, 0, 2), expected, rtol=1e-12)


def test_blocks_know_where_they_are() -> None:
    # dask 1643, 3683, 4298, 4712: with several inputs, and with smaller blocks at the end.
    rows, columns = np.indices((7, 10))
    code = "first = np.indices(block.dim)[0] + block.min[0]\nblock.data[...] = 100 * first + block.max[1]"
    result = map_blocks(code, rows, columns, block_size=(3, 4))
    np.testing.assert_array_equal(result, 100 * rows + np.minimum(columns // 4 * 4 + 3, 9))


def test_a_border_that_the_image_cannot_have_is_refused() -> None:
    # xarray-spatial 603: nan became the smallest integer.
    with pytest.raises(ValueError, match="dtype int64, which cannot have the value nan of the border: choose another"):
        map_blocks(np.negative, np.arange(9), block_size=3, halo=1, border=np.nan)


def test_the_default_is_what_filters_do_at_the_border() -> None:
    # dask 8391; skimage 1583: another default, and several meanings of "reflect".
    for function, parameters, halo in (
        (ndimage.gaussian_filter, {"sigma": 1, "truncate": 3}, 3),
        (ndimage.sobel, {"axis": 1}, 1),
        (ndimage.grey_closing, {"size": 3}, 2),
    ):
        result = map_blocks(function, VOLUME, block_size=6, halo=halo, parameters=parameters)
        np.testing.assert_allclose(result, function(VOLUME, **parameters), rtol=1e-12, atol=1e-12)


def test_results_have_the_shape_of_the_image_or_are_refused() -> None:
    # dask 6717, 7893, 11961: the shape that was announced was another one, or too much was cropped.
    with pytest.raises(BlockError, match=r"returned shape \(2, 6, 6\), expected \(4, 4\) or, padded, \(6, 6\)"):
        map_blocks(lambda a: np.stack([a, a]), np.zeros((8, 8)), block_size=4, halo=1)
    with pytest.raises(BlockError, match=r"returned shape \(6,\), expected"):
        map_blocks(lambda a: a.mean(axis=0), np.zeros((8, 8)), block_size=4, halo=1)


def test_functions_that_write_into_their_arguments_change_no_image() -> None:
    # dask 11524; xarray 10670: the image, or another block, was changed.
    image = RANDOM.random((6, 6))
    before = image.copy()

    def clip(pixels: np.ndarray) -> np.ndarray:
        pixels[pixels < 0.5] = 0
        return pixels

    with pytest.raises(BlockError, match=r"read-only(.|\n)*Change a copy"):
        map_blocks(clip, image, block_size=3, halo=1)
    result = map_blocks(lambda a: clip(a.copy()), image, block_size=3, halo=1)
    np.testing.assert_array_equal(result, np.where(before < 0.5, 0, before))
    np.testing.assert_array_equal(image, before)


def test_arrays_among_the_parameters_come_as_they_are() -> None:
    # dask 3263, 4285: they came as texts or tuples.
    kernel = RANDOM.random((3, 3, 3))
    seen: list[object] = []

    def convolved(pixels: np.ndarray, weights: np.ndarray, block: Block) -> np.ndarray:
        seen.append(weights)
        return ndimage.convolve(pixels, weights)

    result = map_blocks(convolved, VOLUME, block_size=8, halo=1, parameters={"weights": kernel})
    np.testing.assert_allclose(result, ndimage.convolve(VOLUME, kernel), rtol=1e-12)
    assert all(one is kernel for one in seen)


def test_the_image_is_read_when_its_block_is_computed() -> None:
    # dask 3671, dask-image 386: the whole image was in memory before the first block was done.
    class Counted:
        shape, dtype = (1000, 8), np.dtype("float64")

        def __init__(self) -> None:
            self.alive = 0
            self.most = 0
            self.lock = threading.Lock()

        def __getitem__(self, part: tuple[slice, ...]) -> np.ndarray:
            with self.lock:
                self.alive += part[0].stop - part[0].start
                self.most = max(self.most, self.alive)
            return np.ones([one.stop - one.start for one in part])

        def done(self, pixels: np.ndarray) -> np.ndarray:
            with self.lock:
                self.alive -= len(pixels)
            return pixels

    source = Counted()
    map_blocks(source.done, source, block_size=(10, 8), halo=(2, 0), border="zero", workers=2)
    # Two blocks with their halos.
    assert 0 < source.most <= 2 * 14
