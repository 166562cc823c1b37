# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What the reader of the package ome-zarr finds in a folder, as JSON. It is run by a Python that has that package."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader


def images(path: str) -> list[dict[str, Any]]:
    """The images: name, axes, and the pixels, dtype and transformations of each level."""
    return [
        {
            "name": node.metadata["name"],
            "axes": node.metadata["axes"],
            "dtypes": [str(level.dtype) for level in node.data],
            "levels": [np.asarray(level).tolist() for level in node.data],
            "transformations": node.metadata["coordinateTransformations"],
        }
        for node in Reader(parse_url(path))()
    ]


if __name__ == "__main__":
    print(json.dumps(images(sys.argv[1])))
