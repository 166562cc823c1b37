# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What is kept of an exception of user code: text only, so that no object outlives the failure."""

from __future__ import annotations

import importlib
import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

MAX_MESSAGE = 10_000
MAX_TRACEBACK = 100_000

# Frames of this package, and of the import machinery between it and a module of the user.
_HIDDEN_FILES = (str(Path(__file__).parent) + os.sep, importlib.__file__, "<frozen importlib")


@dataclass(frozen=True)
class Failure:
    """An exception as text.

    Attributes:
        type_name: Qualified name of the exception's class, without ``builtins``.
        message: ``str( exception )``, shortened to `MAX_MESSAGE` characters.
        file: File, or name of the snippet, of the user's line; empty if there is none.
        line: Number of the user's line, 1 for the first; 0 if there is none.
        source: Text of the user's line, stripped and shortened to `MAX_MESSAGE` characters; empty if unknown.
        traceback: The traceback as Python prints it, shortened to `MAX_TRACEBACK` characters, without the frames
            of this package and of importlib.
        frames: ``( function, file, line )``, innermost first.
    """

    type_name: str
    message: str
    file: str
    line: int
    source: str
    traceback: str
    frames: tuple[tuple[str, str, int], ...]

    def to_strings(self) -> list[str]:
        """All fields as a flat list of strings, three for each frame at the end: crosses into Java in one call."""
        flat = [self.type_name, self.message, self.file, str(self.line), self.source, self.traceback]
        for function, file, line in self.frames:
            flat += [function, file, str(line)]
        return [transferable(text) for text in flat]


def capture(error: BaseException) -> Failure:
    """Describes an exception; never raises, whatever the exception does when it is asked."""
    try:
        return _capture(error)
    except BaseException as second:
        # Out of memory, a recursion limit just reached, a hostile __str__: say at least what is known for sure.
        name = type.__getattribute__(type(error), "__name__")
        note = f"{name} (it could not be described: {type(second).__name__})"
        return Failure(name, note, "", 0, "", note, ())


def transferable(text: str) -> str:
    """The text with what Java's strings cannot take (lone surrogates, NUL) replaced by escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def capture_stack(frame: FrameType) -> Failure:
    """Describes where a thread is, as if a ``TimeoutError`` had just been raised there."""
    stack = traceback.extract_stack(frame)
    summary = traceback.StackSummary.from_list(
        [entry for entry in stack if not entry.filename.startswith(_HIDDEN_FILES)]
    )
    error = TimeoutError()
    text = "Stack (most recent call last):\n" + "".join(summary.format())
    frames = tuple((entry.name, entry.filename, entry.lineno or 0) for entry in reversed(summary))
    file, line, source = _users_line(error, summary)
    return Failure(_qualified_name(TimeoutError), "", file, line, source, _shortened(text, MAX_TRACEBACK), frames[:200])


def _capture(error: BaseException) -> Failure:
    described = traceback.TracebackException.from_exception(error, compact=True)
    _hide_frames(described)
    summary = described.stack or traceback.StackSummary()
    frames = tuple((frame.name, frame.filename, frame.lineno or 0) for frame in reversed(summary))
    file, line, source = _users_line(error, summary)
    return Failure(
        _qualified_name(type(error)),
        _shortened(_message(error), MAX_MESSAGE),
        file,
        line,
        _shortened(source, MAX_MESSAGE),
        _shortened("".join(described.format()), MAX_TRACEBACK),
        frames[:200],
    )


def _hide_frames(described: traceback.TracebackException) -> None:
    pending = [described]
    while pending:
        one = pending.pop()
        shown = [frame for frame in one.stack if not frame.filename.startswith(_HIDDEN_FILES)]
        # Without a stack, no line announces it.
        one.stack = traceback.StackSummary.from_list(shown) if shown else None  # type: ignore[assignment]
        linked = (one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ()))
        pending += [other for other in linked if other is not None]


def _users_line(error: BaseException, summary: traceback.StackSummary) -> tuple[str, int, str]:
    """The innermost line of a snippet, else of whatever code was called first, else of a syntax error."""
    if isinstance(error, SyntaxError) and (not summary or error.filename == summary[-1].filename):
        return error.filename or "", error.lineno or 0, (error.text or "").strip()
    if not summary:
        return "", 0, ""
    snippets = [frame for frame in summary if frame.filename.startswith("<") and frame.line]
    frame = snippets[-1] if snippets else summary[0]
    return frame.filename, frame.lineno or 0, frame.line or ""


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as second:
        return f"<no message: {type(error).__name__}.__str__ raised {type(second).__name__}>"


def _qualified_name(cls: type) -> str:
    return cls.__qualname__ if cls.__module__ in ("builtins", "__main__") else f"{cls.__module__}.{cls.__qualname__}"


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n... ({len(text) - limit} characters left out) ...\n{text[-half:]}"
