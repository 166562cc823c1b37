# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of protocol.py: blocks as numbers in shared memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import CONSTANTS, DTYPES, Bench, Told
from imglib2_cache_python._worker import protocol
from imglib2_cache_python._worker import worker as worker_module
from imglib2_cache_python._worker.protocol import (
    BROKEN,
    FAILED,
    OK,
    OUTPUT,
    READ,
    READ_SHARED,
    WRITE,
    WRITE_COPY,
    Layout,
    MemoryTable,
)
from imglib2_cache_python._worker.watchdog import Cancelled
from imglib2_cache_python._worker.worker import Worker
from imglib2_cache_python.failure import Failure
from imglib2_cache_python.snippet import _is_installed

# Indices in DTYPES.
UINT8, FLOAT64 = DTYPES.index("uint8"), DTYPES.index("float64")


class Part(NamedTuple):
    """An array in a memory."""

    code: int
    offset: int
    dtype: int
    shape: Sequence[int]
    strides: Sequence[int]
    contiguous: bool = False
    access: int = READ
    crop: tuple[Sequence[int], Sequence[int]] = ((), ())

    def numbers(self, watched: bool = False) -> list[int]:
        """What is the same for most blocks."""
        lower, size = self.crop
        head = [self.access, int(watched), int(self.contiguous), self.dtype, len(self.shape), len(lower)]
        return [*head, *self.shape, *self.strides, *lower, *size]


