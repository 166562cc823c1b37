# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The part of the tour that goes through the packages of the project's environment.

The stops reach modules in all ways: by imports, as attributes of packages that import them on first use, by `getattr`.
"""

from __future__ import annotations

import numpy as np

from tour.itinerary import stop


def _plane(n: int, shape: tuple[int, int] = (24, 32)) -> np.ndarray:
    """A plane of numbers between 0 and 1. It depends on n."""
    return np.random.default_rng(n).random(shape)


def _disk() -> np.ndarray:
    """A plane with a disk."""
    y, x = np.ogrid[:24, :32]
    return (y - 11) ** 2 + (x - 15) ** 2 <= 49


# numpy


@stop
def _numpy_array_functions(n: int) -> int:
    numbers = np.arange(12).reshape(3, 4)
    assert np.einsum("ij,kj->ik", numbers, numbers)[1, 1] == (numbers[1] ** 2).sum()
    assert np.lib.stride_tricks.sliding_window_view(numbers, (2, 2)).shape == (2, 3, 2, 2)
    assert np.array_equal(np.take_along_axis(numbers, np.argsort(-numbers, axis=1), 1), numbers[:, ::-1])
    assert np.array2string(np.array([0, 10]), separator=",") == "[ 0,10]"
    return int(np.where([True, False], 3 * n + 1, 0).sum())


@stop
def _numpy_errstate(n: int) -> int:
    zero, one = np.zeros(100), np.ones(100)
    before = np.geterr()
    for _ in range(20):
        # The setting of one image must not be seen by another one.
        if n % 2:
            with np.errstate(all="ignore"):
                assert np.isinf(one / zero).all()
                assert np.isnan(zero / zero).all()
        else:
            with np.errstate(divide="raise"):
                try:
                    one / zero
                except FloatingPointError:
                    continue
                raise AssertionError("a division by zero was not told")
    assert np.geterr() == before
    return 3 * n + 1


@stop
def _numpy_printoptions(n: int) -> int:
    with np.printoptions(precision=2 + n % 2, suppress=True):
        for _ in range(20):
            assert str(np.array([1 / 3])) == ("[0.333]" if n % 2 else "[0.33]")
    return 3 * n + 1


@stop
def _numpy_fft(n: int) -> int:
    plane = _plane(n)
    assert np.allclose(np.fft.irfft2(np.fft.rfft2(plane), plane.shape), plane)
    return round(np.fft.fftshift(np.fft.fft(np.full(4, (3 * n + 1) / 4)))[2].real)


@stop
def _numpy_linalg(n: int) -> int:
    matrix = _plane(n, (8, 8)) + 8 * np.eye(8)
    assert np.allclose(np.linalg.inv(matrix) @ matrix, np.eye(8))
    left, values, right = np.linalg.svd(matrix)
    assert np.allclose(left @ np.diag(values) @ right, matrix)
    try:
        np.linalg.inv(np.zeros((2, 2)))
    except np.linalg.LinAlgError:
        return round(np.linalg.solve([[1.0, 0], [0, 2]], [3 * n + 1, 0])[0])
    raise AssertionError("zeros have an inverse")


@stop
def _numpy_random(n: int) -> int:
    assert np.random.default_rng(42).integers(0, 1000, 3).tolist() == [89, 773, 654]
    assert np.random.RandomState(42).randint(0, 1000, 3).tolist() == [102, 435, 860]
    shuffled = np.random.Generator(np.random.PCG64(n)).permutation(3 * n + 2)
    return int(shuffled.max())


@stop
def _numpy_masked_and_polynomial(n: int) -> int:
    masked = np.ma.masked_less(np.array([-1, n, 2 * n, 1]), 0)
    assert masked.count() == 4 - 1
    assert np.allclose(np.polynomial.Polynomial([2, -3, 1]).roots(), [1, 2])
    return int(masked.sum())


@stop
def _numpy_files(n: int) -> int:
    import io

    file = io.BytesIO()
    np.savez_compressed(file, plane=_plane(n), number=3 * n + 1)
    file.seek(0)
    with np.load(file) as loaded:
        assert np.array_equal(loaded["plane"], _plane(n))
        return int(loaded["number"])


@stop
def _numpy_strings_and_dates(n: int) -> int:
    days = np.datetime64("2026-01-01") + np.arange(3 * n + 2)
    assert np.char.upper(np.array(["ab"]))[0] == "AB"
    assert np.array(["1", "2"]).astype(int).sum() == 3
    return int((days[-1] - days[0]).astype(int))


@stop
def _numpy_testing_and_vectorize(n: int) -> int:
    np.testing.assert_allclose(np.vectorize(lambda x: 3 * x)(np.arange(3)), [0, 3, 6])
    return int(np.frompyfunc(lambda x, y: x + y, 2, 1).reduce(np.array([n, n, n, 1], object)))


# scipy


@stop
def _scipy_attributes(n: int) -> int:
    import scipy

    sp = scipy
    kernel = sp.signal.windows.boxcar(3) / 3
    plane = np.full((5, 5), 3.0 * n + 1)
    assert np.allclose(sp.signal.fftconvolve(plane, np.outer(kernel, kernel), "valid"), plane[1:-1, 1:-1])
    return round(getattr(sp, "ndimage").uniform_filter(plane, 3)[2, 2])  # noqa: B009


@stop
def _scipy_attributes_by_name(n: int) -> int:
    import scipy

    names = (
        "cluster constants fft fftpack integrate interpolate io linalg ndimage optimize signal sparse spatial special"
    )
    modules = [getattr(scipy, name) for name in [*names.split(), "stats"]]
    assert all(module.__name__.startswith("scipy.") for module in modules)
    return 3 * n + 1


@stop
def _scipy_cluster(n: int) -> int:
    from scipy.cluster import hierarchy, vq

    points = np.array([[0.0, 0], [0, 1], [10, 0], [10, 1]])
    centres, labels = vq.kmeans2(points, points[[0, 2]], minit="matrix")
    assert labels.tolist() == [0, 0, 1, 1]
    assert hierarchy.fcluster(hierarchy.linkage(points), 2, "distance").max() == 2
    return 3 * n + int(labels[3]) * round(centres[1, 1] * 2)


@stop
def _scipy_fft(n: int) -> int:
    from scipy import fft

    plane = _plane(n)
    with fft.set_workers(2):
        assert np.allclose(fft.ifftn(fft.fftn(plane)).real, plane)
    assert np.allclose(fft.idctn(fft.dctn(plane)), plane)
    return 3 * n + fft.next_fast_len(17) - 17


@stop
def _scipy_integrate(n: int) -> int:
    from scipy import integrate

    area, _ = integrate.quad(lambda x: 2 * (3 * n + 1) * x, 0, 1)
    solution = integrate.solve_ivp(lambda t, y: -y, (0, 1), [1.0], rtol=1e-8, atol=1e-8)
    assert abs(solution.y[0, -1] - np.exp(-1)) < 1e-6
    return round(area)


@stop
def _scipy_interpolate(n: int) -> int:
    from scipy import interpolate

    x = np.arange(5.0)
    spline = interpolate.CubicSpline(x, 3 * x + 1)
    assert np.allclose(interpolate.RegularGridInterpolator((x, x), x[:, None] + x)([[1.5, 2.5]]), 4)
    return round(float(spline(2.0))) + 3 * n - 6


@stop
def _scipy_io(n: int) -> int:
    import io

    import scipy

    file = io.BytesIO()
    scipy.io.savemat(file, {"plane": _plane(n), "number": 3 * n + 1})
    file.seek(0)
    loaded = scipy.io.loadmat(file)
    assert np.array_equal(loaded["plane"], _plane(n))
    sound = io.BytesIO()
    scipy.io.wavfile.write(sound, 8000, np.arange(10, dtype=np.int16))
    assert scipy.io.wavfile.read(io.BytesIO(sound.getvalue()))[1].sum() == 45
    return int(loaded["number"][0, 0])


@stop
def _scipy_linalg(n: int) -> int:
    from scipy import linalg

    matrix = _plane(n, (6, 6)) + 6 * np.eye(6)
    factors = linalg.lu_factor(matrix)
    assert np.allclose(matrix @ linalg.lu_solve(factors, np.ones(6)), 1)
    assert np.allclose(linalg.expm(np.zeros((3, 3))), np.eye(3))
    q, r = linalg.qr(matrix)
    assert np.allclose(q @ r, matrix)
    return round(linalg.det(np.diag([1.0, 3 * n + 1])))


@stop
def _scipy_ndimage(n: int) -> int:
    from scipy import ndimage

    plane = _plane(n)
    assert np.allclose(ndimage.correlate1d(plane, [0, 1, 0], axis=0), plane)
    assert np.allclose(ndimage.zoom(np.full((4, 4), 2.0), 2), 2)
    assert ndimage.generic_filter(plane, np.max, 3)[5, 5] == plane[4:7, 4:7].max()
    labels, count = ndimage.label(_disk())
    distances = ndimage.distance_transform_edt(_disk())
    assert distances[11, 15] == distances.max()
    assert round(ndimage.center_of_mass(labels)[0]) == 11
    return 3 * n + count


@stop
def _scipy_optimize(n: int) -> int:
    from scipy import optimize

    parameters, _ = optimize.curve_fit(lambda x, a, b: a * x + b, np.arange(5.0), 3 * np.arange(5.0) + 1)
    least = optimize.minimize(lambda x: (x[0] - 2) ** 2, [0.0])
    assert abs(least.x[0] - 2) < 1e-4
    assert abs(optimize.brentq(lambda x: x**2 - 2, 0, 2) - np.sqrt(2)) < 1e-9
    assert optimize.linear_sum_assignment([[1, 2], [2, 1]])[1].tolist() == [0, 1]
    return round(parameters[0] * n + parameters[1])


@stop
def _scipy_signal(n: int) -> int:
    from scipy import signal

    b, a = signal.butter(2, 0.2)
    assert np.allclose(signal.filtfilt(b, a, np.ones(50)), 1)
    peaks, _ = signal.find_peaks([0, 1, 0, 2, 0])
    assert peaks.tolist() == [1, 3]
    return 3 * n + int(peaks[0])


@stop
def _scipy_sparse(n: int) -> int:
    from scipy import sparse
    from scipy.sparse import csgraph
    from scipy.sparse.linalg import eigsh, spsolve

    matrix = sparse.diags_array([np.full(9, -1.0), np.full(10, 4.0), np.full(9, -1.0)], offsets=[-1, 0, 1]).tocsc()
    assert np.allclose(matrix @ spsolve(matrix, np.ones(10)), 1)
    assert np.allclose(eigsh(matrix, 1, v0=np.ones(10))[0], np.linalg.eigvalsh(matrix.toarray()).max())
    assert csgraph.shortest_path(matrix != 0)[0, 9] == 9
    return 3 * n + csgraph.connected_components(matrix)[0]


@stop
def _scipy_spatial(n: int) -> int:
    from scipy import spatial
    from scipy.spatial.transform import Rotation

    points = _plane(n, (30, 2))
    distances, neighbours = spatial.cKDTree(points).query(points, 2)
    assert neighbours[:, 0].tolist() == list(range(30))
    assert np.allclose(spatial.distance.cdist(points, points)[0, neighbours[0, 1]], distances[0, 1])
    assert spatial.Delaunay(points).find_simplex(points.mean(0)) >= 0
    assert np.allclose(Rotation.from_euler("z", 90, degrees=True).apply([1, 0, 0]), [0, 1, 0])
    return 3 * n + round(spatial.ConvexHull([[0, 0], [0, 1], [1, 0], [1, 1]]).volume)


@stop
def _scipy_special_and_constants(n: int) -> int:
    from scipy import constants, special

    assert special.gamma(5) == 24
    assert abs(special.erf(0.0)) == 0
    assert constants.c == 299792458
    return 3 * n + round(special.jv(0, 0.0))


@stop
def _scipy_stats(n: int) -> int:
    from scipy import stats

    assert abs(stats.norm.cdf(1.96) - 0.975) < 1e-3
    assert stats.ttest_ind([1, 2, 3], [1, 2, 3]).pvalue == 1
    line = stats.linregress(np.arange(5), 3 * np.arange(5) + 1)
    assert stats.gaussian_kde(_plane(n)[0]).evaluate([0.5])[0] > 0
    return round(line.slope * n + line.intercept)


# scikit-image


@stop
def _skimage_attributes(n: int) -> int:
    import skimage as sk

    names = "color draw exposure feature filters graph io measure metrics morphology registration restoration"
    for name in [*names.split(), "segmentation", "transform", "util"]:
        assert getattr(sk, name).__name__ == f"skimage.{name}"
    return round(sk.filters.gaussian(np.full((9, 9), 3.0 * n + 1), 1)[4, 4])


@stop
def _skimage_color_and_exposure(n: int) -> int:
    from skimage import color, exposure

    rgb = np.stack([_plane(n)] * 3, axis=-1)
    assert np.allclose(color.rgb2gray(rgb), _plane(n), atol=1e-3)
    assert np.allclose(color.lab2rgb(color.rgb2lab(rgb)), rgb, atol=1e-2)
    stretched = exposure.rescale_intensity(_plane(n), out_range=(0, 1))
    assert exposure.equalize_adapthist(stretched).shape == stretched.shape
    return 3 * n + round(stretched.max() - stretched.min())


@stop
def _skimage_draw_and_measure(n: int) -> int:
    from skimage import draw, measure

    plane = np.zeros((24, 32), np.uint8)
    plane[draw.disk((11, 15), 7)] = 1
    labels = measure.label(plane)
    (region,) = measure.regionprops(labels)
    assert [round(c) for c in region.centroid] == [11, 15]
    table = measure.regionprops_table(labels, properties=("area", "eccentricity"))
    assert table["area"][0] == plane.sum()
    assert len(measure.find_contours(plane, 0.5)) == 1
    return 3 * n + int(labels.max())


@stop
def _skimage_feature_and_filters(n: int) -> int:
    from skimage import feature, filters

    disk = _disk().astype(float)
    assert filters.threshold_otsu(disk) < 1
    assert filters.sobel(disk)[11, 15] == 0
    assert filters.frangi(_plane(n)).shape == (24, 32)
    assert feature.canny(disk).any()
    peak = feature.peak_local_max(filters.gaussian(disk, 3), num_peaks=1)
    assert peak.tolist() == [[11, 15]]
    return 3 * n + len(peak)


@stop
def _skimage_filters_rank(n: int) -> int:
    from skimage.filters import rank
    from skimage.morphology import disk

    plane = np.full((12, 12), n % 250, np.uint8)
    assert rank.median(plane, disk(2))[5, 5] == n % 250
    return 3 * n + int(rank.entropy(plane, disk(2)).max()) + 1


@stop
def _skimage_graph_and_segmentation(n: int) -> int:
    from scipy import ndimage
    from skimage import graph, segmentation

    path, _ = graph.route_through_array(np.ones((5, 5)), [0, 0], [4, 4])
    assert path == [(i, i) for i in range(5)]
    disk = _disk()
    distance = ndimage.distance_transform_edt(disk)
    markers = np.zeros(disk.shape, int)
    markers[11, 15] = 1
    assert (segmentation.watershed(-distance, markers, mask=disk) == disk).all()
    assert segmentation.slic(np.stack([_plane(n)] * 3, -1), n_segments=4).max() >= 1
    cleared = segmentation.clear_border(disk.astype(int))
    return 3 * n + int(cleared.max())


@stop
def _skimage_io_of_paths(n: int) -> int:
    import tempfile
    from pathlib import Path

    import skimage

    plane = (255 * _plane(n)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for name in "plane.png", "ä plane.tif":
            file = Path(folder) / name
            skimage.io.imsave(file, plane, check_contrast=False)
            assert np.array_equal(skimage.io.imread(file), plane)
            assert np.array_equal(skimage.io.imread(str(file)), plane)
        assert len(skimage.io.imread_collection(str(Path(folder, "*.png")))) == 1
    return 3 * n + 1


@stop
def _skimage_metrics_and_util(n: int) -> int:
    from skimage import metrics, util

    plane = _plane(n)
    assert metrics.structural_similarity(plane, plane, data_range=1) == 1
    assert util.img_as_ubyte(np.array([0.0, 1.0])).tolist() == [0, 255]
    assert util.view_as_blocks(np.arange(16).reshape(4, 4), (2, 2)).shape == (2, 2, 2, 2)
    noisy = util.random_noise(plane, rng=n)
    return 3 * n + int(metrics.mean_squared_error(plane, noisy) > 0)


@stop
def _skimage_morphology(n: int) -> int:
    from skimage import morphology

    disk = _disk()
    assert morphology.skeletonize(disk).sum() < disk.sum()
    assert (morphology.closing(morphology.opening(disk, np.ones((1, 1))), np.ones((1, 1))) == disk).all()
    assert morphology.convex_hull_image(disk).sum() >= disk.sum()
    return 3 * n + int(morphology.dilation(disk, morphology.disk(1)).max())


@stop
def _skimage_registration_and_transform(n: int) -> int:
    from skimage import registration, transform

    plane = _plane(n)
    shift, _, _ = registration.phase_cross_correlation(plane, np.roll(plane, (-2, 3), (0, 1)))
    assert shift.tolist() == [2, -3]
    assert np.allclose(transform.resize(np.full((4, 4), 0.5), (8, 8)), 0.5)
    assert np.allclose(transform.rotate(plane, 360, order=0), plane)
    moved = transform.AffineTransform(translation=(n, 1))([[0.0, 0.0]])
    return 3 * int(moved[0, 0]) + int(moved[0, 1])


@stop
def _skimage_restoration(n: int) -> int:
    from skimage import restoration

    flat = np.full((16, 16), 0.5)
    assert np.allclose(restoration.denoise_tv_chambolle(flat), flat)
    assert np.allclose(restoration.unwrap_phase(flat), flat)
    assert np.allclose(restoration.rolling_ball(flat, radius=3), flat)
    return 3 * n + 1


# Pillow and what reads and writes files


@stop
def _pillow(n: int) -> int:
    import io

    from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps, ImageStat

    image = Image.new("L", (32, 24), n % 200)
    ImageDraw.Draw(image).rectangle((4, 4, 8, 8), fill=255)
    for kind in "PNG", "TIFF", "BMP", "GIF", "PPM":
        file = io.BytesIO()
        image.save(file, kind)
        file.seek(0)
        with Image.open(file) as loaded:
            assert loaded.format == kind
            assert not ImageChops.difference(loaded.convert("L"), image).getbbox(), kind
    assert image.filter(ImageFilter.GaussianBlur(1)).size == image.size
    assert ImageOps.invert(image).getpixel((5, 5)) == 0
    assert image.resize((64, 48), Image.Resampling.BILINEAR).size == (64, 48)
    try:
        Image.open(io.BytesIO(b"no image"))
    except Image.UnidentifiedImageError:
        return 3 * n + int(ImageStat.Stat(image).extrema[0][1] == 255)
    raise AssertionError("what is no image was opened")


@stop
def _pillow_jpeg_and_numpy(n: int) -> int:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.full((16, 16, 3), n % 200, np.uint8)).save(file, "JPEG", quality=95)
    with Image.open(file) as loaded:
        assert np.abs(np.asarray(loaded).astype(int) - n % 200).max() <= 2
    return 3 * n + int(np.asarray(Image.fromarray(_disk())).max())


@stop
def _imageio(n: int) -> int:
    import tempfile
    from pathlib import Path

    import imageio.v3 as iio

    plane = (255 * _plane(n)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plane.png"
        iio.imwrite(file, plane)
        assert np.array_equal(iio.imread(file), plane)
        assert iio.improps(file).shape == plane.shape
    return 3 * n + 1


@stop
def _tifffile(n: int) -> int:
    import tempfile
    from pathlib import Path

    import tifffile

    planes = (65535 * np.stack([_plane(n), _plane(n + 1)])).astype(np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "planes.tif"
        tifffile.imwrite(file, planes, imagej=True, metadata={"axes": "ZYX"})
        with tifffile.TiffFile(file) as tiff:
            assert tiff.is_imagej
            assert len(tiff.pages) == 2
        assert np.array_equal(tifffile.imread(file), planes)
    return 3 * n + 1


# Objects of the standard library that packages and user code exchange


@stop
def _numbers_and_dates_in_packages(n: int) -> int:
    from datetime import datetime, timedelta
    from decimal import Decimal
    from fractions import Fraction

    assert all(np.isscalar(number) for number in (Decimal(1), Fraction(1, 2), n))
    days = np.array([datetime(2026, 1, 1), datetime(2026, 1, 1) + timedelta(days=3 * n + 1)], "datetime64[D]")
    assert days[0].item() == datetime(2026, 1, 1).date()
    return (days[1].item() - days[0].item()).days


@stop
def _paths_in_packages(n: int) -> int:
    import tempfile
    from pathlib import Path

    import scipy.io
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "a.npy"), _plane(n))
        np.savetxt(Path(folder, "a.txt"), [[3 * n + 1]])
        scipy.io.savemat(Path(folder, "a.mat"), {"plane": _plane(n)})
        Image.fromarray(_disk()).save(Path(folder, "a.png"))
        assert np.array_equal(np.load(Path(folder, "a.npy")), scipy.io.loadmat(Path(folder, "a.mat"))["plane"])
        with Image.open(Path(folder, "a.png")) as image:
            assert image.size == (32, 24)
        return int(np.loadtxt(Path(folder, "a.txt")))


@stop
def _log_records_of_packages(n: int) -> int:
    import io
    import logging
    import threading

    from PIL import Image

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.thread)

    seen: list[int | None] = []
    file = io.BytesIO()
    Image.fromarray(_disk()).save(file, "PNG")
    logger = logging.getLogger("PIL.PngImagePlugin")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    handler = Handler()
    logger.addHandler(handler)
    try:
        Image.open(file).load()
    finally:
        logger.removeHandler(handler)
    return 3 * n + (threading.get_ident() in seen)


@stop
def _environment_of_packages(n: int) -> int:
    import os

    import tifffile.tifffile

    name = f"TOUR_{n}_{id(object())}"
    os.environ[name] = str(3 * n + 1)
    try:
        return int(tifffile.tifffile.os.environ[name])
    finally:
        del os.environ[name]


@stop
def _functions_of_the_user_in_packages(n: int) -> int:
    from collections import UserDict
    from concurrent.futures import ThreadPoolExecutor

    import networkx as nx
    from scipy import optimize

    class FoundError(Exception):
        pass

    def fail(_: float) -> float:
        raise FoundError(n)

    with ThreadPoolExecutor(2) as executor:
        best = optimize.differential_evolution(
            lambda x: (x[0] - 1) ** 2, [(0, 2)], rng=n, maxiter=3, workers=executor.map, updating="deferred"
        )
    assert best.nfev > 0
    try:
        optimize.brentq(fail, 0, 1)
    except FoundError as found:
        graph = nx.Graph()
        graph.add_node(0, **UserDict(value=found.args[0]))
        return 3 * graph.nodes[0]["value"] + 1
    raise AssertionError("an exception of the user was lost")


# Others


@stop
def _networkx(n: int) -> int:
    import networkx as nx

    graph = nx.path_graph(3 * n + 2)
    assert nx.is_connected(graph)
    assert nx.minimum_spanning_tree(nx.complete_graph(5)).number_of_edges() == 4
    return nx.shortest_path_length(graph, 0, 3 * n + 1)


@stop
def _packaging_and_pygments(n: int) -> int:
    from packaging.requirements import Requirement
    from packaging.version import Version
    from pygments import highlight
    from pygments.formatters import NullFormatter
    from pygments.lexers import PythonLexer

    assert "3.11.2" in Requirement("python>=3.10").specifier
    text = highlight(f"x = {3 * n + 1}\n", PythonLexer(), NullFormatter())
    return int(text.split()[-1]) * Version("1.2").major


@stop
def _pytest_and_pluggy(n: int) -> int:
    import pluggy
    import pytest

    specification, implementation = pluggy.HookspecMarker("tour"), pluggy.HookimplMarker("tour")

    class Specification:
        @specification
        def number(self, x: int) -> int: ...

    class Plugin:
        @implementation
        def number(self, x: int) -> int:
            return 3 * x + 1

    manager = pluggy.PluginManager("tour")
    manager.add_hookspecs(Specification)
    manager.register(Plugin())
    with pytest.raises(ZeroDivisionError):
        assert 1 // 0
    assert pytest.approx(0.3) == 0.1 + 0.2
    return manager.hook.number(x=n)[0]


@stop
def _iniconfig_and_lazy_loader(n: int) -> int:
    import iniconfig
    import lazy_loader

    read = iniconfig.IniConfig("tour.ini", f"[image]\nvalue = {3 * n + 1}\n")
    # Not `load`: what CPython loads lazily has no lock, also not against other workers.
    attribute, _, _ = lazy_loader.attach("email", submod_attrs={"utils": ["quote"]})
    return int(attribute("quote")(read["image"]["value"]))


@stop
def _zarr_and_numcodecs(n: int) -> int:
    import tempfile

    import numcodecs
    import zarr

    image = (_plane(n) * 100).astype("uint8")
    with tempfile.TemporaryDirectory() as folder:
        array = zarr.create_array(folder, shape=image.shape, chunks=(10, 16), dtype=image.dtype, zarr_format=2)
        array[...] = image
        array.attrs["value"] = 3 * n + 1
        again = zarr.open_array(folder, mode="r")
        assert np.array_equal(again[5:20, 3:30], image[5:20, 3:30])
        value = again.attrs["value"]
    codec = numcodecs.Blosc(cname="lz4")
    assert codec.decode(codec.encode(image)) == image.tobytes()
    return int(value)


@stop
def _h5py(n: int) -> int:
    import os
    import tempfile

    import h5py

    image = _plane(n)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image.h5")
        with h5py.File(path, "w") as file:
            file.create_dataset("plane", data=image, chunks=(8, 8), compression="gzip").attrs["value"] = 3 * n + 1
        with h5py.File(path) as file:
            assert np.array_equal(file["plane"][3:20, 5:9], image[3:20, 5:9])
            return int(file["plane"].attrs["value"])


@stop
def _dask_and_toolz(n: int) -> int:
    import cloudpickle
    import dask.array
    import toolz

    image = _plane(n)
    lazy = dask.array.from_array(image, chunks=(10, 16)).map_overlap(lambda pixels: pixels + 1, depth=2)
    assert np.array_equal(lazy.compute(scheduler="synchronous"), image + 1)
    threefold = cloudpickle.loads(cloudpickle.dumps(lambda number: 3 * number))
    return int(toolz.pipe(n, threefold, lambda number: number + 1))


@stop
def _tqdm(n: int) -> int:
    import io

    from tqdm import tqdm

    text = io.StringIO()
    with tqdm(total=3 * n + 1, file=text, mininterval=0) as bar:
        bar.update(3 * n + 1)
    assert f"{3 * n + 1}/{3 * n + 1}" in text.getvalue()
    return int(bar.n)


@stop
def _sklearn_and_joblib(n: int) -> int:
    import joblib
    from sklearn.ensemble import RandomForestClassifier
    from threadpoolctl import threadpool_limits

    image, disk = _plane(n), _disk()
    features = np.stack([image.ravel() + disk.ravel(), image.ravel()], axis=1)
    with threadpool_limits(1), joblib.parallel_config("threading", n_jobs=1):
        forest = RandomForestClassifier(5, max_depth=4, random_state=n).fit(features, disk.ravel())
        assert (forest.predict(features) == disk.ravel()).mean() > 0.95
    return int(joblib.Parallel(1)([joblib.delayed(lambda number: 3 * number + 1)(n)])[0])


@stop
def _fsspec_and_yaml(n: int) -> int:
    import fsspec
    import yaml

    memory = fsspec.filesystem("memory")
    path = f"/tour/{n}.yaml"
    with memory.open(path, "w") as file:
        yaml.safe_dump({"value": 3 * n + 1}, file)
    with memory.open(path) as file:
        return int(yaml.safe_load(file)["value"])
