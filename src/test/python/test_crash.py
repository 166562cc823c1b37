# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of crash.py that need no JVM and do not crash this process."""

from __future__ import annotations

import ctypes
import faulthandler
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCES
from imglib2_cache_python._embedding import crash


def test_handlers_are_not_installed_where_they_could_replace_those_of_a_jvm(tmp_path: Path) -> None:
    # Runs in a new process, because pytest has enabled faulthandler in this one.
    code = (
        "import faulthandler, sys\nsys.path.insert(0, sys.argv[1])\nfrom imglib2_cache_python._embedding import crash\n"
        "try:\n    crash.write_stack_on_crash(sys.argv[2])\n"
        "except RuntimeError as error:\n    print(faulthandler.is_enabled(), error)"
    )
    file = tmp_path / "crash.txt"
    command = [sys.executable, "-I", "-B", "-c", code, str(SOURCES), str(file)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    assert child.stdout.startswith("False imglib2.python.crashFile ")
    assert "remove that system property" in child.stdout
    assert not file.exists()


@pytest.mark.parametrize("folder", ["lib", "lib/server"])
def test_library_for_signal_chaining_is_that_of_the_jvm(tmp_path: Path, folder: str) -> None:
    server = tmp_path / "größe jdk" / "lib" / "server"
    server.mkdir(parents=True)
    library = tmp_path / "größe jdk" / folder / "libjsig.so"
    library.touch()
    maps = tmp_path / "maps"
    maps.write_text(
        "7f0000000000-7f0000001000 r--p 00000000 08:01 1 /usr/lib/libc.so.6\n"
        "7f0000001000-7f0000002000 rw-p 00000000 00:00 0 [heap]\n"
        f"7f0000002000-7f0000003000 r--p 00000000 08:01 2                  {server}/libjvm.so\n",
        "utf-8",
    )
    assert crash.chaining_library(str(maps)) == str(library)
    library.unlink()
    assert crash.chaining_library(str(maps)) == "/path/to/jdk/lib/libjsig.so"


@pytest.mark.skipif(sys.platform != "linux", reason="asks the dynamic linker of Linux")
def test_library_of_a_function_is_told() -> None:
    assert "libc" in crash.file_of(ctypes.CDLL(None).getpid)


def test_enabling_faulthandler_warns_and_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faulthandler, "enable", faulthandler.enable)
    enabled = faulthandler.is_enabled()
    faulthandler.disable()
    try:
        crash.keep_signals_of_the_jvm()
        with pytest.warns(RuntimeWarning, match=r"imglib2\.python\.crashFile") as warned:
            faulthandler.enable(file=sys.__stderr__, all_threads=False)
        assert warned[0].filename == __file__
        assert not faulthandler.is_enabled()
    finally:
        if enabled:
            crash._enable(sys.__stderr__)
