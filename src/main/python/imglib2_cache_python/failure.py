# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""What is kept of an exception of user code: text only, so that no object outlives the failure."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

MAX_MESSAGE = 10_000
MAX_TRACEBACK = 100_000

_OWN_FILES = str(Path(__file__).parent)


@dataclass(frozen=True)
class Failure:
    """An exception as text.

    Attributes:
        type_name: Qualified name of the exception's class, without ``builtins``.
        message: ``str( exception )``, shortened to `MAX_MESSAGE` characters.
        file: File, or name of the snippet, of the user's line; empty if there is none.
        line: Number of the user's line, 1 for the first; 0 if there is none.
        source: Text of the user's line, stripped; empty if unknown.
        traceback: The traceback as Python prints it, shortened to `MAX_TRACEBACK` characters, without the frames
            of this package.
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
        name = type(error).__name__
        note = f"{name} (it could not be described: {type(second).__name__})"
        return Failure(name, note, "", 0, "", note, ())


def transferable(text: str) -> str:
    """The text with what Java's strings cannot take (lone surrogates, NUL) replaced by escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def _capture(error: BaseException) -> Failure:
    user_traceback = _without_own_frames(error.__traceback__)
    summary = traceback.extract_tb(user_traceback)
    lines = traceback.format_exception(type(error), error, user_traceback)
    frames = tuple((frame.name, frame.filename, frame.lineno or 0) for frame in reversed(summary))
    file, line, source = _users_line(error, summary)
    return Failure(
        _qualified_name(type(error)),
        _shortened(_message(error), MAX_MESSAGE),
        file,
        line,
        source,
        _shortened("".join(lines), MAX_TRACEBACK),
        frames[:200],
    )


def _without_own_frames(tb: TracebackType | None) -> TracebackType | None:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_OWN_FILES):
        tb = tb.tb_next
    return tb


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
