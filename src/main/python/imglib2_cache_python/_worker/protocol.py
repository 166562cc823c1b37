# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""How blocks cross from Java to Python: as numbers in memory that both see, not as objects.

Java writes some blocks into the *request* and calls `Worker.step`. What Java and Python tell each other besides is in
the *control* words. Both are 64-bit integers in native order. The Java side is ``RequestCodec`` (requests),
``ControlWords``, and ``Protocol`` (the constants below under the same names, which `check` compares). All axes are in
numpy's order.

A request has these parts:

======================== ===============================================================================================
header                   length of the request; number of blocks, of new memories, of new layouts; 1 if Python has to
                         empty its tables first, else 0
for each new memory      its place in `MemoryTable`, times 2, plus 1 if Python may write into it
for each new layout      its place in the table of layouts, its length, and its numbers
for each block           place of its layout; index of the cell; of each of the m arrays the memory; of each its offset
                         in that memory, in bytes; n each of min and max of the cell
======================== ===============================================================================================

A memory is a place in the table if it is not negative; -1, -2, ... are the arguments of the call.

A layout is what most blocks of an image have in common:

======================== ===============================================================================================
header                   loader; number n of axes; number m of arrays; n each of the size of the cell, and of the halo
                         before it
for each array           access; 1 if its memory is watched, else 0; 1 if it has to be copied into C order without gaps,
                         else 0; dtype, or -1 - dtype if the byte order is not the native one; number of axes; number of
                         axes of the crop, 0 if there is no crop; shape; strides in bytes; lower bound of the crop; size
                         of the crop
======================== ===============================================================================================

Both sides have the same tables only if a call returns as it should. After any other call Java does not know what Python
has read, and lets the next request empty the tables: it names nothing that Python may not have.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from imglib2_cache_python.block import halo_slices
from imglib2_cache_python.failure import ADVICE  # noqa: F401 - a constant of the protocol

# Counted up when the meaning of a number changes, or a number is added.
VERSION = 1

# One call computes at most so many blocks.
MAX_BLOCKS = 8

# At most so many memories that user code has retained are watched, to be reused when it has dropped them.
MAX_RETAINED = 64

# Only arrays with a smaller number are watched: a mask has one bit for each.
MAX_WATCHED = 63

# Number of a retained memory: the ticket of its block times this, plus the number of the array.
ARRAYS_PER_TICKET = 64

# Control words. RUNNING: ticket of the call or block whose user code runs; else 0, or minus the ticket of the block
# that ended last: if this process ends, it tells which blocks are done. Written by Python.
RUNNING = 0

# Ticket of the call or block to cancel, or `ABANDONED`, or `EXITING`; written by Java.
CANCEL = 1

# Ticket of the block whose Python stack was written, and length of the text in bytes; written by Python.
STACK_OF = 2
STACK_LENGTH = 3

# Ticket of the call, or of its first block; the others follow. Written by Java.
TICKET = 4

# Ticket of the call that has begun: its request was read, and user code may have run. Written by Python.
BEGUN = 5

# How many retained memories user code has dropped since the last call, and their numbers; written by Python.
NUM_FREED = 6
FREED = 7

# For each block its result, and the mask of the watched arrays whose memory user code has retained; written by Python
# where one is not 0. The result is `OK`, or `FAILED` plus the number of the failure, see `Worker.failure`; `FAILED`
# alone if the failure could not be described.
RESULTS = FREED + MAX_RETAINED
RESULT_LENGTH = 2

CONTROL_LENGTH = RESULTS + RESULT_LENGTH * MAX_BLOCKS

# Values of CANCEL that are no tickets: cancel whatever runs, and begin no further block. ABANDONED: nobody waits for
# this worker any more. EXITING: the JVM exits; cancel at once, also within an import.
ABANDONED = -1
EXITING = -2

# What the methods that Java calls return, and results of blocks. Never None, because Jep also returns null where it
# could not convert an argument.
OK = 0
FAILED = 1
BROKEN = 2

# In the place of a failure's number: the last one.
LAST_FAILURE = -1

# Lengths of the parts of a request that are named above, without what is there once per array or axis.
HEADER_LENGTH = 5
NEW_LAYOUT_LENGTH = 2
LAYOUT_LENGTH = 3
ARRAY_LENGTH = 6
BLOCK_LENGTH = 2

# Access to an array. OUTPUT: user code writes the pixels of the cell into it. The others are inputs. WRITE: user code
# may write into it. READ: it may read it. READ_SHARED: the same, where others see the memory. WRITE_COPY: it may write
# into a copy, because others see the memory.
OUTPUT, WRITE, READ, READ_SHARED, WRITE_COPY = range(5)

# Lengths of the description of a failure, see `Failure.to_strings`: without its frames, and per frame. `ADVICE` in the
# place of a frame's function marks the advice.
FAILURE_LENGTH = 6
FRAME_LENGTH = 3

# The type of a failure of code that was cancelled.
CANCELLED = "imglib2_cache_python._worker.watchdog.Cancelled"

_CONSTANTS = {
    name: str(value) for name, value in list(globals().items()) if name.isupper() and isinstance(value, (int, str))
}

