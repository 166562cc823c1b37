# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of garbage.py."""

import gc
import threading
import weakref

import pytest
from imglib2_cache_python._worker import garbage


class Cycle:
    def __init__(self, finalize=lambda: None):
        self.myself = self
        self.finalize = finalize

    def __del__(self):
        self.finalize()


def test_garbage_is_gone():
    cycle = weakref.ref(Cycle())
    garbage.collect()
    assert cycle() is None


def test_one_collection_is_enough(monkeypatch):
    attempts = []
    collect = gc.collect

    def counted():
        attempts.append(collect())
        return attempts[-1]

    monkeypatch.setattr(gc, "collect", counted)
    garbage.collect()
    assert len(attempts) == 1


def test_garbage_is_gone_although_another_thread_was_collecting(monkeypatch):
    attempts = []
    another, attempted = threading.Event(), threading.Event()
    collect = gc.collect

    def counted():
        attempts.append(collect())
        attempted.set()
        return attempts[-1]

    def finalize():
        another.set()
        attempted.wait(60)

    first = Cycle(finalize)
    thread = threading.Thread(target=collect)
    gc.disable()
    try:
        del first
        thread.start()
        assert another.wait(60)
        # The other collection has begun, so that it does not find this.
        cycle = weakref.ref(Cycle())
        monkeypatch.setattr(gc, "collect", counted)
        garbage.collect()
    finally:
        gc.enable()
        attempted.set()
        thread.join()
    assert len(attempts) > 1
    assert cycle() is None


def test_a_finalizer_that_does_not_end_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(garbage, "_PATIENCE", 0.05)
    begun, end = threading.Event(), threading.Event()

    def finalize():
        begun.set()
        end.wait(60)

    cycle = Cycle(finalize)
    thread = threading.Thread(target=gc.collect)
    gc.disable()
    try:
        del cycle
        thread.start()
        assert begun.wait(60)
        garbage.collect()
    finally:
        gc.enable()
        end.set()
        thread.join()


@pytest.fixture(autouse=True)
def no_garbage_of_others():
    gc.collect()
