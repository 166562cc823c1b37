# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""The protocol with a contestant: lines of key=value pairs, separated by tabs. `ContestantMain` implements it, too."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

Answer = dict[str, str]


class ContestantError(Exception):
    """A contestant failed, ended, or took too long. The message has its name, the reason, and its last output."""


def encode(pairs: Mapping[str, object]) -> str:
    """The line for the pairs, without the line end."""
    return "\t".join(f"{key}={value}" for key, value in pairs.items())


def decode(line: str) -> dict[str, str]:
    """The pairs of a line."""
    return dict(pair.split("=", 1) for pair in line.rstrip("\n").split("\t"))


class Process:
    """A contestant in a process of its own, which keeps running from question to question."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        """Starts the process. Its last lines of standard error are part of a ContestantError."""
        self.name = name
        self.errors = _Tail()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
        )
        threading.Thread(target=self.errors.follow, args=(self.process.stderr,), daemon=True).start()

    def ask(self, timeout: float = 600, **question: object) -> Answer:
        """Sends a question and waits for the answer. Raises a ContestantError if there is none."""
        watchdog = threading.Timer(timeout, self.process.kill)
        watchdog.start()
        try:
            self.process.stdin.write(encode(question) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        status, _, rest = line.rstrip("\n").partition("\t")
        if status == "ok":
            return decode(rest) if rest else {}
        said = decode(rest)["message"] if status == "failed" else f"no answer within {timeout:.0f} s, or it ended"
        raise ContestantError(f"{self.name}: {said}\n{self.errors}")

    def peak_memory(self) -> int | None:
        """Largest resident size up to now, in bytes, with its child processes; None if unknown.

        Memory that the processes share is counted once, for the process itself.
        """
        try:
            own = status_bytes(self.process.pid, "VmHWM")
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            return own + sum(status_bytes(pid, "VmHWM") - status_bytes(pid, "RssShmem") for pid in children)
        except OSError:
            return None

    def close(self) -> None:
        """Ends the process by closing its standard input."""
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class _Tail:
    """The last lines of a stream."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def follow(self, stream: object) -> None:
        for line in stream:
            self.lines = [*self.lines[-39:], line]

    def __str__(self) -> str:
        return "".join(f"  | {line}" for line in self.lines)


def status_bytes(pid: int | str, name: str) -> int:
    """A size in /proc/PID/status, in bytes."""
    match = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(match.group(1)) * 1024 if match else 0


def serve(answer: object) -> None:
    """Answers the questions on standard input by calling `answer(question)`, until standard input ends."""
    for line in sys.stdin:
        try:
            reply = "\t".join(("ok", encode(answer(decode(line)))))
        except Exception as error:
            import traceback

            traceback.print_exc()
            reply = "failed\tmessage=" + " ".join(f"{type(error).__name__}: {error}".split())
        print(reply.rstrip("\t"), flush=True)