# In the place of a memory that is not there. Not None, for which numpy would allocate memory.
_NOTHING: Any = object()

_unpackers: dict[int, struct.Struct] = {}


class ProtocolError(RuntimeError):
    """Java and Python do not speak the same protocol."""


def check(constants: str) -> None:
    """Compares the constants of both sides.

    Args:
        constants: A line ``NAME=value`` for each constant of Java.

    Raises:
        ProtocolError: If they differ.
    """
    theirs = dict(line.split("=") for line in constants.split("\n"))
    if theirs == _CONSTANTS:
        return
    differences = [
        f"{name} is {theirs.get(name, 'missing')} in Java, {_CONSTANTS.get(name, 'missing')} in Python"
        for name in sorted(theirs.keys() | _CONSTANTS.keys())
        if theirs.get(name) != _CONSTANTS.get(name)
    ]
    raise ProtocolError(
        f"The Java half of imglib2-cache-python speaks protocol {theirs.get('VERSION', 'unknown')}, its Python half in "
        f"{__file__} protocol {VERSION}: {'; '.join(differences)}. Both halves come in the same jar: keep one version "
        "of imglib2-cache-python on the class path, and no other one where Python finds modules"
    )


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
        loader: Whose code computes the block.
        n: Number of axes.
        m: Number of arrays.
        min_at: Where the coordinates begin in the numbers of a block.
        block_length: How many numbers a block has.
        dim: Shape of the cell.
        halo: Slices that crop the first input to the cell; without inputs, the loader's halo.
        output: Which array is the output.
        watched: Which arrays are in memory that is watched.
        arrays: For each array whether it is copied into C order, its access, and what ``np.ndarray`` needs: dtype,
            shape and strides.
        crops: For each array the slices that crop it to its part without halo, or None.
        crops_of_inputs: The same, without the output.
        shared: Whether others see the memory of an array that user code may read.
    """

    def __init__(self, numbers: Sequence[int], dtypes: Sequence[np.dtype]) -> None:
        """Reads a layout.

        Args:
            numbers: What Java wrote.
            dtypes: What the numbers of dtypes mean.
        """
        self.loader, self.n, self.m = numbers[:LAYOUT_LENGTH]
        n = self.n
        at = LAYOUT_LENGTH
        self.dim, lower = tuple(numbers[at : at + n]), numbers[at + n : at + 2 * n]
        at += 2 * n
        self.halo = halo_slices(lower, self.dim)
        self.min_at = BLOCK_LENGTH + 2 * self.m
        self.block_length = self.min_at + 2 * n
        self.arrays: list[tuple[int, int, np.dtype, Sequence[int], Sequence[int]]] = []
        self.crops: list[tuple[slice, ...] | None] = []
        outputs, watched = [], []
        for i in range(self.m):
            access, is_watched, contiguous, dtype, axes, crop_axes = numbers[at : at + ARRAY_LENGTH]
            at += ARRAY_LENGTH
            shape, strides = numbers[at : at + axes], numbers[at + axes : at + 2 * axes]
            at += 2 * axes
            lower, size = numbers[at : at + crop_axes], numbers[at + crop_axes : at + 2 * crop_axes]
            at += 2 * crop_axes
            kind = dtypes[dtype] if dtype >= 0 else dtypes[-1 - dtype].newbyteorder()
            self.arrays.append((contiguous, access, kind, shape, strides))
            self.crops.append(halo_slices(lower, size) if crop_axes else None)
            if access == OUTPUT:
                outputs.append(i)
            if is_watched:
                watched.append(i)
        if len(outputs) != 1:
            raise ValueError(f"a block has {len(outputs)} outputs, expected 1")
        self.output = outputs[0]
        self.crops_of_inputs = (*self.crops[: self.output], *self.crops[self.output + 1 :])
        if self.crops_of_inputs and self.crops_of_inputs[0] is not None:
            self.halo = self.crops_of_inputs[0]
        self.watched = tuple(watched)
        self.shared = any(access == READ_SHARED for _, access, *_ in self.arrays)


class MemoryTable:
    """Memories that Java hands over once and names by their place from then on.

    To hand a memory over takes longer than all else that a small block needs.
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
        at += BLOCK_LENGTH
        counts = []
        for i in arrays:
            code = numbers[at + i]
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
            read_only_is_ignored: Whether user code may write into read-only arrays all the same: it gets copies of
                what others see.
        """
        arrays: list[np.ndarray] = []
        at += BLOCK_LENGTH
        for contiguous, access, dtype, shape, strides in layout.arrays:
            code = numbers[at]
            if code >= 0:
                memory = self._views[code]
            else:
                memory = arguments[-1 - code]
                if access > WRITE:
                    # The base of the array: what is read-only itself could be made writable again.
                    memory.setflags(False)
            array = np.ndarray(shape, dtype, memory, numbers[at + layout.m], strides)
            if contiguous:
                array = np.ascontiguousarray(array)
            if access > WRITE:
                if access == WRITE_COPY or (access == READ_SHARED and read_only_is_ignored):
                    array = array.copy()
                if access != WRITE_COPY:
                    array.setflags(False)
            arrays.append(array)
            at += 1
        return arrays
