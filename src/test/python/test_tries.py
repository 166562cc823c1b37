# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of the tries of packages, without a JVM. TriesTest runs some."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from tries import page
from tries.description import Threads, Try, load, load_threads
from tries.outcome import CRASHED, END, FAILED, HUNG, WORKER_CRASHED, WORKS, Outcome, compare, outcome
from tries.plain import compute, make_input

FOLDER = Path(page.__file__).parent
PROJECT = FOLDER.parents[3]
TRIES = load(FOLDER / "table.py")

HOTSPOT = """\
begin init
#
# A fatal error has been detected by the Java Runtime Environment:
#
#  SIGSEGV (0xb) at pc=0x00007f3df8d6c5a5, pid=77, tid=90
#
# JRE version: OpenJDK Runtime Environment (17.0.15+6) (build 17.0.15+6)
# Problematic frame:
# C  [libtorch_cpu.so+0x12345]  at::native::add+0x45
#
"""

FAILURE = "begin init\nfailed init: PythonCellException: Cell 3 [(0) -- (3)] of x on w failed:"
TIMEOUT = "begin cells\nfailed cells: PythonTimeoutException: Cell 0 [(0) -- (3)] of x on w failed:"
SIGSEGV = "The process 7 was ended by SIGSEGV (exit code 139)"


class TestOutcome:
    @pytest.mark.parametrize(
        ("printed", "code", "kind", "step", "text"),
        [
            ("begin init\ndone init\nbegin cells\ndone cells\ndone\n", 0, WORKS, "", ""),
            ("begin init\ndone init\nbegin cells\n", None, HUNG, "cells", "does not end"),
            ("begin init\ndone init\ndone\n", None, HUNG, END, "does not end"),
            (HOTSPOT, 134, CRASHED, "init", "SIGSEGV in C  [libtorch_cpu.so+0x12345]  at::native::add+0x45"),
            ("begin init\nFatal Python error: x\n", -6, CRASHED, "init", "SIGABRT: Fatal Python error: x"),
            ("begin init\ndone init\ndone\nterminate called\n", 134, CRASHED, END, "SIGABRT: terminate called"),
            ("begin init\n", 3, CRASHED, "init", "exit code 3: begin init"),
            (f"{TIMEOUT} TimeoutError: no end\n\tat java\n", 1, HUNG, "cells", "TimeoutError: no end"),
            (f"{FAILURE} ValueError: a\n  at <x>, line 1\n", 1, FAILED, "init", "ValueError: a"),
            (f"{FAILURE} ValueError: a\n", None, HUNG, "init", "ValueError: a, and the JVM does not end"),
            ("begin init\nfailed init: PythonCodeException: It failed: E: b\n", 1, FAILED, "init", "It failed: E: b"),
            (f"{FAILURE} {SIGSEGV}\n", 1, WORKER_CRASHED, "init", SIGSEGV),
        ],
    )
    def test_of_a_jvm(self, printed, code, kind, step, text):
        assert outcome(printed, code, 1.5) == Outcome(kind, step, text, 1.5)

    def test_pixels(self):
        expected = np.array([[1, 2], [np.nan, 4]])
        assert compare(expected.copy(), expected, 0) == ""
        assert compare(expected + 0.5, expected, 0.5) == ""
        assert compare(expected + 0.5, expected, 0.4) == "3 of 4 pixels are wrong, by up to 0.5"
        assert compare(np.nan_to_num(expected), expected, 10) == "1 of 4 pixels are wrong, by up to 0"


class TestPlainPython:
    def test_blocks_and_the_whole_agree(self):
        settings = {"input_type": "float32", "halo": 8, "dtype": "float32"}
        blocks = Try(["scipy"], "a", "scipy.ndimage:gaussian_filter", parameters={"sigma": 2}, **settings)
        whole = Try(
            ["scipy"], "b", "", "from scipy import ndimage", "", "ndimage.gaussian_filter(image, 2)", **settings
        )
        statements = Try(
            ["scipy"],
            "c",
            "block.data[...] = ndimage.gaussian_filter(block.inputs[0], 2)[block.halo]",
            "from scipy import ndimage",
            **settings,
        )
        image = make_input((90, 110), "float32")
        expected = compute(whole, image)
        assert len(np.unique(image)) > 200
        assert np.array_equal(compute(blocks, image), expected)
        assert np.array_equal(compute(statements, image), expected)


class TestTable:
    def test_names_are_unique(self):
        assert len({one.name for one in TRIES}) == len(TRIES)

    def test_packages_are_pinned(self):
        pinned = set(re.findall(r"^([\w.-]+)==", FOLDER.joinpath("requirements.txt").read_text(), re.MULTILINE))
        assert {package.lower() for one in TRIES for package in one.packages} <= pinned

    def test_the_page_is_that_of_the_results(self, tmp_path):
        results = json.loads(FOLDER.joinpath("results.json").read_text("utf-8"))
        assert {one.name for one in TRIES} == set(results["outcomes"])
        page.write(TRIES, load_threads(FOLDER / "table.py"), results, tmp_path / "page.md")
        written = PROJECT.joinpath("doc", "packages.md").read_text("utf-8")
        assert tmp_path.joinpath("page.md").read_text("utf-8") == written

    def test_what_does_not_work_is_explained(self):
        outcomes = json.loads(FOLDER.joinpath("results.json").read_text("utf-8"))["outcomes"]
        for one in TRIES:
            for mode, ended in outcomes[one.name].items():
                works = all(Outcome(*fields).kind == WORKS for fields in ended)
                assert works == (mode not in one.notes), f"{one.name}, {mode}"


def test_page_has_the_first_line_of_each_failure(tmp_path):
    tries = [
        Try(["numpy"], "a", "", notes={"SUB": "Use `PROCESS`."}),
        Try(["scipy"], "b", ""),
        Try(["x"], "not run", ""),
    ]
    good, bad = Outcome(WORKS, "", "", 1), Outcome(FAILED, "init", "ValueError: `x` | y", 1)
    end = Outcome(HUNG, END, "t", 9)
    outcomes = {"numpy: a": {"SHARED": [good, good], "SUB": [bad, bad]}, "scipy: b": {"SHARED": [good, end]}}
    results = {"machine": {"cores": "7"}, "versions": {"numpy": "2", "scipy": "1"}, "outcomes": outcomes}
    results["threads"] = {"cv2": {"SHARED": [0.5, 0.25], "PROCESS": [0.4, 0.2]}}
    page.write(
        tries, [Threads("cv2", "", one="cv2.setNumThreads(1)"), Threads("not run", "")], results, tmp_path / "page.md"
    )
    text = (tmp_path / "page.md").read_text("utf-8")
    assert "| numpy 2 | a | works | exception (1) |  |" in text
    assert "| scipy 1 | b | hangs in one of two JVMs (2) |  |  |" in text
    assert "1. **numpy: a, `SUB`**: exception: `ValueError: 'x' ¦ y`. Use `PROCESS`.\n" in text
    assert "2. **scipy: b, `SHARED`**: hangs at the end of the JVM: `t`.\n" in text
    assert "* `SHARED`: 1 of 2 work.\n* `SUB`: 0 of 1 work.\n" in text
    assert "| cv2 | `cv2.setNumThreads(1)` | 500 ms, with one thread 250 ms | 400 ms, with one thread 200 ms |" in text
    assert "on a machine with 7 cores" in text
    assert "not run" not in text
