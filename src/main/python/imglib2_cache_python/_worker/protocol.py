# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""How blocks cross from Java to Python: as numbers in memory that both see, not as objects.

Java writes the numbers of some blocks into the *request* and calls `Worker.step`; what Java and Python tell each other
besides is in the *control* words. Both are native-order 64-bit integers. The Java side is ``BlockRequest``,
``MemoryTable`` and ``HandOver``.

The request: how many numbers it has; number of blocks; number of memories that are new in the table, number of layouts
that are new; whether the tables are emptied first; of each of these memories its place in the table, doubled, plus 1 if
Python may write into it; of each of these layouts its place, how many numbers it has, and these. Then for each block:
its layout and index; of each of the m arrays, of which the first is the cell and the others are the inputs, the memory;
of each the offset in it in bytes; n each of min and max.

Both sides have the same tables only if a call returns as it should. After any other call Java does not know what Python
has read, and lets the next one empty the tables: nothing is named that Python may not have, or may have otherwise.

The layout is what most blocks of an image have in common: loader, number n of axes, number m of arrays; n each of dim
and lower halo; mask of the arrays whose memory is to be watched; for each array its kind, unless it is the memory
itself the dtype, the number of axes, the shape and the strides in bytes, and what user code may do with it. All axes
are in numpy order.

A memory is a place in the table if it is not negative; else -1, -2, ... are the arguments of the call.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from imglib2_cache_python.block import halo_slices

# Control words. RUNNING: ticket of the call or block whose user code runs, 0 for none; written by Python.
RUNNING = 0

# Ticket of the block that shall be cancelled, or `RETIRED`, or `ENDING`; written by Java.
CANCEL = 1

# Ticket of the block whose Python stack has been written, and length of the text in bytes; written by Python.
STACK_OF = 2
STACK_LENGTH = 3

# Ticket of the call, or of its first block; the others follow. Written by Java.
TICKET = 4

# Ticket of the call that has begun: its request was read, and user code may have run. Written by Python.
BEGUN = 5

# How many memories are no longer held by user code, and their numbers; written by Python.
FREED = 6

# So many memories that user code holds are watched, so that they can be reused when it does not any more.
MAX_HELD = 64

# For each block how it ended, and the mask of the watched memories that user code holds; written by Python where one is
# not 0. A block that failed has 1 plus the number of what `Worker.failure` tells of it, 1 if nothing could be told.
RESULTS = FREED + 1 + MAX_HELD

# Negative values of CANCEL: whatever runs shall be cancelled, and no further block of the call shall begin. `ENDING`,
# because the JVM ends: at once, also within an import.
RETIRED = -1
ENDING = -2

# Kinds of arrays: the memory itself, a part of it, and a copy without gaps of such a part.
AS_IT_IS, PART, MADE_CONTIGUOUS = 0, 1, 2

# What user code may do with an array: read it; the same, where others see the memory; write into it; write into a copy
# of it, because others see the memory.
READ, READ_SHARED, WRITE, WRITE_COPY = 0, 1, 2, 3

# In the place of a memory that is not there. Not None, for which numpy would allocate memory.
_NOTHING: Any = object()

# Numbers of a request before its tables.
HEADER_LENGTH = 5

_unpackers: dict[int, struct.Struct] = {}


def read_numbers(request: memoryview) -> tuple[int, ...]:
    """The numbers of a request."""
    length = request[0]
    unpacker = _unpackers.get(length)
    if unpacker is None:
        unpacker = _unpackers.setdefault(length, struct.Struct(f"={length}q"))
    return unpacker.unpack_from(request)


