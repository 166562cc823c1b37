# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Arrays that are written block by block: `sinks` and `ngff`, against other readers and against numpy."""

from __future__ import annotations

import doctest
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import SOURCES
from imglib2_cache_python import map_blocks, ngff, sinks
from imglib2_cache_python.sinks import RECORD, Layout, SinkError, ZarrSink

zarr = pytest.importorskip("zarr")

HAS_FORMAT_3 = int(zarr.__version__.partition(".")[0]) >= 3
VERSIONS = ("0.4", "0.5") if HAS_FORMAT_3 else ("0.4",)
FORMATS = (2, 3) if HAS_FORMAT_3 else (2,)


def numbers(shape, dtype="uint16"):
    return np.random.default_rng(0).integers(0, 200, shape).astype(dtype)


def write(sink, pixels):
    for part in sink.missing():
        sink[part] = pixels[part]


def halved(pixels, step):
    """The mean of blocks, by padding with NaN."""
    padded = np.pad(
        pixels.astype("f8"), [(0, -n % s) for n, s in zip(pixels.shape, step, strict=True)], constant_values=np.nan
    )
    split = padded.reshape([size for n, s in zip(padded.shape, step, strict=True) for size in (n // s, s)])
    return np.nanmean(split, axis=tuple(range(1, split.ndim, 2)))


# -------------------------------------------------------------------------------------------------------------- pyramid


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float32", "float64"])
@pytest.mark.parametrize(("shape", "step"), [((7, 9), (2, 2)), ((4, 1, 5), (2, 1, 3)), ((6,), (4,))])
def test_the_mean_is_that_of_the_pixels_that_are_there(dtype, shape, step):
    pixels = numbers(shape, dtype)
    expected = halved(pixels, step)
    found = ngff.downscaled(pixels, step, "mean")
    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.rint(expected) if found.dtype.kind in "iu" else expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "pixels", "expected"),
    [
        ("uint64", [2**64 - 1, 2**64 - 1, 2**64 - 2], [2**64 - 1, 2**64 - 2]),
        ("uint64", [1, 2, 2**53 + 1], [2, 2**53 + 1]),
        ("int64", [-(2**63), -(2**63) + 2, 2, 3, 3, 4], [-(2**63) + 1, 2, 4]),
        ("int64", [-1, -2, -3, -4, 2**62, 2**62 + 1], [-2, -4, 2**62]),
        ("bool", [True, False, False, False, True, True], [True, False, True]),
        ("complex64", [1 + 2j, 3 - 2j, 5], [2, 5]),
        ("int8", [-1, 0, 1, 2], [0, 2]),
    ],
)
def test_the_mean_of_two(dtype, pixels, expected):
    found = ngff.downscaled(np.array(pixels, dtype), (2,), "mean")
    assert found.dtype == dtype
    assert found.tolist() == expected


def test_labels_are_not_mixed():
    labels = numbers((9, 11))
    assert (ngff.downscaled(labels, (2, 3), "nearest") == labels[::2, ::3]).all()


# -------------------------------------------------------------------------------------------------------- other readers


@pytest.fixture(scope="session")
def ome_python():
    """A Python with the package ome-zarr. It requires so much that it is not in the environment of the project."""
    if sys.version_info < (3, 11):
        pytest.skip("ome-zarr needs Python 3.11")
    build = SOURCES.parents[1] / "build" / "python"
    venv = SOURCES.parents[2] / ".venvs" / f"ome-zarr-{sys.version_info.major}.{sys.version_info.minor}"
    arguments = ["--venv", venv, "--requirements", build / "requirements-ome-zarr.txt"]
    made = subprocess.run(
        [sys.executable, build / "make_environment.py", *arguments], capture_output=True, text=True, timeout=500
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return venv / "bin" / "python"


def images_of(python, path):
    found = subprocess.run(
        [python, "-I", Path(__file__).with_name("ome_reader.py"), path], capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("shape", "axes"), [((3, 9, 30, 37), None), ((30, 37), None), ((2, 3, 20, 30), "tcyx")])
def test_another_reader_finds_all_levels(tmp_path, ome_python, version, shape, axes):
    pixels = numbers(shape)
    path = tmp_path / "image.ome.zarr"
    scale = [0.5 + i for i in range(len(shape))]
    options = {"ome": version, "axes": axes, "units": "um", "scale": scale, "levels": 3}
    with ZarrSink(path, shape, "uint16", 8, **options) as sink:
        write(sink, pixels)
        # That Python takes seconds to start.
        assert len(shape) > 2 or not images_of(ome_python, path)
    (image,) = images_of(ome_python, path)
    names = axes or "tczyx"[-len(shape) :]
    assert [axis["name"] for axis in image["axes"]] == list(axes or ngff._DEFAULT_AXES[len(shape)])
    assert {axis.get("unit") for axis in image["axes"] if axis["type"] == "space"} == {"micrometer"}
    assert image["name"] == "image"
    step = tuple(2 if one in "zyx" else 1 for one in names)
    expected, factors = pixels, np.ones(len(shape))
    assert image["dtypes"] == ["uint16"] * 3
    for level, transformations in zip(image["levels"], image["transformations"], strict=True):
        assert level == expected.tolist()
        assert transformations[0] == {"type": "scale", "scale": list(scale * factors)}
        if len(transformations) > 1:
            assert transformations[1]["translation"] == list(scale * (factors - 1) / 2)
        expected = np.rint(halved(expected, step)).astype("uint16")
        factors = factors * step


@pytest.mark.parametrize("zarr_format", FORMATS)
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float32", "complex64"])
def test_a_plain_array(tmp_path, zarr_format, dtype):
    pixels = numbers((17, 25), dtype)
    with ZarrSink(tmp_path / "a", pixels.shape, dtype, (8, 10), zarr_format=zarr_format) as sink:
        write(sink, pixels)
    found = zarr.open_array(str(tmp_path / "a"), mode="r")
    assert found.dtype == dtype
    assert found.chunks == (8, 10)
    assert (found[...] == pixels).all()
    assert (tmp_path / "a" / ("zarr.json" if zarr_format == 3 else ".zarray")).exists()
    assert dict(found.attrs)[RECORD]["complete"] is True


# --------------------------------------------------------------------------------------------------------------- resume


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_chunks_of_zeros_are_written_too(tmp_path, zarr_format):
    sink = ZarrSink(tmp_path / "a", (4, 6), "uint8", 2, zarr_format=zarr_format)
    assert len(sink.missing()) == 6
    sink[0:2, 2:4] = 0
    assert sink.written().tolist() == [[False, True, False], [False, False, False]]
    assert sink.is_written((slice(0, 2), slice(2, 4)))
    assert not sink.is_written((slice(0, 2), slice(0, 4)))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_not_complete_is_no_image_yet(tmp_path, version):
    pixels = numbers((20, 30))
    options = {"ome": version, "levels": 2, "provenance": "by hand\nfor a test"}
    with pytest.raises(ZeroDivisionError), ZarrSink(tmp_path / "a", pixels.shape, "uint16", 8, **options) as sink:
        first = sink.missing()[0]
        sink[first] = pixels[first]
        raise ZeroDivisionError
    attributes = dict(zarr.open_group(str(tmp_path / "a"), mode="r").attrs)
    assert list(attributes) == [RECORD]
    assert attributes[RECORD]["complete"] is False
    before = os.stat(sink._chunk_file(0, (0, 0))).st_mtime_ns
    with ZarrSink(tmp_path / "a", pixels.shape, "uint16", 8, **options, resume=True) as sink:
        assert len(sink.missing()) == 11
        write(sink, pixels)
    attributes = dict(zarr.open_group(str(tmp_path / "a"), mode="r").attrs)
    assert attributes[RECORD]["complete"] is True
    assert attributes[RECORD]["provenance"] == "by hand\nfor a test"
    assert len(attributes) == 2
    assert os.stat(sink._chunk_file(0, (0, 0))).st_mtime_ns == before
    assert (zarr.open_array(str(tmp_path / "a" / "0"), mode="r")[...] == pixels).all()
    again = ZarrSink(tmp_path / "a", pixels.shape, "uint16", 8, **options, resume=True)
    assert again.is_complete and not again.missing()


def test_an_image_with_missing_chunks_is_not_finished(tmp_path):
    sink = ZarrSink(tmp_path / "a", (4, 4), "uint8", 2)
    sink[0:2, 0:2] = 1
    with pytest.raises(SinkError, match="3 of 4 chunks are not written, the first is"):
        sink.finish()
    assert not sink.is_complete


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_a_process_that_is_killed_leaves_whole_chunks(tmp_path, zarr_format):
    # Chunks are large, so that it is killed within one.
    program = f"""
import numpy as np
from imglib2_cache_python.sinks import ZarrSink
sink = ZarrSink({str(tmp_path / "a")!r}, (40, 512, 512), "uint16", (2, 512, 512), zarr_format={zarr_format})
pixels = np.random.default_rng(0).integers(0, 60000, (2, 512, 512)).astype("uint16")
print("begun", flush=True)
for part in sink.missing():
    sink[part] = pixels
    print("written", flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-B", "-c", program], env={"PYTHONPATH": str(SOURCES)}, stdout=subprocess.PIPE, text=True
    )
    for _ in range(4):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    # As if it had been killed while it wrote.
    folder = tmp_path / "a" / ("c/19/0" if zarr_format == 3 else "19/0")
    folder.mkdir(parents=True)
    left = folder / f"0.{'0' * 32}.partial"
    left.write_bytes(b"half")
    (folder / "0").touch()
    pixels = np.random.default_rng(0).integers(0, 60000, (2, 512, 512)).astype("uint16")
    sink = ZarrSink(tmp_path / "a", (40, 512, 512), "uint16", (2, 512, 512), zarr_format=zarr_format, resume=True)
    written = sink.written()
    assert 3 <= written.sum() < 20 and not written[19]
    assert not left.exists()
    for i in np.flatnonzero(written):
        assert (sink.array(0)[2 * i : 2 * i + 2] == pixels).all()
    for part in sink.missing():
        sink[part] = pixels
    sink.finish()
    assert (zarr.open_array(str(tmp_path / "a"), mode="r")[...] == np.tile(pixels, (20, 1, 1))).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (20, 31)}, r"shape is \[20, 30\] there, but \[20, 31\] now"),
        ({"dtype": "int32"}, "dtype is uint16 there, but int32 now"),
        ({"chunks": 4}, r"chunks is \[8, 8\] there, but \[4, 4\] now"),
        ({"levels": 3}, "levels is 2 there, but 3 now"),
        ({"scale": (1, 2)}, r"scale is \[1.0, 1.0\] there, but \[1.0, 2.0\] now"),
        ({"provenance": "sigma = 3\nsame"}, 'made in another way: "sigma = 2" there, but "sigma = 3" now'),
    ],
)
def test_another_image_is_not_resumed(tmp_path, change, message):
    arguments = {"shape": (20, 30), "dtype": "uint16", "chunks": 8, "levels": 2, "provenance": "sigma = 2\nsame"}
    ZarrSink(tmp_path / "a", **arguments)
    with pytest.raises(SinkError, match=message):
        ZarrSink(tmp_path / "a", **{**arguments, **change}, resume=True)


def test_another_place_of_python_is_the_same_image(tmp_path):
    def provenance(version, place):
        its = f"Python: {version} at {place}"
        return f"x: UnsignedByteType\ninput 0:\n    {its}\n{its}\npackages: numpy 2\n"

    options = {"shape": (4,), "dtype": "uint8", "chunks": 2}
    ZarrSink(tmp_path / "a", **options, provenance=provenance("3.11.7", "/a b/python3, SHARED"))
    ZarrSink(tmp_path / "a", **options, provenance=provenance("3.11.7", "/c/python3, PROCESS"), resume=True)
    with pytest.raises(SinkError, match="made in another way"):
        ZarrSink(tmp_path / "a", **options, provenance=provenance("3.11.8", "/a b/python3, SHARED"), resume=True)


def test_an_image_that_was_changed_is_not_resumed(tmp_path):
    ZarrSink(tmp_path / "a", (3,), "uint8", 2).mark_changed()
    with pytest.raises(SinkError, match="was changed while it was written"):
        ZarrSink(tmp_path / "a", (3,), "uint8", 2, resume=True)


# -------------------------------------------------------------------------------------------------------- what is there


def test_nothing_is_deleted_silently(tmp_path):
    with ZarrSink(tmp_path / "a", (3,), "uint8", 2) as sink:
        sink[:] = 5
    with pytest.raises(SinkError, match="exists: choose another path"):
        ZarrSink(tmp_path / "a", (3,), "uint8", 2)
    other = tmp_path / "notes"
    other.mkdir()
    (other / "text").touch()
    with pytest.raises(SinkError, match="has something else than a zarr array or group"):
        ZarrSink(other, (3,), "uint8", 2, overwrite=True)
    with pytest.raises(SinkError, match="was not written by this library"):
        ZarrSink(other, (3,), "uint8", 2, resume=True)
    for one in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(SinkError, match="is a file, expected a folder"):
            ZarrSink(other / "text", (3,), "uint8", 2, **one)
    with pytest.raises(SinkError, match="resume and overwrite are both true"):
        ZarrSink(tmp_path / "b", (3,), "uint8", 2, resume=True, overwrite=True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "notes"]
    assert zarr.open_array(str(tmp_path / "a"), mode="r")[:].tolist() == [5, 5, 5]
    with ZarrSink(tmp_path / "a", (4,), "uint8", 2, overwrite=True) as sink:
        assert len(sink.missing()) == 2
        sink[:] = 6
    assert zarr.open_array(str(tmp_path / "a"), mode="r")[:].tolist() == [6, 6, 6, 6]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "notes"]


def test_arrays_of_others_are_not_resumed(tmp_path):
    zarr.open_array(str(tmp_path / "a"), mode="w", shape=(3,), chunks=(2,), dtype="u1")
    with pytest.raises(SinkError, match="was not written by this library"):
        ZarrSink(tmp_path / "a", (3,), "uint8", 2, resume=True)


def test_an_empty_folder_is_used_and_others_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    ZarrSink(tmp_path / "empty", (3,), "uint8", 2)
    ZarrSink(tmp_path / "new" / "newer" / "a", (3,), "uint8", 2)
    assert [one.name for one in (tmp_path / "new" / "newer").iterdir()] == ["a"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        ZarrSink(tmp_path / "a", (3,), "uint8", 2)


# ------------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((3,), {"ome": "0.4"}, "has 2 to 5 axes, this one has 1: write it as a plain zarr array"),
        ((1,) * 6, {"scale": [1]}, "has 2 to 5 axes, this one has 6"),
        ((3, 4), {"ome": "0.3"}, "version of OME-Zarr is '0.3', expected one of 0.4, 0.5"),
        ((3, 4), {"ome": "0.4", "zarr_format": 3}, "OME-Zarr 0.4 has the zarr format 2, not 3"),
        ((3, 4), {"zarr_format": 1}, "the zarr format is 1, expected 2 or 3"),
        ((3, 4), {"axes": "zyx"}, "the axes are z, y, x, but the image has 2 axes"),
        ((3, 4), {"axes": "xx"}, "expected a different name for each"),
        ((3, 4), {"axes": "cx"}, "needs two or three of x, y and z"),
        ((3, 4, 5), {"axes": "yxc"}, "then at most one other axis"),
        ((3, 4, 5, 6), {"axes": "ctyx"}, "permute the image's axes"),
        ((3, 4, 5, 6), {"axes": ["c", "angle", "y", "x"]}, "at most one other axis"),
        (
            (3, 4),
            {"units": "micrometre"},
            "unit 'micrometre', which is none of space in OME-Zarr; did you mean 'micrometer'",
        ),
        ((3, 4), {"units": "second"}, "none of space"),
        ((3, 4, 5), {"axes": "cyx", "units": ["meter", None, None]}, "the axis c has the unit 'meter', but only space"),
        ((3, 4), {"units": ["m"]}, "there are 1 units, but the image has 2 axes"),
        ((3, 4), {"scale": [1, 0]}, "expected numbers above 0"),
        ((3, 4), {"scale": [1, 2, 3]}, "but the image has 2 axes"),
        ((3, 4), {"scale": [float("nan")]}, "expected numbers above 0"),
        ((3, 4), {"levels": 0}, "number of levels is 0, expected 1 or more"),
        ((3, 4), {"levels": 4}, r"level 2 already has the shape \(1, 1\); say 3 levels at most"),
        ((3, 4), {"levels": 2, "steps": (1, 1)}, "say 1 levels at most"),
        ((3, 4), {"downscale": "median"}, "downscale is 'median', expected one of 'mean', 'nearest'"),
    ],
)
def test_wrong_settings(tmp_path, shape, options, message):
    with pytest.raises(SinkError, match=message):
        ZarrSink(tmp_path / "a", shape, "uint8", 2, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("dtype", "chunks"), [("datetime64[s]", 2), ("U3", 2), (object, 2), ("u1", 0), ("u1", (1, 2)), ("u1", 1.5)]
)
def test_wrong_arrays(tmp_path, dtype, chunks):
    with pytest.raises(SinkError):
        ZarrSink(tmp_path / "a", (3,), dtype, chunks)


def test_steps_and_short_axes():
    layout = Layout.of((1, 5, 64), "uint8", 16, axes="zyx", levels=4)
    assert [level.shape for level in layout.of_levels()] == [(1, 5, 64), (1, 3, 32), (1, 2, 16), (1, 1, 8)]
    assert [level.factors for level in layout.of_levels()] == [(1, 1, 1), (1, 2, 2), (1, 4, 4), (1, 8, 8)]
    assert Layout.from_json(layout.to_json()) == layout
    steps = Layout.of((10, 64, 64), "uint8", 16, levels=2, steps=(1, 4, 4))
    assert steps.of_levels()[1].shape == (10, 16, 16)
    assert steps.chunks_of(1) == (10, 16, 16)


# --------------------------------------------------------------------------------------------------------------- blocks


@pytest.mark.parametrize(
    ("cell", "unit", "shape", "expected"),
    [
        ((8, 8), (8, 8), (100, 100), (8, 8)),
        ((8, 8), (4, 16), (100, 100), (8, 16)),
        ((8, 6), (3, 4), (100, 100), (24, 12)),
        ((8, 8), (200, 3), (100, 100), (100, 24)),
        ((8, 97), (8, 89), (8, 10**9), (8, 8633)),
        ((1000, 1000), (999, 999), (10**6, 10**6), (999, 999)),
        ((1000, 1000), (101, 10), (10**6, 10**6), (1010, 1000)),
    ],
)
def test_blocks_have_whole_chunks(cell, unit, shape, expected):
    assert sinks.block_size(cell, unit, shape, 1) == expected


def test_enormous_chunks_are_refused():
    with pytest.raises(SinkError, match=re.escape("a chunk of the sink has the shape (20000, 40000), 800000000 bytes")):
        sinks.block_size((8, 8), (20000, 40000), (20000, 90000), 1)


def test_blocks_are_written_if_all_their_chunks_are():
    written = np.ones((5, 3), bool)
    written[4, 1] = written[0, 2] = False
    found = sinks.blocks_written(written, (2, 4), (4, 8))
    assert found.tolist() == [[True, False], [True, True], [False, True]]


def test_only_chunks_that_are_missing_are_written(tmp_path):
    sink = ZarrSink(tmp_path / "a", (10, 10), "uint8", 4)
    sink[0:4, 4:8] = 1
    sink.write(0, (0, 0), np.full((8, 10), 2, "uint8"))
    assert np.unique(sink.array(0)[0:4, 4:8]).tolist() == [1]
    assert sink.written().tolist() == [[True] * 3, [True] * 3, [False] * 3]
    assert (sink.array(0)[:8, 8:] == 2).all()


class Array:
    """As much of an array as a sink needs."""

    def __init__(self, shape, dtype, **attributes):
        self.shape, self.dtype = shape, np.dtype(dtype)
        vars(self).update(attributes)

    def __setitem__(self, part, pixels):
        raise AssertionError


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([1, 2, 3], r"has the shape \(\)"),
        ("text", "gives a str, expected an array that is written by"),
        (Array((3, 5), "u1"), r"has the shape \(3, 5\), but the image has \(3, 4\)"),
        (Array((3, 4), "i1"), "has the dtype int8, but the image has uint8"),
        (Array((3, 4), "u1", chunks=((1, 2), (2, 2))), "has the chunks"),
    ],
)
def test_arrays_that_do_not_fit(array, message):
    with pytest.raises(SinkError, match=message):
        sinks.unit_of(array, "x", (3, 4), "uint8")


def test_what_is_written_at_the_same_time():
    assert sinks.unit_of(Array((3, 4), ">u1"), "x", (3, 4), "uint8") is None
    assert sinks.unit_of(Array((3, 4), "u1", chunks=(1, 2)), "x", (3, 4), "uint8") == (1, 2)
    assert sinks.unit_of(Array((3, 4), "u1", chunks=(1, 2), shards=(3, 2)), "x", (3, 4), "uint8") == (3, 2)
    frozen = np.zeros((3, 4), "u1")
    frozen.flags.writeable = False
    with pytest.raises(SinkError, match="is read-only"):
        sinks.unit_of(frozen, "x", (3, 4), "uint8")


# ----------------------------------------------------------------------------------------------------------- map_blocks


@pytest.mark.parametrize("workers", [1, 3])
def test_map_blocks_into_a_sink(tmp_path, workers):
    pixels = numbers((40, 50))
    with ZarrSink(tmp_path / "a", pixels.shape, "uint16", 8, levels=2) as sink:
        result = map_blocks("block.data[...] = 2 * block.inputs[0]", pixels, block_size=16, workers=workers, out=sink)
        assert result is sink
    assert (zarr.open_array(str(tmp_path / "a" / "0"), mode="r")[...] == 2 * pixels).all()


def test_map_blocks_goes_on(tmp_path):
    pixels = numbers((40, 50))
    sink = ZarrSink(tmp_path / "a", pixels.shape, "uint16", 8)
    sink[0:16, 0:16] = 7
    map_blocks(lambda x: 2 * x, pixels, block_size=16, out=sink)
    sink.finish()
    found = sink.array(0)[...]
    assert (found[:16, :16] == 7).all()
    assert (found[16:] == 2 * pixels[16:]).all()


def test_map_blocks_into_an_array_of_h5py(tmp_path):
    h5py = pytest.importorskip("h5py")
    pixels = numbers((40, 50))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        out = file.create_dataset("x", pixels.shape, "float32", chunks=(8, 10))
        map_blocks(lambda x: x / 2, pixels, block_size=(16, 20), workers=2, dtype="float32", out=out)
        assert (out[...] == pixels / np.float32(2)).all()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"block_size": 12, "workers": 2}, r"out has chunks of \(8, 8\), so that several blocks of \(12, 12\)"),
        ({"block_size": 16, "dtype": "float32"}, "dtype"),
        ({"block_size": 16, "out": np.zeros((40, 51), "u2")}, "shape"),
        ({"block_size": 16, "out": "a.zarr"}, "out"),
    ],
)
def test_map_blocks_refuses_what_does_not_fit(tmp_path, keywords, message):
    sink = ZarrSink(tmp_path / "a", (40, 50), "uint16", 8)
    with pytest.raises((ValueError, TypeError), match=message):
        map_blocks(lambda x: x, numbers((40, 50)), **{"out": sink, **keywords})
    assert len(sink.missing()) == 35


def test_one_worker_may_write_parts_of_chunks(tmp_path):
    pixels = numbers((40, 50))
    out = zarr.open_array(str(tmp_path / "a"), mode="w", shape=pixels.shape, chunks=(8, 8), dtype="u2")
    assert map_blocks(lambda x: x, pixels, block_size=12, out=out) is out
    assert (out[...] == pixels).all()
    with pytest.raises(SinkError, match="several blocks of"):
        map_blocks(lambda x: x, pixels, block_size=12, out=ZarrSink(tmp_path / "b", pixels.shape, "uint16", 8))


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_what_is_written_of_a_part(tmp_path, zarr_format):
    sink = ZarrSink(tmp_path / "a", (7, 10), "uint8", (2, 3), zarr_format=zarr_format)
    sink[2:4, 3:6] = 1
    sink[6:, 9:] = 1
    for bounds in ([(0, 7), (0, 10)], [(2, 7), (3, 10)], [(2, 4), (3, 6)], [(0, 2), (0, 10)], [(4, 4), (0, 10)]):
        chunks = tuple(slice(lo // size, -(-hi // size)) for (lo, hi), size in zip(bounds, (2, 3), strict=True))
        found = sink.written_within(0, bounds)
        assert found.shape == sink.written()[chunks].shape
        assert (found == sink.written()[chunks]).all()


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ([(0, 13), (0, 40)], [[(0, 7), (0, 20)], [(0, 4), (0, 10)]]),
        ([(0, 8), (12, 24)], [[(0, 4), (6, 12)], [(0, 2), (3, 6)]]),
        ([(8, 13), (36, 40)], [[(4, 7), (18, 20)], [(2, 4), (9, 10)]]),
        ([(0, 4), (0, 12)], [[(0, 2), (0, 6)], None]),
        ([(0, 8), (0, 6)], [[(0, 4), (0, 3)], None]),
        ([(2, 8), (0, 12)], [None, None]),
        ([(0, 8), (0, 3)], [None, None]),
    ],
)
def test_parts_of_levels_need_no_others(tmp_path, bounds, expected):
    pixels = numbers((13, 40))
    sink = ZarrSink(tmp_path / "a", (13, 40), "uint16", (2, 3), axes="yx", levels=3)
    assert [sink.part_of_level(level, bounds) for level in (1, 2)] == expected
    sink[tuple(slice(*one) for one in bounds)] = pixels[tuple(slice(*one) for one in bounds)]
    for level, part in enumerate(expected, 1):
        for index in np.flatnonzero(sink.written_within(level, part).ravel() == 0) if part else ():
            at = np.array([lo // size for (lo, _), size in zip(part, (2, 3), strict=True)])
            counts = [-(-(hi - lo) // size) for (lo, hi), size in zip(part, (2, 3), strict=True)]
            chunk = at + np.unravel_index(index, counts)
            sink.write_level(level, int(np.ravel_multi_index(chunk, sink.grid(level).counts)))
    with ZarrSink(tmp_path / "b", (13, 40), "uint16", (2, 3), axes="yx", levels=3) as whole:
        write(whole, pixels)
    for level, part in enumerate(expected, 1):
        if part:
            where = tuple(slice(*one) for one in part)
            np.testing.assert_array_equal(sink.array(level)[where], whole.array(level)[where])


def test_many_programs_make_one_sink(tmp_path, monkeypatch):
    """Each of them makes it while another one is about to."""
    make, calls = sinks._make, []

    def slow(folder, layout, record):
        make(folder, layout, record)
        calls.append(folder)
        if len(calls) < 4:
            ZarrSink(tmp_path / "a", (4,), "uint8", 2, resume=True)[2:4] = 7

    monkeypatch.setattr(sinks, "_make", slow)
    sink = ZarrSink(tmp_path / "a", (4,), "uint8", 2, resume=True)
    assert len(calls) == 4
    assert sink.written().tolist() == [False, True]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    "part", [slice(0, 9), (slice(8, 16), slice(1, 8)), (slice(0, 8), slice(40, 49)), slice(0, 8, 2), 3]
)
def test_half_a_chunk_is_not_written(tmp_path, part):
    sink = ZarrSink(tmp_path / "a", (40, 50), "uint16", 8)
    with pytest.raises(SinkError, match=r"has not whole chunks|written by 2 slices"):
        sink[part] = 1
    assert len(sink.missing()) == 35
    sink[..., 48:] = 1
    sink[32:] = 2
    assert len(sink.missing()) == 24


# ----------------------------------------------------------------------------------------------------------------- rest


def test_the_page_runs(tmp_path, monkeypatch):
    pytest.importorskip("scipy")
    page = (SOURCES.parents[2] / "doc" / "sinks.md").read_text("utf-8")
    (code,) = re.findall("(?ms)^```python\n(.*?)^```", page)
    monkeypatch.chdir(tmp_path)
    image = numbers((150, 200), "uint8")
    exec(code, {"image": image})
    assert zarr.open_array("smooth.ome.zarr/2", mode="r").shape == (38, 50)
    from scipy import ndimage

    assert (zarr.open_array("smooth.ome.zarr/0", mode="r")[...] == ndimage.median_filter(image, 3)).all()


def test_examples_run():
    assert doctest.testmod(sinks).failed == 0


def test_a_missing_zarr_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match="pip install zarr"):
        ZarrSink(tmp_path / "a", (3,), "uint8", 2)


def test_an_old_zarr_has_no_format_3(monkeypatch, tmp_path):
    monkeypatch.setattr(zarr, "__version__", "2.18.3")
    with pytest.raises(SinkError, match=r"zarr 2\.18\.3 does not write the zarr format 3"):
        ZarrSink(Path(tmp_path) / "a", (3, 4), "uint8", 2, ome="0.5")
