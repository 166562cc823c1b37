# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The tries: what is computed with which package. Each is what a user could write."""

from __future__ import annotations

from pathlib import Path

from tries.description import Threads, Try

# Python code of the pages for users.
CODE = Path(__file__).resolve().parents[4] / "doc" / "code"

TRIES = [
    Try(
        ["scipy"],
        "Gaussian filter",
        "scipy.ndimage:gaussian_filter",
        init="from scipy import ndimage",
        whole="ndimage.gaussian_filter(image, 2)",
        parameters={"sigma": 2},
        input_type="float32",
        halo=8,
    ),
    Try(
        ["scipy"],
        "FFT, sparse matrices, fits",
        """
        pixels = block.inputs[0].astype(float)
        blurred = signal.fftconvolve(pixels, np.ones((3, 3)) / 9, "same")
        a, b = optimize.curve_fit(lambda x, a, b: a * x + b, pixels.ravel(), blurred.ravel())[0]
        graph = sparse.diags_array([pixels.ravel()[:-1]], offsets=[1])
        block.data[...] = a * blurred + b + csgraph.connected_components(graph)[0]
        """,
        init="""
        from scipy import optimize, signal, sparse
        from scipy.sparse import csgraph
        """,
    ),
    Try(
        ["scikit-image"],
        "ridges",
        "block.data[...] = filters.sato(block.inputs[0], sigmas=[2])[block.halo]",
        init="from skimage import filters",
        halo=12,
    ),
    Try(
        ["scikit-image"],
        "segmentation and measurement",
        """
        pixels = block.inputs[0]
        mask = morphology.opening(pixels > filters.threshold_otsu(pixels), morphology.disk(1))
        distance = ndimage.distance_transform_edt(mask)
        peaks = feature.peak_local_max(distance, labels=measure.label(mask), min_distance=3)
        markers = np.zeros(mask.shape, int)
        markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        labels = segmentation.watershed(-distance, markers, mask=mask)
        table = measure.regionprops_table(labels, pixels, ["label", "area", "mean_intensity"])
        values = np.zeros(labels.max() + 1)
        values[table["label"]] = table["area"] + table["mean_intensity"]
        block.data[...] = values[labels]
        """,
        init="""
        from scipy import ndimage
        from skimage import feature, filters, measure, morphology, segmentation
        """,
    ),
    Try(
        ["scikit-image"],
        "denoising, registration, resizing",
        """
        pixels = skimage.util.img_as_float(block.inputs[0])
        smooth = skimage.restoration.denoise_tv_chambolle(pixels, weight=0.1)
        shift = skimage.registration.phase_cross_correlation(smooth, np.roll(smooth, 3, axis=0))[0]
        large = skimage.transform.rescale(smooth, 2)
        block.data[...] = skimage.transform.resize(large, smooth.shape) + shift[0]
        """,
        init="import skimage",
    ),
    Try(
        ["zarr", "numcodecs"],
        "reading chunks",
        "block.data[...] = source[tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))]",
        init="""
        import zarr

        source = zarr.open_array("image.zarr", mode="r")
        """,
        prepare="""
        import zarr

        target = zarr.create_array("image.zarr", shape=image.shape, chunks=(16, 16), dtype=image.dtype)
        target[...] = image
        """,
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["zarr", "numcodecs"],
        "writing chunks",
        """
        where = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))
        target[where] = block.inputs[0]
        block.data[...] = target[where]
        """,
        init="""
        import zarr

        target = zarr.open_array("image.zarr", mode="r+")
        """,
        prepare="""
        import zarr
        from zarr.codecs import BloscCodec

        zarr.create_array(
            "image.zarr", shape=image.shape, chunks=(32, 32), dtype=image.dtype, compressors=BloscCodec(cname="zstd")
        )
        """,
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["numcodecs"],
        "Blosc, Zstd, LZ4",
        """
        data = np.ascontiguousarray(block.inputs[0])
        for codec in Blosc(cname="lz4", clevel=5, shuffle=Blosc.BITSHUFFLE), Zstd(level=3), LZ4():
            data = np.frombuffer(codec.decode(codec.encode(data)), np.uint8).reshape(data.shape)
        block.data[...] = data
        """,
        init="from numcodecs import LZ4, Blosc, Zstd",
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["h5py"],
        "reading a file",
        "block.data[...] = source[tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))]",
        init="""
        import h5py

        source = h5py.File("image.h5", "r")["volume"]
        """,
        prepare="""
        import h5py

        with h5py.File("image.h5", "w") as file:
            file.create_dataset("volume", data=image, chunks=(16, 16), compression="gzip")
        """,
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["h5py"],
        "a file per block",
        """
        with h5py.File(f"block-{block.index}.h5", "w") as file:
            file["pixels"] = block.inputs[0]
        with h5py.File(f"block-{block.index}.h5") as file:
            block.data[...] = file["pixels"]
        """,
        init="import h5py",
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["tifffile"],
        "memory-mapped file",
        "block.data[...] = source[tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))]",
        init="""
        import tifffile

        source = tifffile.memmap("image.tif", mode="r")
        """,
        prepare="""
        import tifffile

        tifffile.imwrite("image.tif", image)
        """,
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["tifffile", "imagecodecs"],
        "compressed tiles",
        """
        pixels = tifffile.imread("image.tif", maxworkers=2)
        block.data[...] = pixels[tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))]
        """,
        init="import tifffile",
        prepare="""
        import tifffile

        tifffile.imwrite("image.tif", image, tile=(16, 16), compression="zstd", predictor=True)
        """,
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["imagecodecs"],
        "JPEG 2000, JPEG XL, LERC, PNG",
        """
        pixels = np.ascontiguousarray(block.inputs[0])
        pixels = imagecodecs.jpeg2k_decode(imagecodecs.jpeg2k_encode(pixels, reversible=True, level=0))
        pixels = imagecodecs.jpegxl_decode(imagecodecs.jpegxl_encode(pixels, lossless=True))
        pixels = imagecodecs.lerc_decode(imagecodecs.lerc_encode(pixels))
        block.data[...] = imagecodecs.png_decode(imagecodecs.png_encode(pixels))
        """,
        init="import imagecodecs",
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["pandas"],
        "groups and joins",
        """
        pixels = block.inputs[0]
        frame = pd.DataFrame({"bin": pixels.ravel() // 32, "value": pixels.ravel()})
        means = frame.groupby("bin")["value"].agg(["mean", "size"]).reset_index()
        joined = frame.merge(means, on="bin", how="left")
        names = joined["bin"].map(lambda b: f"bin {b}").astype("category").cat.codes
        block.data[...] = (joined["mean"] + joined["size"] + names).to_numpy().reshape(pixels.shape)
        """,
        init="import pandas as pd",
    ),
    Try(
        ["scikit-learn"],
        "random forest, trained on annotations",
        """
        pixels = block.inputs[0]
        features = np.stack([pixels, ndimage.gaussian_filter(pixels, 1), ndimage.sobel(pixels)], -1)[block.halo]
        block.data[...] = forest.predict(features.reshape(-1, 3)).reshape(block.dim)
        """,
        init="""
        from scipy import ndimage
        from sklearn.ensemble import RandomForestClassifier

        random = np.random.default_rng(0)
        samples = random.integers(0, 256, (500, 3))
        forest = RandomForestClassifier(20, random_state=0).fit(samples, samples[:, 1] > 100)
        """,
        halo=4,
        input_type="uint8",
        dtype="uint8",
        block_size=64,
    ),
    Try(
        ["scikit-learn"],
        "k-means, PCA, scaling",
        """
        pixels = block.inputs[0]
        patches = np.lib.stride_tricks.sliding_window_view(np.pad(pixels, 1), (3, 3)).reshape(-1, 9)
        reduced = PCA(2, random_state=0).fit_transform(StandardScaler().fit_transform(patches))
        block.data[...] = KMeans(3, n_init=1, random_state=0).fit_predict(reduced).reshape(pixels.shape)
        """,
        init="""
        from sklearn.cluster import KMeans
        from sklearn.decomposition import PCA
        from sklearn.preprocessing import StandardScaler
        """,
        dtype="uint8",
    ),
    Try(
        ["scikit-learn", "joblib"],
        "n_jobs=2, threads",
        """
        pixels = block.inputs[0]
        forest = RandomForestRegressor(10, random_state=0, n_jobs=2)
        forest.fit(np.argwhere(pixels >= 0), pixels.ravel())
        block.data[...] = forest.predict(np.argwhere(pixels >= 0)).reshape(pixels.shape)
        """,
        init="from sklearn.ensemble import RandomForestRegressor",
    ),
    Try(
        ["joblib"],
        "Parallel, processes",
        """
        rows = Parallel(n_jobs=2)(delayed(np.sort)(row) for row in block.inputs[0])
        block.data[...] = np.stack(rows)
        """,
        init="from joblib import Parallel, delayed",
        dtype="uint8",
    ),
    Try(
        ["opencv-python-headless"],
        "filters",
        """
        pixels = cv2.GaussianBlur(block.inputs[0], (0, 0), 1.5)
        pixels = cv2.morphologyEx(cv2.medianBlur(pixels, 5), cv2.MORPH_TOPHAT, np.ones((5, 5), np.uint8))
        block.data[...] = pixels[block.halo]
        """,
        init="import cv2",
        halo=16,
        dtype="uint8",
    ),
    Try(
        ["opencv-python-headless"],
        "contours, features, JPEG",
        """
        pixels = block.inputs[0].copy()
        _, mask = cv2.threshold(pixels, 0, 255, cv2.THRESH_OTSU)
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        drawn = cv2.drawContours(np.zeros_like(pixels), contours, -1, 200, 2)
        points, _ = cv2.ORB_create(20).detectAndCompute(pixels, None)
        decoded = cv2.imdecode(cv2.imencode(".jpg", pixels)[1], cv2.IMREAD_GRAYSCALE)
        block.data[...] = drawn + decoded.astype(float) + len(points)
        """,
        init="import cv2",
    ),
    Try(
        ["numba"],
        "njit",
        "block.data[...] = smooth(block.inputs[0])[block.halo]",
        init="""
        from numba import njit

        @njit
        def smooth(pixels):
            result = np.zeros(pixels.shape, np.float32)
            for y in range(1, pixels.shape[0] - 1):
                for x in range(1, pixels.shape[1] - 1):
                    result[y, x] = pixels[y - 1 : y + 2, x - 1 : x + 2].mean()
            return result
        """,
        halo=1,
        block_size=64,
    ),
    Try(
        ["numba"],
        "njit without the GIL, vectorize",
        "block.data[...] = clipped(total(block.inputs[0]), block.inputs[0])",
        init="""
        from numba import njit, vectorize

        @njit(nogil=True)
        def total(pixels):
            result = 0.0
            for value in pixels.ravel():
                result += value
            return result

        @vectorize(["float32(float64, uint8)"])
        def clipped(a, b):
            return min(a, b)
        """,
        block_size=64,
    ),
    Try(
        ["numba"],
        "cache=True, in a module",
        "block.data[...] = fast.double(block.inputs[0])",
        init="import fast",
        prepare="""
        from pathlib import Path

        Path("fast.py").write_text('''
        from numba import njit

        @njit(cache=True)
        def double(pixels):
            return pixels * 2.0
        '''.replace("        ", ""))
        """,
        whole="image * 2.0",
        block_size=64,
    ),
    Try(
        ["numba"],
        "prange",
        "block.data[...] = rows(block.inputs[0])",
        init="""
        from numba import njit, prange

        @njit(parallel=True)
        def rows(pixels):
            result = np.zeros(pixels.shape, np.float32)
            for y in prange(pixels.shape[0]):
                result[y] = np.sort(pixels[y])
            return result
        """,
        block_size=64,
        limit=300,
    ),
    Try(
        ["SimpleITK"],
        "filters, level sets, labels",
        """
        image = sitk.GetImageFromArray(block.inputs[0])
        smooth = sitk.CurvatureFlow(sitk.Cast(image, sitk.sitkFloat32), timeStep=0.1, numberOfIterations=3)
        labels = sitk.ConnectedComponent(sitk.OtsuThreshold(smooth, 0, 1))
        block.data[...] = sitk.GetArrayFromImage(smooth) + sitk.GetArrayFromImage(labels)
        """,
        init="import SimpleITK as sitk",
        shape=(20, 40, 50),
        block_size=20,
    ),
    Try(
        ["torch"],
        "inference",
        """
        with torch.no_grad():
            pixels = torch.from_numpy(block.inputs[0].astype(np.float32))
            block.data[...] = network(pixels[None, None])[0, 0].numpy()[block.halo]
        """,
        init="""
        import torch
        from torch import nn

        network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        network.load_state_dict(torch.load("weights.pt", weights_only=True))
        network.eval()
        """,
        prepare="""
        import torch
        from torch import nn

        network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
        torch.save(network.state_dict(), "weights.pt")
        """,
        halo=2,
        tolerance=1e-3,
    ),
    Try(
        ["torch"],
        "training in a block",
        """
        pixels = torch.from_numpy(block.inputs[0].astype(np.float32))[None, None] / 255
        layer = torch.nn.Conv2d(1, 1, 3, padding=1)
        # Not random, because all workers share torch's random numbers.
        torch.nn.init.constant_(layer.weight, 0.1)
        torch.nn.init.zeros_(layer.bias)
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(layer(pixels), pixels)
            loss.backward()
            optimizer.step()
        block.data[...] = layer(pixels)[0, 0].detach().numpy()
        """,
        init="import torch",
        tolerance=1e-3,
        notes={
            "SUB": "torch does not support sub-interpreters "
            "([pytorch#10950](https://github.com/pytorch/pytorch/issues/10950)). Use `PROCESS` or `SHARED`."
        },
    ),
    Try(
        ["torch"],
        "jit.script, jit.save",
        """
        with torch.no_grad():
            pixels = torch.from_numpy(block.inputs[0].astype(np.float32))
            block.data[...] = sharpen(pixels, 2.0).numpy()
        """,
        init="""
        import io

        import torch

        @torch.jit.script
        def sharpen(pixels, strength: float):
            if strength > 1.0:
                return pixels + strength * (pixels - pixels.mean())
            return pixels

        saved = io.BytesIO()
        torch.jit.save(sharpen, saved)
        saved.seek(0)
        sharpen = torch.jit.load(saved)
        """,
        tolerance=1e-3,
    ),
    Try(
        ["torch"],
        "saved weights, DataLoader with workers",
        """
        pixels = torch.from_numpy(block.inputs[0].astype(np.float32))
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(pixels), batch_size=8, num_workers=1)
        with torch.no_grad():
            block.data[...] = torch.cat([layer(rows[:, None])[:, 0] for rows, in loader]).numpy()
        """,
        init="""
        import torch

        layer = torch.nn.Conv1d(1, 1, 3, padding=1)
        layer.load_state_dict(torch.load("weights.pt", weights_only=True))
        """,
        prepare="""
        import torch

        torch.save(torch.nn.Conv1d(1, 1, 3, padding=1).state_dict(), "weights.pt")
        """,
        shape=(30, 40),
        block_size=20,
        tolerance=1e-3,
    ),
    Try(
        ["tensorflow"],
        "keras, inference",
        """
        pixels = block.inputs[0].astype(np.float32) / 255
        block.data[...] = network(pixels[None, ..., None], training=False).numpy()[0, ..., 0][block.halo]
        """,
        init="""
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        network = tf.keras.models.load_model("network.keras")
        """,
        prepare="""
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        layers = tf.keras.layers
        network = tf.keras.Sequential([
            layers.Input((None, None, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same"),
        ])
        network.save("network.keras")
        """,
        halo=2,
        tolerance=1e-3,
        limit=300,
    ),
    Try(
        ["tensorflow"],
        "tf.function, gradients",
        """
        pixels = tf.constant(block.inputs[0].astype(np.float32))
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            total = energy(pixels)
        block.data[...] = tape.gradient(total, pixels).numpy()
        """,
        init="""
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)

        @tf.function
        def energy(pixels):
            return tf.reduce_sum(tf.square(pixels[1:] - pixels[:-1]))
        """,
        tolerance=1e-2,
        limit=300,
    ),
    Try(
        ["stardist", "tensorflow"],
        "nuclei, a model from a folder",
        """
        labels, details = model.predict_instances(nuclei[block.slices] / 255, verbose=False)
        assert labels.any()
        block.data[...] = labels
        """,
        init="""
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        from stardist.models import StarDist2D

        model = StarDist2D(None, name="nuclei", basedir=".")
        nuclei = np.load("nuclei.npy")
        """,
        prepare=f"""
        import sys

        sys.path.append({str(CODE)!r})
        from nuclei import picture, train

        train(".")
        np.save("nuclei.npy", picture(256, 99)[0])
        """,
        shape=(256, 256),
        block_size=128,
        dtype="int32",
        limit=300,
    ),
    Try(
        ["matplotlib"],
        "figures, Agg",
        """
        figure = Figure(figsize=(1, 1), dpi=block.dim[1])
        canvas = FigureCanvasAgg(figure)
        figure.subplots().imshow(block.inputs[0], vmin=0, vmax=255)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., 0]
        block.data[...] = np.resize(pixels, block.dim)
        """,
        init="""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        """,
        dtype="uint8",
    ),
    Try(
        ["matplotlib"],
        "pyplot, Agg",
        """
        figure, axes = plt.subplots(figsize=(1, 1), dpi=block.dim[1])
        axes.hist(block.inputs[0].ravel())
        figure.savefig(f"histogram-{block.index}.png")
        plt.close(figure)
        pixels = plt.imread(f"histogram-{block.index}.png")[..., 0]
        block.data[...] = np.resize(255 * pixels, block.dim)
        """,
        init="""
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        """,
        dtype="uint8",
    ),
    Try(
        ["tqdm"],
        "a progress bar in a block",
        """
        for y in tqdm(range(block.dim[0])):
            block.data[y] = np.sort(block.inputs[0][y])
        """,
        init="from tqdm import tqdm",
        dtype="uint8",
    ),
    Try(
        ["dask"],
        "map_overlap in a block, threads",
        """
        chunked = da.from_array(block.inputs[0].astype(float), chunks=12)
        smooth = chunked.map_overlap(ndimage.uniform_filter, depth=1, boundary="reflect", size=3)
        block.data[...] = smooth.compute()
        """,
        init="""
        import dask.array as da
        from scipy import ndimage
        """,
        tolerance=1e-4,
    ),
    Try(
        ["xarray"],
        "labelled axes",
        """
        image = xr.DataArray(block.inputs[0].astype(float), dims=["y", "x"])
        rolling = image.rolling(x=3, center=True, min_periods=1).mean()
        bins = image.groupby_bins("x", 4).mean().mean("y")
        block.data[...] = rolling + float(bins.sum())
        """,
        init="import xarray as xr",
        tolerance=1e-3,
        notes={
            "SUB": "Seldom: in 2 of 13 runs, in the queue after the first one, when `mean` calls numpy. The cause is "
            "not known. Use `PROCESS` or `SHARED`."
        },
    ),
    Try(
        ["tensorstore"],
        "reading and writing zarr",
        """
        where = tuple(slice(a, b + 1) for a, b in zip(block.min, block.max))
        target[where].write(source[where].read().result()).result()
        block.data[...] = target[where].read().result()
        """,
        init="""
        import os

        import tensorstore as ts

        store = {"driver": "zarr", "kvstore": {"driver": "file", "path": os.path.abspath("image.zarr")}}
        source = ts.open(store, read=True).result()
        store["kvstore"]["path"] = os.path.abspath("copy.zarr")
        target = ts.open(store, write=True, read=True).result()
        """,
        prepare="""
        import os

        import tensorstore as ts

        for name in "image.zarr", "copy.zarr":
            store = {"driver": "zarr", "kvstore": {"driver": "file", "path": os.path.abspath(name)}}
            store["metadata"] = {"shape": image.shape, "chunks": [32, 32], "dtype": "|u1"}
            ts.open(store, create=True).result()[...] = image
        """,
        whole="image",
        dtype="uint8",
    ),
    Try(
        ["connected-components-3d"],
        "labels in 3-D",
        """
        labels, count = cc3d.connected_components(block.inputs[0] > 128, connectivity=26, return_N=True)
        statistics = cc3d.statistics(labels)
        block.data[...] = cc3d.dust(labels, threshold=5) + statistics["voxel_counts"][0] + count
        """,
        init="import cc3d",
        shape=(20, 40, 50),
        block_size=20,
        dtype="int32",
    ),
    Try(
        ["edt"],
        "distances in 3-D",
        "block.data[...] = edt.edt(block.inputs[0] > 128, anisotropy=(2, 1, 1), parallel=2)",
        init="import edt",
        shape=(20, 40, 50),
        block_size=20,
    ),
]


