# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
from imglib2_cache_python.block import Block as Block
from imglib2_cache_python.blockwise import BlockError as BlockError
from imglib2_cache_python.blockwise import map_blocks as map_blocks

__all__ = ["Block", "BlockError", "map_blocks"]

USER_MODULES: str
