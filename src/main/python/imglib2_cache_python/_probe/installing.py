# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Which command installs a package for the running Python."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

# Its folder, in the user's home.
ENVIRONMENT = "imglib2-python"


def preparation() -> str:
    """What has to run before `command` works, up to an ``&&``; empty if nothing has to."""
    if is_externally_managed():
        # What works here without an environment shall work there.
        numpy = f"{command()} numpy && " if importlib.util.find_spec("numpy") else ""
        return f'"{_python()}" -m venv "{environment()}" && {numpy}'
    if importlib.util.find_spec("pip") is None:
        return f'"{_python()}" -m ensurepip && '
    return ""


def command() -> str:
    """What installs packages, without their names."""
    return f'"{_environment_python() if is_externally_managed() else _python()}" -m pip install'


def is_externally_managed() -> bool:
    """Whether pip refuses to install into this Python, because the system's package manager does that (PEP 668)."""
    # The folder of sysconfig's "stdlib", without the time that it takes to ask.
    return sys.prefix == sys.base_prefix and (Path(os.__file__).parent / "EXTERNALLY-MANAGED").is_file()


def environment() -> Path:
    """The environment that is proposed where this Python is not to be changed."""
    return Path.home() / ENVIRONMENT


def _environment_python() -> Path:
    return environment() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _python() -> str:
    return sys.executable or "python"