THREADS = [
    Threads(
        "numpy",
        """
        pixels = block.inputs[0].astype(float)
        for _ in range(10):
            pixels = pixels @ pixels.T / 1e6
        block.data[...] = pixels
        """,
        variables={"OMP_NUM_THREADS": "1"},
        how="`OMP_NUM_THREADS=1 java …`",
    ),
    Threads(
        "opencv-python-headless",
        "block.data[...] = cv2.bilateralFilter(block.inputs[0], 15, 75, 75)",
        init="import cv2",
        one="cv2.setNumThreads(1)",
    ),
    Threads(
        "torch",
        """
        with torch.no_grad():
            pixels = torch.from_numpy(block.inputs[0].astype(np.float32))
            block.data[...] = network(pixels[None, None])[0, 0].numpy()
        """,
        init="""
        import torch

        network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(16, 1, 3, padding=1)
        ).eval()
        """,
        one="torch.set_num_threads(1)",
    ),
    Threads(
        "numba",
        "block.data[...] = rows(block.inputs[0])",
        init="""
        import numba

        @numba.njit(parallel=True)
        def rows(pixels):
            result = np.zeros(pixels.shape, np.float32)
            for y in numba.prange(pixels.shape[0]):
                for x in range(pixels.shape[1]):
                    result[y, x] = np.sort(pixels[y, max(0, x - 20) : x + 21])[10]
            return result
        """,
        one="numba.set_num_threads(1)",
    ),
    Threads(
        "scikit-learn",
        """
        features = np.stack([block.inputs[0].ravel(), np.roll(block.inputs[0], 1).ravel()], -1)
        block.data[...] = forest.predict(features).reshape(block.dim)
        """,
        init="""
        from sklearn.ensemble import RandomForestClassifier

        random = np.random.default_rng(0)
        samples = random.integers(0, 256, (500, 2))
        """,
        own="forest = RandomForestClassifier(50, n_jobs=-1).fit(samples, samples[:, 1] > 100)",
        one="forest = RandomForestClassifier(50, n_jobs=1).fit(samples, samples[:, 1] > 100)",
        how="`n_jobs=1` instead of `n_jobs=-1`",
    ),
    Threads(
        "SimpleITK",
        """
        image = sitk.Cast(sitk.GetImageFromArray(block.inputs[0]), sitk.sitkFloat32)
        block.data[...] = sitk.GetArrayFromImage(sitk.CurvatureFlow(image, 0.1, 20))
        """,
        init="import SimpleITK as sitk",
        one="sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)",
    ),
    Threads(
        "dask",
        """
        chunked = da.from_array(block.inputs[0].astype(float), chunks=128)
        block.data[...] = chunked.map_overlap(ndimage.gaussian_filter, 8, "reflect", sigma=2).compute()
        """,
        init="""
        import dask
        import dask.array as da
        from scipy import ndimage
        """,
        one='dask.config.set(scheduler="synchronous")',
    ),
]