class Layout:
    """What most blocks of an image have in common.

    Attributes:
        loader: Whose code fills the block.
        n: Number of axes.
        m: Number of arrays.
        min_at: Where the coordinates begin in what a request says of a block.
        block_length: How many numbers that has.
        dim: Shape of the cell.
        halo: Slices that crop an array of the inputs' shape to the cell.
        watched: Which arrays are in memory that is to be watched.
        arrays: For each array its kind, what user code may do with it, and the dtype, shape and strides that
            ``np.ndarray`` needs.
        shared: Whether others see the memory of an array.
    """

    def __init__(self, numbers: tuple[int, ...], dtypes: Sequence[np.dtype]) -> None:
        """Reads a layout.

        Args:
            numbers: What Java wrote.
            dtypes: What the numbers of dtypes mean.
        """
        self.loader, self.n, self.m = numbers[:3]
        n = self.n
        self.dim, lower, mask = numbers[3 : 3 + n], numbers[3 + n : 3 + 2 * n], numbers[3 + 2 * n]
        self.halo = halo_slices(lower, self.dim)
        self.min_at = 2 + 2 * self.m
        self.block_length = self.min_at + 2 * n
        self.watched = tuple(i for i in range(self.m) if mask >> i & 1)
        self.arrays: list[tuple[int, int, Any, Any, Any]] = []
        at = 4 + 2 * n
        for _ in range(self.m):
            kind = numbers[at]
            dtype = shape = strides = None
            at += 1
            if kind != AS_IT_IS:
                dtype, axes = dtypes[numbers[at]], numbers[at + 1]
                at += 2
                shape, strides = numbers[at : at + axes], numbers[at + axes : at + 2 * axes]
                at += 2 * axes
            self.arrays.append((kind, numbers[at], dtype, shape, strides))
            at += 1
        self.shared = any(access == READ_SHARED for _, access, *_ in self.arrays)


class Memories:
    """Memories that Java hands over once and names by their place in a table from then on.

    An argument of a call from Java costs more than all else that a small block needs.
    """

    def __init__(self) -> None:
        """Creates an empty table."""
        self._owners: list[np.ndarray] = []
        self._views: list[memoryview] = []

    def put(self, place: int, memory: np.ndarray, *, writable: bool) -> None:
        """Puts a memory into the table, in place of what was there."""
        missing = place + 1 - len(self._owners)
        self._owners += [_NOTHING] * missing
        self._views += [_NOTHING] * missing
        self._owners[place] = memory
        # numpy makes arrays faster of a memoryview. It can be written also where the owner cannot, because numpy takes
        # long to find out that a memory is read-only; arrays become so one by one, and cannot be changed back.
        self._views[place] = memoryview(memory)
        if not writable:
            memory.setflags(write=False)

    def take(self, code: int, arguments: Sequence[np.ndarray]) -> np.ndarray:
        """Removes a memory from the table, or returns the argument that the code stands for."""
        if code < 0:
            return arguments[-1 - code]
        memory = self._owners[code]
        self._owners[code] = self._views[code] = _NOTHING
        return memory

    def references(
        self, arrays: Sequence[int], numbers: Sequence[int], at: int, arguments: Sequence[np.ndarray]
    ) -> list[int]:
        """Numbers of references to the memories of some arrays of a block, for comparison with earlier such numbers.

        Args:
            arrays: Which ones.
            numbers: The request.
            at: Where the block begins in it.
            arguments: Memories that are not in the table.
        """
        counts = []
        for i in arrays:
            code = numbers[at + 2 + i]
            counts.append(getrefcount(self._owners[code] if code >= 0 else arguments[-1 - code]))
        return counts

    def arrays(
        self,
        layout: Layout,
        numbers: Sequence[int],
        at: int,
        arguments: Sequence[np.ndarray],
        *,
        read_only_is_ignored: bool = False,
    ) -> list[np.ndarray]:
        """Makes the arrays of a block.

        Args:
            layout: Of the block.
            numbers: The request.
            at: Where the block begins in it.
            arguments: Memories that are not in the table.
            read_only_is_ignored: Whether what is read-only may be written all the same: what others see is copied.
        """
        arrays: list[np.ndarray] = []
        at += 2
        for kind, access, dtype, shape, strides in layout.arrays:
            code = numbers[at]
            if code >= 0:
                memory = self._views[code]
            else:
                memory = arguments[-1 - code]
                if access != WRITE:
                    # The base of the array: what is read-only itself could be made writable again.
                    memory.setflags(False)
            if kind == AS_IT_IS:
                array = memory if access == WRITE else memory.view()
            else:
                array = np.ndarray(shape, dtype, memory, numbers[at + layout.m], strides)
                if kind == MADE_CONTIGUOUS:
                    array = np.ascontiguousarray(array)
            if access != WRITE:
                if access == WRITE_COPY or (access == READ_SHARED and read_only_is_ignored):
                    array = array.copy()
                if access != WRITE_COPY:
                    array.setflags(False)
            arrays.append(array)
            at += 1
        return arrays
