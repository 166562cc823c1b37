# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tells workers which GPU is theirs, for the page gpu.md."""

import fcntl
import itertools
import os
import tempfile
from pathlib import Path
from typing import TextIO


class Gpu(int):
    """The number of a GPU, which is taken as long as this object exists."""

    file: TextIO


def take_gpu(count: int, program: str = "python-workers") -> Gpu:
    """Takes the first place that no other worker of this user has taken. Places 0, 1, 2, ... go round the GPUs.

    The place is free again when the object goes, or the process ends, however it ends.

    Args:
        count: How many GPUs there are.
        program: Workers with the same name know of each other. Part of the names of files.

    Raises:
        RuntimeError: There are none.
    """
    if count < 1:
        raise RuntimeError("there is no GPU that the package can use")
    for place in itertools.count():
        file = Path(tempfile.gettempdir(), f"{program}-{os.getuid()}-{place}.gpu").open("a")  # noqa: SIM115
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        gpu = Gpu(place % count)
        gpu.file = file
        return gpu
