# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of src/build/python/make_environment.py, without network and with a stand-in for venv and pip."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "build" / "python" / "make_environment.py"


def load_script():
    spec = importlib.util.spec_from_file_location("make_environment", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_environment = load_script()


@pytest.fixture
def python(tmp_path):
    """A Python that has everything."""
    (tmp_path / "headers").mkdir()
    (tmp_path / "headers" / "Python.h").touch()
    (tmp_path / "libpython3.12.so").touch()
    return make_environment.Interpreter(
        executable="/usr/bin/python3.12",
        build=sys.version,
        version=(3, 12, 1),
        implementation="cpython",
        free_threaded=False,
        missing_modules=[],
        headers=str(tmp_path / "headers"),
        libpython="libpython3.12.so",
        library_folders=["/nowhere", str(tmp_path)],
    )


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Makes an empty folder the whole PATH of a Linux machine. Returns a function that puts commands into it."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("CC", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)

    def add(*commands, script="#!/bin/sh\n"):
        for command in commands:
            (folder / command).write_text(script)
            (folder / command).chmod(0o755)

    add.folder = folder
    return add


@pytest.fixture
def jdk(tmp_path):
    home = tmp_path / "jdk"
    (home / "include").mkdir(parents=True)
    (home / "include" / "jni.h").touch()
    return home


def failure(python, builds_jep=True, jdk=None):
    """The message about what is missing."""
    with pytest.raises(make_environment.SetupError) as raised:
        make_environment.check_machine(python, builds_jep, jdk and str(jdk))
    return str(raised.value)


class TestWhatIsMissing:
    """Every message says what is missing, what was found and where, and which command is the remedy."""

    def test_nothing(self, python, path, jdk):
        path("gcc")
        make_environment.check_machine(python, True, str(jdk))

    def test_old_python(self, python, path, jdk):
        path("gcc", "apt-get")
        message = failure(python._replace(version=(3, 9, 18)), jdk=jdk)
        assert "One thing is missing" in message
        assert "Python 3.10 or newer" in message
        assert "Python 3.9.18 (/usr/bin/python3.12)" in message
        assert "sudo apt install python3 python3-venv python3-dev" in message
        assert "mvn -Dpython=" in message

    def test_old_python_with_a_newer_one_on_the_path(self, python, path, jdk):
        path("gcc", "python3.11")
        path("python3.13", script="#!/bin/sh\nexit 127\n")  # as the command of an inactive pyenv version ends
        message = failure(python._replace(version=(3, 9, 18)), jdk=jdk)
        assert f"mvn -Dpython={path.folder}/python3.11" in message

    def test_free_threaded_python(self, python, path, jdk):
        path("gcc")
        message = failure(python._replace(free_threaded=True), jdk=jdk)
        assert "global interpreter lock" in message
        assert "Python 3.12.1 (/usr/bin/python3.12), which is free-threaded" in message
        assert "mvn -Dpython=" in message

    def test_other_implementation(self, python, path, jdk):
        path("gcc")
        message = failure(python._replace(implementation="pypy"), jdk=jdk)
        assert "CPython" in message
        assert "which is pypy" in message
        assert "mvn -Dpython=" in message

    @pytest.mark.parametrize(
        ("command", "package"),
        [("apt-get", "sudo apt install python3.12-venv"), ("dnf", "sudo dnf install python3.12-libs")],
    )
    def test_venv(self, python, path, jdk, command, package):
        path("gcc", command)
        message = failure(python._replace(missing_modules=["ensurepip"]), jdk=jdk)
        assert "module ensurepip" in message
        assert "Python 3.12.1 (/usr/bin/python3.12)" in message
        assert package in message

    def test_headers(self, python, path, jdk):
        path("gcc")
        message = failure(python._replace(headers="/empty"), jdk=jdk)
        assert "no Python.h in /empty" in message
        assert "sudo apt install python3.12-dev (Debian, Ubuntu) or sudo dnf install python3.12-devel" in message

    def test_headers_of_a_python_that_is_no_package(self, python, path, jdk):
        path("gcc", "apt-get")
        message = failure(python._replace(headers="/empty", executable="/opt/python/bin/python3"), jdk=jdk)
        assert "apt" not in message
        assert "mvn -Dpython=" in message

    @pytest.mark.skipif(os.name == "nt", reason="Windows always has it")
    def test_shared_library(self, python, path, jdk):
        path("gcc", "apt-get")
        python = python._replace(library_folders=["/usr/lib", "/usr/lib/multiarch"])
        message = failure(python, jdk=jdk)
        assert "shared library" in message
        assert "no libpython3.12.so in /usr/lib or /usr/lib/multiarch" in message
        assert "sudo apt install python3.12-dev" in message
        message = failure(python._replace(executable="/opt/python/bin/python3"), jdk=jdk)
        assert "PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install --force 3.12.1" in message

    def test_jdk(self, python, path):
        path("gcc", "apt-get")
        message = failure(python)
        assert "A JDK" in message
        assert "a JRE is not enough" in message
        assert "neither --jdk nor JAVA_HOME is set" in message
        assert "sudo apt install default-jdk" in message

    def test_jdk_is_a_jre(self, python, path, monkeypatch, tmp_path):
        path("gcc", "dnf")
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jre"))
        message = failure(python)
        assert f"no include/jni.h in {tmp_path / 'jre'} (JAVA_HOME)" in message
        assert "sudo dnf install java-latest-openjdk-devel" in message

    def test_jdk_is_elsewhere(self, python, path, jdk):
        path("gcc")
        (jdk / "bin").mkdir()
        (jdk / "bin" / "javac").touch(0o755)
        (path.folder / "javac").symlink_to(jdk / "bin" / "javac")
        assert f"export JAVA_HOME={jdk}" in failure(python, jdk="/nonexistent")

    @pytest.mark.skipif(os.name == "nt", reason="setuptools looks for the compiler there")
    def test_compiler(self, python, path, jdk, monkeypatch):
        path("apt-get")
        message = failure(python, jdk=jdk)
        assert "A C compiler" in message
        assert "clang on the PATH" in message
        assert "sudo apt install build-essential" in message
        path("gcc")
        monkeypatch.setenv("CC", "icx -O2")
        assert "CC=icx -O2, which is not on the PATH" in failure(python, jdk=jdk)

    def test_everything_in_one_message(self, python, path):
        message = failure(python._replace(missing_modules=["venv", "ensurepip"], headers="/a", library_folders=["/b"]))
        assert message.startswith("5 things are missing")
        assert [line[2:4] for line in message.splitlines() if line[2:3].isdigit()] == ["1.", "2.", "3.", "4.", "5."]

    def test_nothing_about_packages_of_an_unsuitable_python(self, python, path):
        message = failure(python._replace(version=(3, 6, 15), missing_modules=["venv"], headers="/a"))
        assert message.startswith("3 things are missing")
        assert "Python.h" not in message

    def test_no_tools_needed_when_jep_is_there(self, python, path):
        make_environment.check_machine(python._replace(headers="/a", library_folders=["/b"]), False, "/nonexistent")

    def test_macos(self, python, path, monkeypatch):
        monkeypatch.setattr(sys, "platform", "darwin")
        python = python._replace(executable="/opt/homebrew/bin/python3.12")
        assert "brew install python@3.12" in make_environment.python_part(python, "dev", "devel")
        assert make_environment.system_package("build-essential", "gcc", None) == "xcode-select --install"


class TestRunningInterpreter:
    def test_lies_outside_of_any_virtual_environment(self):
        python = make_environment.running_interpreter()
        assert python.version == sys.version_info[:3]
        assert sys.prefix == sys.base_prefix or Path(sys.prefix) not in Path(python.executable).parents


class FakeEnvironment(make_environment.Environment):
    """Records the commands and does not run them; a virtual environment is a link to the running Python."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.steps = []
        self.fails_at = None

    def _run(self, what, command, **variables):
        if what == self.fails_at:
            raise KeyboardInterrupt
        self.steps.append(what)
        if "venv" in command:
            (self.folder / "pyvenv.cfg").touch()
            self.executable.parent.mkdir()
            self.executable.symlink_to(sys.executable)
        if "--no-binary=jep" in command:
            assert variables["JAVA_HOME"]
            jep = f"jep-{self._pinned_version('jep')}.dist-info"
            (self.folder / "lib" / "python3" / "site-packages" / jep).mkdir(parents=True)


ALL_STEPS = ["virtual environment", "what jep is built with", "jep 4.3.1, compiled", "other packages"]


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
class TestStamp:
    @pytest.fixture
    def run(self, tmp_path, python):
        """Runs the script on tmp_path/venv; returns the steps that it took, or None if the environment was current."""
        requirements = tmp_path / "requirements.txt"
        requirements.write_text("jep==4.3.1\nnumpy==2.2.6\n")

        def run(python=python, fails_at=None):
            environment = FakeEnvironment(tmp_path / "venv", requirements, python)
            environment.fails_at = fails_at
            if environment.is_current():
                return None
            environment.refuse_foreign_folder()
            with make_environment.locked(environment.folder):
                environment.update("/jdk")
            return environment.steps

        run.venv, run.requirements = tmp_path / "venv", requirements
        return run

    def test_current(self, run):
        assert run() == ALL_STEPS
        assert run() is None

    def test_requirements_changed(self, run):
        run()
        run.requirements.write_text("jep==4.3.1\nnumpy==2.2.7\n")
        assert run() == ["packages"]
        assert run() is None

    def test_version_of_jep_changed(self, run):
        run()
        run.requirements.write_text("jep==4.3.2\nnumpy==2.2.6\n")
        assert run() == ["what jep is built with", "jep 4.3.2, compiled", "other packages"]

    def test_interpreter_changed(self, run, python):
        run()
        leftover = run.venv / "lib" / "leftover"
        leftover.touch()
        assert run(python._replace(executable="/usr/bin/python3.13")) == ALL_STEPS
        assert not leftover.exists()
        assert run() == ALL_STEPS

    def test_script_changed(self, run, monkeypatch):
        run()
        monkeypatch.setattr(make_environment, "SCRIPT_VERSION", make_environment.SCRIPT_VERSION + 1)
        assert run() == ALL_STEPS

    def test_folder_was_moved(self, run):
        run()
        run.venv.rename(run.venv.with_name("other"))
        run.venv.symlink_to("other")
        assert run() == ALL_STEPS

    @pytest.mark.parametrize("step", ALL_STEPS)
    def test_interrupted(self, run, step):
        with pytest.raises(KeyboardInterrupt):
            run(fails_at=step)
        assert not (run.venv / make_environment.STAMP).exists()
        assert run() == ALL_STEPS

    def test_upgrade_interrupted(self, run):
        run()
        run.requirements.write_text("jep==4.3.1\nnumpy==2.2.7\n")
        with pytest.raises(KeyboardInterrupt):
            run(fails_at="packages")
        assert run() == ALL_STEPS

    def test_python_of_the_environment_is_gone(self, run):
        run()
        (run.venv / "bin" / "python").unlink()
        (run.venv / "bin" / "python").symlink_to("/nonexistent")
        assert run() == ALL_STEPS

    @pytest.mark.parametrize("stamp", ["", "[]", "null", "7", "{"])
    def test_broken_stamp(self, run, stamp):
        run()
        (run.venv / make_environment.STAMP).write_text(stamp)
        assert run() == ALL_STEPS


class TestForeignFolder:
    def refused(self, folder, tmp_path, python):
        requirements = tmp_path / "requirements.txt"
        requirements.touch()
        with pytest.raises(make_environment.SetupError) as raised:
            make_environment.Environment(folder, requirements, python).refuse_foreign_folder()
        assert str(folder) in str(raised.value)
        assert "mvn -Dpython.venv=" in str(raised.value)
        return str(raised.value)

    def test_other_files(self, tmp_path, python):
        folder = tmp_path / "photos of the cat"
        folder.mkdir()
        (folder / "cat.png").touch()
        message = self.refused(folder, tmp_path, python)
        assert "not empty" in message
        assert f"rm -r '{folder}'" in message

    def test_other_environment(self, tmp_path, python):
        folder = tmp_path / "env"
        folder.mkdir()
        (folder / "pyvenv.cfg").touch()
        assert "something else made" in self.refused(folder, tmp_path, python)

    def test_file(self, tmp_path, python):
        (tmp_path / "env").touch()
        assert "is not a folder" in self.refused(tmp_path / "env", tmp_path, python)

    def test_absent_or_empty_folder_is_fine(self, tmp_path, python):
        requirements = tmp_path / "requirements.txt"
        requirements.touch()
        environment = make_environment.Environment(tmp_path / "env", requirements, python)
        environment.refuse_foreign_folder()
        (tmp_path / "env").mkdir()
        environment.refuse_foreign_folder()


class TestCommands:
    def test_environment_variables(self):
        clean = make_environment.clean_environment(
            {
                "PATH": "/bin",
                "HTTPS_PROXY": "http://proxy",
                "PIP_INDEX_URL": "https://index",
                "PYTHONHOME": "/x",
                "PYTHONPATH": "/x",
                "VIRTUAL_ENV": "/x",
                "PIP_REQUIRE_VIRTUALENV": "1",
                "PIP_TARGET": "/x",
            }
        )
        assert clean == {
            "PATH": "/bin",
            "HTTPS_PROXY": "http://proxy",
            "PIP_INDEX_URL": "https://index",
            "PIP_USER": "0",
        }

    @pytest.mark.parametrize(
        ("printed", "explanation"),
        [
            ("Retrying (Retry(total=0, connect=None)) ... No matching distribution found", "not reachable"),
            ("ERROR: No matching distribution found for numpy==9", "not offered"),
            ("error: subprocess-exited-with-error\n jni.h: No such file", "cannot be compiled"),
            ("OSError: [Errno 28] No space left on device", "disk is full"),
            ("no idea", "A command failed"),
        ],
    )
    def test_explanation(self, printed, explanation):
        assert explanation in make_environment.explain(printed)

    def test_failure_shows_the_end_of_the_output_and_names_the_log(self, tmp_path, python):
        requirements = tmp_path / "requirements.txt"
        requirements.touch()
        environment = make_environment.Environment(tmp_path, requirements, python)
        log = tmp_path / make_environment.LOG
        log.write_text("what was printed before\n")
        with pytest.raises(make_environment.SetupError) as raised:
            environment._run("x", [sys.executable, "-c", "for i in range(100): print('line', i)\nraise SystemExit(3)"])
        message = str(raised.value)
        assert "line 99" in message
        assert "line 69" not in message
        assert "before" not in message
        assert str(log) in message
        assert log.read_text().startswith("what was printed before\nline 0\n")


class TestScript:
    """Runs the real script in a process of its own."""

    def run(self, *arguments, **variables):
        command = [sys.executable, str(SCRIPT), *map(str, arguments)]
        return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)

    def test_current_environment(self, tmp_path):
        requirements = tmp_path / "requirements.txt"
        requirements.write_text("jep==4.3.1\n")
        venv = tmp_path / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        python = make_environment.running_interpreter()
        make_environment.Environment(venv, requirements, python)._write_stamp()
        before = sorted(venv.rglob("*"))
        done = self.run(
            "--venv", venv, "--requirements", requirements,
            PYTHONPATH=str(tmp_path), PIP_REQUIRE_VIRTUALENV="1", VIRTUAL_ENV="/x", JAVA_HOME="/x",
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert "is current" in done.stdout
        assert sorted(venv.rglob("*")) == before

    def test_failure_is_one_message(self, tmp_path):
        (tmp_path / "cat.png").touch()
        (tmp_path / "requirements.txt").touch()
        done = self.run("--venv", tmp_path, "--requirements", tmp_path / "requirements.txt")
        assert done.returncode == 1
        assert done.stderr.startswith(f"The Python environment {tmp_path} cannot be made.\n")
        assert "Traceback" not in done.stderr
        assert (tmp_path / "cat.png").exists()

    def test_requirements_do_not_exist(self, tmp_path):
        done = self.run("--venv", tmp_path / "venv", "--requirements", tmp_path / "absent.txt")
        assert done.returncode == 1
        assert f"{tmp_path / 'absent.txt'}: No such file or directory" in done.stderr
        assert "Traceback" not in done.stderr

    def test_nothing_is_made_when_something_is_missing(self, tmp_path):
        (tmp_path / "requirements.txt").write_text("jep==4.3.1\n")
        done = self.run("--venv", tmp_path / "venv", "--requirements", tmp_path / "requirements.txt", "--jdk", "/x")
        assert done.returncode == 1
        assert "A JDK" in done.stderr
        assert not (tmp_path / "venv").exists()


def test_one_run_waits_for_the_other(tmp_path, capsys):
    order = []

    def second():
        with make_environment.locked(tmp_path):
            order.append("second")

    with make_environment.locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert capsys.readouterr().out.count("Waiting for another run") == 1


def test_stamp_is_readable(tmp_path, python):
    (tmp_path / "requirements.txt").touch()
    make_environment.Environment(tmp_path, tmp_path / "requirements.txt", python)._write_stamp()
    stamp = json.loads((tmp_path / make_environment.STAMP).read_text())
    assert sorted(stamp) == ["build", "folder", "interpreter", "requirements", "script"]
