# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Makes the Python environment of the tries, then runs command.py in it with the other arguments.

python3 run.py VENV [arguments of command.py]
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent

sys.path.insert(0, str(HERE.parents[2] / "build" / "python"))
from make_environment import main as make_environment  # noqa: E402


def main() -> int:
    """Runs the command line; returns the exit code."""
    venv = Path(sys.argv[1]).absolute()
    code = make_environment(["--venv", str(venv), "--requirements", str(HERE / "requirements.txt")])
    if code != 0:
        return code
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    sys.stdout.flush()
    return subprocess.call([str(python), "-B", str(HERE / "command.py"), *sys.argv[2:]])


if __name__ == "__main__":
    sys.exit(main())
