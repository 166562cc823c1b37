# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What became of a JVM that computed a try."""

from __future__ import annotations

import re
import signal
from typing import NamedTuple

import numpy as np

MODES = ("SHARED", "SUB", "PROCESS")

# Kinds of outcomes.
WORKS = "works"
WRONG = "wrong pixels"
FAILED = "exception"
CRASHED = "crash"
WORKER_CRASHED = "crash of a worker"
HUNG = "hangs"

# The last step: the JVM has computed everything.
END = "end of the JVM"

_FATAL = re.compile(r"A fatal error has been detected by the Java Runtime Environment.*?#\s+(SIG\w+)", re.DOTALL)
_FRAME = re.compile(r"# Problematic frame:\n#\s+(.+)")
_FAILURE = re.compile(r"^failed \S+: (\w+): (.*)", re.MULTILINE)
_DEATH = re.compile(r"was ended by (\S+)|ended with exit code (\d+)")

# A shell's way to say that a signal ended a process.
_SIGNALLED = 128


class Outcome(NamedTuple):
    """What became of it.

    Attributes:
        kind: One of the kinds above.
        step: The step at which it happened; empty if all works.
        text: One line about it; empty if all works.
        seconds: How long the JVM took.
    """

    kind: str
    step: str
    text: str
    seconds: float


def outcome(printed: str, code: int | None, seconds: float) -> Outcome:
    """What the end of a JVM tells.

    Args:
        printed: What it has printed.
        code: Its exit code, negative for a signal; None if it did not end in time.
        seconds: How long it took.
    """
    lines = printed.splitlines()
    done = {line.removeprefix("done ") for line in lines if line.startswith("done ")}
    begun = [line.removeprefix("begin ") for line in lines if line.startswith("begin ")]
    # A crash may begin on the line on which code has printed.
    step = next((one for one in begun if one not in done), END)
    kind, text = _classify(printed, code)
    return Outcome(kind, "" if kind == WORKS else step, text, seconds)


def _classify(printed: str, code: int | None) -> tuple[str, str]:
    failure = _FAILURE.search(printed)
    kind, text = _classify_failure(failure[1], failure[2].strip()) if failure else ("", "")
    if code is None:
        return HUNG, f"{text}, and the JVM does not end" if failure else "does not end"
    fatal = _FATAL.search(printed)
    if fatal:
        frame = _FRAME.search(printed)
        return CRASHED, f"{fatal[1]} in {frame[1].strip()}" if frame else fatal[1]
    if failure:
        return kind, text
    if code == 0:
        return WORKS, ""
    number = -code if code < 0 else code - _SIGNALLED
    last = next((line for line in reversed(printed.splitlines()) if line.strip()), "")
    if 0 < number < signal.NSIG:
        return CRASHED, f"{signal.Signals(number).name}: {last}"
    return CRASHED, f"exit code {code}: {last}"


def _classify_failure(java_type: str, message: str) -> tuple[str, str]:
    # Without the cell, which is of no interest.
    text = re.sub(r"^Cell \d+ .*? failed: ", "", message)
    if java_type in ("PythonTimeoutException", "PythonStartTimeoutException"):
        return HUNG, text
    return WORKER_CRASHED if _DEATH.search(message) else FAILED, text


def compare(pixels: np.ndarray, expected: np.ndarray, tolerance: float) -> str:
    """How the pixels differ from those that are expected; empty if they do not."""
    # Not a number is equal to itself here.
    with np.errstate(invalid="ignore"):
        difference = np.where(np.isnan(pixels) & np.isnan(expected), 0, np.abs(pixels - expected))
    wrong = np.count_nonzero(~(difference <= tolerance))
    return f"{wrong} of {pixels.size} pixels are wrong, by up to {np.nanmax(difference):.4g}" if wrong else ""
