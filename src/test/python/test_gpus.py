# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The file doc/code/gpus.py, which the page doc/gpu.md recommends, gives each worker a GPU."""

import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytest.importorskip("fcntl", reason="the locks of gpus.py are those of POSIX")

_FILE = Path(__file__).parents[3] / "doc" / "code" / "gpus.py"

_OTHER_WORKER = """
import runpy, sys, tempfile
tempfile.tempdir = sys.argv[2]
gpu = runpy.run_path(sys.argv[1])["take_gpu"](2)
print(int(gpu), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def take_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return runpy.run_path(str(_FILE))["take_gpu"]


def test_workers_go_round_the_gpus(take_gpu):
    gpus = [take_gpu(2) for _ in range(3)]
    assert gpus == [0, 1, 0]
    del gpus[1]
    assert take_gpu(2) == 1


def test_a_gpu_is_free_again_when_its_worker_was_killed(take_gpu, tmp_path):
    command = [sys.executable, "-c", _OTHER_WORKER, str(_FILE), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "0\n"
        mine = take_gpu(2)
        assert mine == 1
        other.kill()
    assert take_gpu(2) == 0


def test_without_a_gpu_there_is_an_error(take_gpu):
    with pytest.raises(RuntimeError, match="no GPU"):
        take_gpu(0)
