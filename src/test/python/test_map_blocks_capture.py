# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""``map_blocks( …, capture=folder )``: a block that has failed fails again in a new Python, in the same line."""

from __future__ import annotations

import functools
import linecache
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from imglib2_cache_python import Block, BlockError, capsule_reader, map_blocks
from imglib2_cache_python import replay as replay_here
from imglib2_cache_python.function_text import function_text
from test_replay import AGAIN, replay

ndimage = pytest.importorskip("scipy.ndimage")

IMAGE = np.arange(24.0).reshape(4, 6)

SIGMA = 2.5
OPTIONS = {"mode": "nearest", "axes": [0, 1]}
TABLE = np.ones(3)


@pytest.fixture
def again(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Function that runs the command, here, because a new Python takes long. Returns what it prints."""

    def run(file: Path, *options: str, code: int = 1) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [*sys.path])
            # It puts what was recorded there, in the place of this file.
            patch.setattr(linecache, "cache", {**linecache.cache})
            capsys.readouterr()
            assert replay_here.main([str(file), *options]) == code
        return capsys.readouterr().out

    return run


Again = Callable[..., str]


def captured(code: str | Callable[..., Any], folder: Path, **how: Any) -> tuple[Path, str]:
    """The file of a block that fails, and the error."""
    with pytest.raises(BlockError) as caught:
        map_blocks(code, IMAGE, **{"block_size": 2, "capture": folder, **how})
    file = caught.value.captured
    assert file is not None, str(caught.value)
    assert f"\nThe failed block, with its inputs, is in {file}" in str(caught.value)
    return Path(file), str(caught.value)


def test_statements_fail_again_in_the_same_line(tmp_path: Path) -> None:
    code = """
        sums = block.inputs[0].sum() * weights
        if block.index == 2:
            raise ValueError(f"{sums} {block} {block.rng.random()}")
        block.data[...] = 1
    """
    how: dict[str, Any] = {"halo": ((1, 0), (2, 1)), "dtype": "float32", "seed": 7}
    how["parameters"] = {"weights": np.arange(3)}
    file, told = captured(code, tmp_path / "new" / "folder", **how)
    assert file.parent == tmp_path / "new" / "folder"
    assert re.fullmatch(r"map_blocks_\d+-cell-2\.npz", file.name)
    printed = replay(file, code=1)
    assert AGAIN in printed
    (message,) = re.findall("(?s)failed: (ValueError: .*)\n  at <map_blocks", told)
    assert message in printed


def test_only_what_fails_is_written(tmp_path: Path) -> None:
    map_blocks("block.data[...] = 1", IMAGE, block_size=2, capture=tmp_path)
    with pytest.raises(SyntaxError):
        map_blocks("block.data[...] = (", IMAGE, block_size=2, capture=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_inputs_are_as_they_were_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Such a package can write into arrays that are read-only.
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    code = "own = block.inputs[0].base\nown.flags.writeable = True\nown[...] = -1\nraise ValueError"
    code = code.replace("block.inputs[0].base", "block.inputs[0]")
    file, _ = captured(code, tmp_path)
    (pixels,) = capsule_reader.read(file).inputs
    np.testing.assert_array_equal(pixels, IMAGE[:2, :2])
    assert not pixels.flags.writeable


def test_functions_of_modules_are_imported_again(
    tmp_path: Path, again: Again, write_module: Callable[[str, str], Path]
) -> None:
    module = write_module("own_filters", "def smooth(a, sigma):\n    raise KeyError(sigma)\n")
    import own_filters

    for function in (own_filters.smooth, "own_filters:smooth", f"{module}:smooth"):
        file, _ = captured(function, tmp_path, parameters={"sigma": 3})
        assert AGAIN in again(file)
    file, _ = captured(ndimage.uniform_filter, tmp_path, parameters={"size": (1, 2, 3)})
    assert capsule_reader.read(file).code == "scipy.ndimage:uniform_filter"
    assert file.name.startswith("uniform_filter_")
    assert AGAIN in again(file)


class Model:
    """Used by a function below."""

    scale = SIGMA

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return smoothed(pixels) * self.scale


def smoothed(pixels: np.ndarray) -> np.ndarray:
    return ndimage.gaussian_filter(pixels, SIGMA, mode=OPTIONS["mode"])


def test_functions_of_no_module_are_recorded_with_what_they_use(tmp_path: Path) -> None:
    factor = 3

    def inner(pixels: np.ndarray) -> float:
        return float(pixels.sum() * factor)

    def own(pixels: np.ndarray, block: Block, exponent: int) -> np.ndarray:
        import json

        values = [math.pow(one, exponent) for one in Model().run(pixels)[0]]
        raise ValueError(json.dumps([values, inner(pixels), block.index]))

    file, told = captured(own, tmp_path, parameters={"exponent": 2}, halo=1)
    printed = replay(file, code=1)
    assert "what was recorded is run: the function and what it uses" in printed
    assert AGAIN in printed
    assert re.findall("ValueError: (.*)", told)[0] in printed
    printed = replay(file, "--show", code=0)
    assert "def own(pixels: np.ndarray, block: Block, exponent: int)" in printed
    # A function of a function has no module, a class of a module has one.
    assert "    def inner(pixels: np.ndarray) -> float:" in printed
    assert "    factor = 3\n" in printed
    assert "    from test_map_blocks_capture import Model as Model" in printed


def test_lambdas_are_found_among_others_of_their_line(tmp_path: Path, again: Again) -> None:
    shape = (7, 7)
    first, second = lambda pixels: pixels.reshape(shape), lambda pixels: pixels.reshape((*shape, 8))
    for function, text in [(first, "(7,7)"), (second, "(7,7,8)")]:
        file, told = captured(function, tmp_path)
        assert text in told
        assert AGAIN in again(file)


@pytest.mark.parametrize("cell_of_notebook", ["{}/ipykernel_12/345.py", "<ipython-input-3-5d6f>", "<python-input-7>"])
def test_functions_of_notebooks_fail_again_in_the_same_line(
    tmp_path: Path, again: Again, cell_of_notebook: str
) -> None:
    file_name = cell_of_notebook.format(tmp_path)
    function = (
        "def in_notebook(pixels: np.ndarray, unused: Model = DEFAULT) -> np.ndarray:\n"
        "    # Its line counts.\n"
        "    return math.sqrt(-K) * pixels\n"
    )
    others = (
        "import dataclasses, math\nimport numpy as np\nDEFAULT = None\nK = 4\n"
        "class Base:\n    def run(self): pass\n@dataclasses.dataclass\nclass Model(Base):\n    def go(self): pass\n"
    )
    # What comes first in its cell has no line above.
    for text in (others + function, function):
        main = ModuleType("__main__")
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "__main__", main)
            for name, source in (("<others>", others), (file_name, text)):
                patch.setitem(linecache.cache, name, (len(source), None, source.splitlines(True), name))
                exec(compile(source, name, "exec"), vars(main))
            captured_file, told = captured(main.in_notebook, tmp_path)
        assert f"at {file_name}, line " in told
        printed = again(captured_file)
        assert "return math.sqrt(-K) * pixels" in printed
        assert AGAIN in printed


def test_values_that_are_not_recorded_are_told(tmp_path: Path, again: Again) -> None:
    def own(pixels: np.ndarray) -> np.ndarray:
        return pixels / TABLE.reshape(7)

    file, told = captured(own, tmp_path)
    assert told.endswith("The file lacks values that the function uses: TABLE")
    assert "NameError: name 'TABLE' is not defined" in again(file)


def test_functions_without_text_are_told(tmp_path: Path) -> None:
    def own(pixels: np.ndarray, more: int) -> np.ndarray:
        return pixels.reshape(more)

    function = functools.partial(own, more=7)
    assert function_text(function) is None
    with pytest.raises(BlockError, match="was not written into a file: the text of the function is not known") as told:
        map_blocks(function, IMAGE, block_size=2, capture=tmp_path)
    assert told.value.captured is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_gets_a_hundred_files_of_all_calls(tmp_path: Path) -> None:
    for number in range(99):
        (tmp_path / f"map_blocks_{number + 10**6}-cell-0.npz").touch()
    (tmp_path / "others_1-cell-0.npz").touch()
    captured("raise ValueError", tmp_path)
    with pytest.raises(BlockError, match="was not written into a file: there are 100 files of map_blocks in"):
        map_blocks("raise ValueError", IMAGE, block_size=2, capture=tmp_path)
    assert len(list(tmp_path.iterdir())) == 101


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        BlockError, match=r"failed: ValueError\n.*\nThe failed block could not be written into a file: "
    ):
        map_blocks("raise ValueError", IMAGE, block_size=2, capture=tmp_path / "file" / "folder")


def test_blocks_that_fail_in_another_process_are_written_there(tmp_path: Path, again: Again) -> None:
    file, _ = captured("import json\nraise KeyError(5)", tmp_path, processes=True, workers=2)
    assert AGAIN in again(file)


def test_blocks_that_end_their_process_are_written_here(tmp_path: Path) -> None:
    file, _ = captured("import ctypes\nctypes.string_at(0)", tmp_path, processes=True)
    assert "Error: ChildProcessError: its process has ended by SIGSEGV\n  in <map_blocks" in replay(
        file, "--show", code=0
    )
    printed = replay(file, code=-11)
    assert re.search(r'File "<map_blocks \d+>", line 2', printed)


def test_parameters_keep_their_types(tmp_path: Path, again: Again) -> None:
    parameters: dict[str, Any] = {
        "a": (1, [2.5, None], {"k": True}),
        "b": np.float32(0.1),
        "c": 1 + 2j,
        "d": np.array(3),
        "e": np.bool_(True),
        "f": "µ",
        "g": np.arange(3)[::2],
    }
    code = "raise ValueError([(type(one), one) for one in (a, b, complex(c), d, e, f, g)])"
    file, told = captured(code, tmp_path, parameters=parameters)
    assert "lacks" not in told
    assert AGAIN in again(file)


def test_parameters_that_are_objects_are_told(tmp_path: Path, again: Again) -> None:
    parameters = {"model": {"inner": [Model()]}, "sigma": 2, "text": Model(), "names": np.array(["x"])}
    file, told = captured("model['inner'][0]; 1 / 0", tmp_path, parameters=parameters)
    assert told.endswith("The file lacks parameters that are no plain values: model, text, names")
    printed = again(file)
    assert printed.count("has an object of type Model, which is not recorded.") == 2
    assert AGAIN in printed
    assert "parameter text = not recorded, of type Model" in again(file, "--show", code=0)