def whole(code: int, *shape: int) -> Part:
    """An array of float64 that is all of its memory; of three numbers if nothing else is said."""
    shape = shape or (3,)
    strides = [8 * int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    return Part(code, 0, FLOAT64, shape, strides)


def with_output(arrays: Sequence[Part]) -> Sequence[Part]:
    """The arrays; if none is an output, the first one becomes it."""
    if any(array.access == OUTPUT for array in arrays):
        return arrays
    return (arrays[0]._replace(access=OUTPUT), *arrays[1:])


def layout_numbers(
    loader: int, dim: Sequence[int], lower: Sequence[int], arrays: Sequence[Part], watched: int = 0
) -> list[int]:
    """A layout as Java writes it."""
    numbers = [loader, len(dim), len(arrays), *dim, *lower]
    for i, array in enumerate(arrays):
        numbers += array.numbers(bool(watched >> i & 1))
    return numbers


class Described(NamedTuple):
    """The numbers of a block and of its layout."""

    layout: list[int]
    block: list[int]


def describe(loader: int, index: int, dim: Sequence[int], arrays: Sequence[Part], watched: int = 0) -> Described:
    """A block at the origin, without a halo."""
    zeros = [0] * len(dim)
    arrays = with_output(arrays)
    layout = layout_numbers(loader, dim, zeros, arrays, watched)
    codes, offsets = [array.code for array in arrays], [array.offset for array in arrays]
    return Described(layout, [index, *codes, *offsets, *zeros, *[size - 1 for size in dim]])


def write(
    bench: Bench, blocks: Sequence[Described], *, places: Sequence[int] = (), ticket: int = 1, reset: bool = False
) -> None:
    """Writes a request, each block with a new layout."""
    numbers = [len(blocks), len(places), len(blocks), int(reset), *places]
    for place, described in enumerate(blocks):
        numbers += [place, len(described.layout), *described.layout]
    for place, described in enumerate(blocks):
        numbers += [place, *described.block]
    bench.request[: 1 + len(numbers)] = [1 + len(numbers), *numbers]
    bench.control[protocol.TICKET] = ticket
    bench.control[protocol.RESULTS :] = bench.control[protocol.NUM_FREED] = 0


def results(bench: Bench, blocks: int) -> list[tuple[int, int]]:
    """Status of each block, and the mask of the memories that are retained."""
    words = bench.control[protocol.RESULTS :][: 2 * blocks].tolist()
    return list(zip(words[::2], words[1::2], strict=True))


def arrays_of(memories: MemoryTable, arguments: Sequence[np.ndarray], *parts: Part) -> list[np.ndarray]:
    """Makes arrays."""
    parts = with_output(parts)
    layout = Layout(tuple(layout_numbers(7, [1], [0], parts)), [np.dtype("uint8"), np.dtype("<u2")])
    block = [0, 0, *(part.code for part in parts), *(part.offset for part in parts)]
    return memories.arrays(layout, block, 0, arguments)


@pytest.mark.parametrize("place", [None, 3])
def test_arrays_lie_in_memory_as_their_layout_says(place: int | None) -> None:
    memory = np.arange(96, dtype=np.uint8)
    memories = MemoryTable()
    code = -1 if place is None else place
    if place is not None:
        memories.put(place, memory, writable=True)
    contiguous, strided, made = arrays_of(
        memories,
        [memory],
        Part(code, 4, 1, (2, 3), (6, 2)),
        Part(code, 66, 1, (2, 3), (-6, 2)),
        Part(code, 0, 1, (2, 2), (2, 4), True),
    )
    np.testing.assert_array_equal(contiguous, memory[4:16].view("<u2").reshape(2, 3))
    np.testing.assert_array_equal(strided, [memory[66:72].view("<u2"), memory[60:66].view("<u2")])
    assert np.shares_memory(strided, memory)
    np.testing.assert_array_equal(made, memory[:8].view("<u2").reshape(2, 2).T)
    assert made.flags.c_contiguous
    assert not np.shares_memory(made, memory)


def test_an_array_can_have_the_other_byte_order() -> None:
    memory = np.arange(8, dtype=np.uint8)
    native, swapped = arrays_of(MemoryTable(), [memory], Part(-1, 2, 1, (3,), (2,)), Part(-1, 2, -2, (3,), (2,)))
    assert swapped.dtype == native.dtype.newbyteorder()
    assert swapped.tolist() == native.byteswap().tolist() != native.tolist()
    assert np.shares_memory(swapped, memory)


def test_a_layout_tells_the_halo_the_crops_and_what_is_watched() -> None:
    padded = whole(-1, 6, 5)._replace(crop=((2, 0), (4, 5)))
    other_axes = whole(-2, 2, 8, 5)._replace(crop=((0, 1, 0), (2, 6, 5)))
    output = whole(-3, 4, 5)._replace(access=OUTPUT)
    numbers = layout_numbers(7, (4, 5), (1, 0), [padded, other_axes, output, whole(-4)], 0b0101)
    layout = Layout(tuple(numbers), [np.dtype(dtype) for dtype in DTYPES])
    assert layout.loader == 7
    assert layout.dim == (4, 5)
    assert layout.halo == layout.crops[0]
    assert layout.watched == (0, 2)
    assert layout.output == 2
    assert layout.crops == [
        (slice(2, 6), slice(0, 5)),
        (slice(0, 2), slice(1, 7), slice(0, 5)),
        None,
        None,
    ]
    assert layout.crops_of_inputs == (*layout.crops[:2], None)
    dtypes = [np.dtype(dtype) for dtype in DTYPES]
    without_crop = Layout(tuple(layout_numbers(7, (4, 5), (1, 0), [output, whole(-4), padded])), dtypes)
    assert without_crop.halo == (slice(1, 5), slice(0, 5))


def test_any_array_can_be_the_output(bench: Bench) -> None:
    bench.run("prepare", 1, "block.data[...] = block.inputs[0] - block.inputs[1]", "<loader 1>")
    arrays = [whole(-1), whole(-2)._replace(access=OUTPUT), whole(-3)]
    output = np.zeros(3)
    write(bench, [describe(1, 0, [3], arrays)])
    done(bench, np.full(3, 7.0), output, np.full(3, 2.0))
    assert output.tolist() == [5, 5, 5]


@pytest.mark.parametrize("accesses", [(READ, WRITE), (OUTPUT, OUTPUT)])
def test_a_block_has_one_output(accesses: tuple[int, int]) -> None:
    arrays = [whole(-1 - i)._replace(access=access) for i, access in enumerate(accesses)]
    with pytest.raises(ValueError, match="outputs, expected 1"):
        Layout(tuple(layout_numbers(7, [3], [0], arrays)), [np.dtype(dtype) for dtype in DTYPES])


def test_failures_are_described_as_the_protocol_says() -> None:
    failure = Failure("", "", "", 0, "", "", ())
    assert len(failure.to_strings()) == protocol.FAILURE_LENGTH
    failure = replace(failure, frames=(("f", "file", 1),))
    assert len(failure.to_strings()) == protocol.FAILURE_LENGTH + protocol.FRAME_LENGTH
    assert replace(failure, advice="do").to_strings()[-protocol.FRAME_LENGTH] == protocol.ADVICE
    assert f"{Cancelled.__module__}.{Cancelled.__qualname__}" == protocol.CANCELLED


def test_a_worker_of_the_same_protocol_starts() -> None:
    protocol.check(CONSTANTS)
    shuffled = "\n".join(reversed(CONSTANTS.split("\n")))
    protocol.check(shuffled)


@pytest.mark.parametrize(
    ("before", "after", "difference"),
    [
        ("MAX_BLOCKS=8", "MAX_BLOCKS=16", "MAX_BLOCKS is 16 in Java, 8 in Python"),
        ("BEGUN=5\n", "", "BEGUN is missing in Java, 5 in Python"),
        ("BEGUN=5\n", "BEGUN=5\nSPEED=7\n", "SPEED is 7 in Java, missing in Python"),
        ("VERSION=1\n", "VERSION=99\n", "speaks protocol 99, its Python half in "),
    ],
)
def test_a_worker_of_another_protocol_does_not_start(before: str, after: str, difference: str) -> None:
    assert before in CONSTANTS
    with pytest.raises(protocol.ProtocolError) as error:
        Worker(
            "python_1_worker_1",
            "SHARED",
            CONSTANTS.replace(before, after),
            "\n".join(DTYPES),
            np.zeros(10, np.int64),
            np.zeros(protocol.CONTROL_LENGTH, np.int64),
            np.zeros(10, np.uint8),
        )
    message = str(error.value)
    assert difference in message
    assert str(Path(protocol.__file__)) in message
    assert f"protocol {protocol.VERSION}: " in message
    assert "keep one version of imglib2-cache-python on the class path" in message


def test_inputs_cannot_be_written() -> None:
    memories = MemoryTable()
    memories.put(0, np.zeros(64, np.uint8), writable=True)
    memories.put(1, np.zeros(64, np.uint8), writable=False)
    one = Part(0, 0, 0, (8,), (1,))
    for second in (Part(1, 0, 0, (8,), (1,)), Part(1, 0, 0, (8,), (2,)), Part(1, 0, 0, (8,), (2,), True)):
        data, array = arrays_of(memories, [], one, second)
        data[...] = 1
        assert not array.flags.writeable
        if not second.contiguous:
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True
    for second in (Part(-1, 0, 0, (8,), (1,)), Part(-1, 7, 0, (8,), (-1,))):
        _, array = arrays_of(memories, [np.zeros(8, np.uint8)], one, second)
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_inputs_can_be_written_if_nobody_else_sees_them() -> None:
    memories = MemoryTable()
    memories.put(0, np.zeros(64, np.uint8), writable=True)
    memories.put(1, own := np.zeros(64, np.uint8), writable=True)
    one = Part(0, 0, 0, (8,), (1,))
    _, array = arrays_of(memories, [], one, Part(1, 3, 0, (8,), (2,), access=WRITE))
    array += 7
    assert own[3:19:2].tolist() == [7] * 8
    shared = np.arange(8, dtype=np.uint8)
    for second in (Part(-1, 0, 0, (8,), (1,)), Part(-1, 7, 0, (8,), (-1,), True)):
        _, array = arrays_of(memories, [shared], one, second._replace(access=WRITE_COPY))
        assert array.flags.c_contiguous
        array += 7
        assert sorted(array.tolist()) == list(range(7, 15))
        assert shared.tolist() == list(range(8))
        shared = shared.copy()


TORCH = """
import ctypes
import numpy as np

# As torch does: it uses the memory of the array and ignores its flags.
def from_numpy(array):
    pixels = (ctypes.c_uint8 * array.nbytes).from_address(array.ctypes.data)
    return np.frombuffer(pixels, array.dtype).reshape(array.shape)
"""


@pytest.mark.parametrize("where", ["init", "snippet", "first block", "module of the function"])
def test_packages_that_ignore_that_an_array_is_read_only_get_a_copy(
    bench: Bench, write_module: Callable[[str, str], Path], where: str
) -> None:
    write_module("torch", TORCH)
    write_module(
        "lazy_filters", "def add(array):\n    import torch\n    torch.from_numpy(array)[...] += 1\n    return array"
    )
    write_module(
        "filters_of_torch", "import torch\ndef add(array):\n    torch.from_numpy(array)[...] += 1\n    return array"
    )
    _is_installed.cache_clear()
    code = "import torch\nx = torch.from_numpy(block.inputs[0])\nx += 1\nblock.data[...] = x"
    if where == "init":
        bench.run("execute", "import torch as t")
        code = code.replace("import torch\n", "").replace("torch", "t")
    elif where == "first block":
        code = "import lazy_filters\nblock.data[...] = lazy_filters.add(block.inputs[0])"
    elif where == "module of the function":
        code = "filters_of_torch:add"
    bench.run("prepare", 1, code, "<loader 1>")
    shared = np.arange(3.0)
    arrays = [whole(-1), Part(-2, 0, FLOAT64, (3,), (8,), access=READ_SHARED)]
    for index in range(3):
        output = np.zeros(3)
        write(bench, [describe(1, index, [3], arrays)])
        done(bench, output, shared)
        assert output.tolist() == [1, 2, 3]
        assert shared.tolist() == [0, 1, 2]
        shared = shared.copy()


def test_what_others_see_is_not_copied_without_such_a_package(bench: Bench) -> None:
    assert "torch" not in sys.modules
    bench.run("prepare", 1, "seen = block.inputs[0].__array_interface__['data'][0]", "<loader 1>")
    shared = np.arange(3.0)
    arrays = [whole(-1), Part(-2, 0, FLOAT64, (3,), (8,), access=READ_SHARED)]
    for index in range(2):
        write(bench, [describe(1, index, [3], arrays)])
        done(bench, np.zeros(3), shared)
    assert bench.worker._snippets[1]._namespace["seen"] == shared.__array_interface__["data"][0]


def test_an_array_outside_of_its_memory_is_refused() -> None:
    memories = MemoryTable()
    memories.put(0, np.zeros(64, np.uint8), writable=True)
    for part in (Part(0, 60, 0, (8,), (1,)), Part(0, 4, 0, (3,), (-4,)), Part(0, 0, 0, (9, 8), (8, 1))):
        with pytest.raises((ValueError, TypeError)):
            arrays_of(memories, [], part)


def test_blocks_of_one_request_are_computed_one_after_the_other(bench: Bench) -> None:
    bench.run("execute", "seen = []")
    bench.run("prepare", 1, "seen.append(block.index); block.data[...] = block.inputs[0] + block.index", "<loader 1>")
    bench.run("prepare", 2, "seen.append(block.dim); block.data[...] = 7", "<loader 2>")
    outputs, inputs = np.zeros(256, np.uint8), np.arange(64, dtype=np.uint8)
    last = np.zeros((2, 2))
    blocks = [
        describe(1, 10, [2, 3], [Part(0, 16, UINT8, (2, 3), (3, 1)), Part(5, 0, UINT8, (2, 3), (3, 1))]),
        describe(1, 20, [5], [Part(0, 64, UINT8, (5,), (1,)), Part(5, 8, UINT8, (5,), (1,))]),
        describe(2, 30, [2, 2], [whole(-3, 2, 2)]),
    ]
    write(bench, blocks, places=[0 * 2 + 1, 5 * 2], ticket=100)
    assert bench.worker.step(outputs, inputs, last) == OK
    assert results(bench, 3) == [(0, 0)] * 3
    assert bench.value("seen") == [10, 20, (2, 2)]
    np.testing.assert_array_equal(outputs[16:22], np.arange(6) + 10)
    np.testing.assert_array_equal(outputs[64:69], np.arange(8, 13) + 20)
    assert (last == 7).all()
    assert not outputs[:16].any()
    assert not outputs[22:64].any()
    # The tables keep the memories and the layout.
    outputs[:] = 0
    request = [0, 1, 0, 0, 0, 1, *blocks[1].block]
    bench.request[: len(request)] = [len(request), *request[1:]]
    assert bench.worker.step() == OK
    np.testing.assert_array_equal(outputs[64:69], np.arange(8, 13) + 20)


def test_a_block_that_fails_does_not_stop_the_others(bench: Bench) -> None:
    bench.run("prepare", 1, "if block.index % 2:\n    raise ValueError(block.index)\nblock.data[...] = 1", "<loader 1>")
    outputs = [np.zeros(3) for _ in range(4)]
    write(bench, [describe(1, i, [3], [whole(-1 - i)]) for i in range(4)])
    assert bench.worker.step(*outputs) == FAILED
    assert results(bench, 4) == [(0, 0), (FAILED + 1, 0), (0, 0), (FAILED + 2, 0)]
    assert [output[0] for output in outputs] == [1, 0, 1, 0]
    assert [Told.of(bench.worker.failure(number)).message for number in (1, 2, -1)] == ["1", "3", "3"]
    assert bench.worker.failure(0) == bench.worker.failure(3) == []


def test_a_failure_that_cannot_be_told_shifts_no_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.run("prepare", 1, "raise ValueError(block.index)", "<loader 1>")
    real = worker_module.capture

    def capture(error: BaseException) -> Failure:
        if str(error) == "1":
            raise MemoryError
        return real(error)

    monkeypatch.setattr(worker_module, "capture", capture)
    write(bench, [describe(1, i, [3], [whole(-1 - i)]) for i in range(3)])
    assert bench.worker.step(*[np.zeros(3) for _ in range(3)]) == FAILED
    numbers = [status - FAILED for status, _ in results(bench, 3)]
    assert [[Told.of(told).message] if told else [] for told in map(bench.worker.failure, numbers)] == [
        ["0"],
        [],
        ["2"],
    ]


def test_tables_can_be_emptied(bench: Bench) -> None:
    bench.run("prepare", 1, "block.data[...] = block.inputs[0]\nkept = block.inputs[0]", "<loader 1>")
    arrays = [Part(0, 0, FLOAT64, (3,), (8,)), Part(1, 0, FLOAT64, (3,), (8,))]
    write(bench, [describe(1, 0, [3], arrays, watched=0b10)], places=[1, 2], ticket=5)
    done(bench, np.zeros(64, np.uint8), np.zeros(64, np.uint8))
    assert results(bench, 1) == [(0, 0b10)]
    output, data = np.zeros(64, np.uint8), np.arange(8.0).view(np.uint8)
    write(bench, [describe(1, 0, [3], arrays, watched=0b10)], places=[2, 1], ticket=6, reset=True)
    done(bench, data, output)
    assert output.view(float)[:3].tolist() == [0, 1, 2]
    # What was retained before is not watched any more.
    assert freed(bench) == []
    # What the tables had is not there.
    write(bench, [describe(1, 0, [3], arrays)], places=[1], ticket=7, reset=True)
    assert bench.worker.step(output) == FAILED
    assert Told.of(bench.worker.failure()).type_name == "IndexError"


def test_it_is_told_whether_a_call_has_begun(bench: Bench) -> None:
    bench.run("prepare", 1, "pass", "<loader 1>")
    write(bench, [describe(1, 0, [3], [whole(-1)])], ticket=7)
    bench.request[4] = bench.request[1] = 0
    bench.request[0] = 3
    assert bench.worker.step(np.zeros(3)) == BROKEN
    assert bench.control[protocol.BEGUN] != 7
    write(bench, [describe(1, 0, [3], [whole(-1)])], ticket=7)
    done(bench, np.zeros(3))
    assert bench.control[protocol.BEGUN] == 7
    bench.control[protocol.TICKET] = 8
    bench.run("execute", "pass")
    assert bench.control[protocol.BEGUN] == 8


def test_a_worker_that_is_abandoned_begins_no_further_block(bench: Bench) -> None:
    bench.run("prepare", 1, "block.data[...] = 1\nif block.index == 1:\n    control[1] = -1", "<loader 1>")
    bench.run("prepare", 2, "pass", "<loader 2>")
    bench.worker._snippets[1]._namespace["control"] = bench.control
    assert protocol.CANCEL == 1
    assert protocol.ABANDONED == -1
    outputs = [np.zeros(3) for _ in range(4)]
    write(bench, [describe(1, i, [3], [whole(-1 - i)]) for i in range(4)])
    assert bench.worker.step(*outputs) == BROKEN
    assert [output[0] for output in outputs] == [1, 1, 0, 0]


def test_memories_that_are_retained_leave_the_table_until_they_are_free(bench: Bench) -> None:
    bench.run("prepare", 1, "kept = block.inputs[0][1:] if block.index < 2 else None", "<loader 1>")
    arrays = [Part(0, 0, FLOAT64, (3,), (8,)), Part(1, 0, FLOAT64, (3,), (8,))]

    write(bench, [describe(1, 0, [3], arrays, watched=0b11)], places=[1, 2], ticket=5)
    done(bench, np.zeros(64, np.uint8), np.zeros(64, np.uint8))
    assert results(bench, 1) == [(0, 0b10)]
    # The memory is not in the table any more.
    write(bench, [describe(1, 1, [3], arrays, watched=0b01)], ticket=6)
    assert bench.worker.step() == FAILED
    assert Told.of(bench.worker.failure()).type_name == "TypeError"
    assert freed(bench) == []
    write(bench, [describe(1, 1, [3], arrays, watched=0b11)], places=[2], ticket=7)
    done(bench, np.zeros(64, np.uint8))
    # The code now keeps the second memory instead of the first.
    assert results(bench, 1) == [(0, 0b10)]
    assert freed(bench) == [64 * 5 + 1]
    write(bench, [describe(1, 2, [3], arrays, watched=0b11)], places=[2], ticket=8)
    done(bench, np.zeros(64, np.uint8))
    assert results(bench, 1) == [(0, 0)]
    assert freed(bench) == [64 * 7 + 1]
    write(bench, [describe(1, 2, [3], arrays, watched=0b11)], ticket=9)
    assert bench.worker.step() == OK


def test_as_many_retained_memories_are_watched_as_java_expects(bench: Bench) -> None:
    bench.run("prepare", 1, "kept = globals().get('kept', []) + block.inputs", "<loader 1>")
    bench.run("prepare", 2, "pass", "<loader 2>")
    count = protocol.MAX_RETAINED + 10
    for ticket in range(1, count + 1):
        write(bench, [describe(1, 0, [3], [whole(-1), whole(-2)], watched=0b10)], ticket=ticket)
        done(bench, np.zeros(3), np.zeros(3))
    bench.worker.forget(1)
    gc.collect()
    write(bench, [describe(2, 0, [3], [whole(-1)])])
    done(bench, np.zeros(3))
    assert freed(bench) == [64 * ticket + 1 for ticket in range(11, count + 1)]


def done(bench: Bench, *arguments: np.ndarray) -> None:
    """Computes the blocks of the request. All must succeed."""
    bench.worker.step(*arguments)
    assert bench.worker.failure() == []


def freed(bench: Bench) -> list[int]:
    """Numbers of the memories that are free again."""
    count = bench.control[protocol.NUM_FREED]
    return bench.control[protocol.FREED :][:count].tolist()
