# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Makes a Python environment of the requirements.txt beside a script, then runs the script in it.

python3 run_in_environment.py VENV SCRIPT [arguments of the script]
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from make_environment import main as make_environment


def main() -> int:
    """Runs the command line; returns the exit code."""
    venv, script = Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute()
    code = make_environment(["--venv", str(venv), "--requirements", str(script.with_name("requirements.txt"))])
    if code != 0:
        return code
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    sys.stdout.flush()
    return subprocess.call([str(python), "-B", str(script), *sys.argv[3:]])


if __name__ == "__main__":
    sys.exit(main())
