# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Tests of the commands that install packages. DoctorTest shows where users see them."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCES
from imglib2_cache_python._probe import installing
from imglib2_cache_python._probe.probe import probe

PRINT = "from imglib2_cache_python._probe import installing as i; print(i.preparation() + i.command())"


@pytest.fixture
def system_python(tmp_path, monkeypatch):
    """Makes the running Python one that the system looks after. Returns the home of its user."""
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(os, "__file__", str(tmp_path / "os.py"))
    monkeypatch.setenv("HOME", str(tmp_path / "home of me"))
    return tmp_path / "home of me"


def test_pip_is_called_by_its_python():
    assert installing.command() == f'"{sys.executable}" -m pip install'
    assert installing.preparation() == ""
    assert probe()["install.command"] == installing.command()
    assert "install.environment" not in probe()


def test_pip_is_installed_before(tmp_path):
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(tmp_path)], check=True)
    python = tmp_path / "bin" / "python"
    printed = subprocess.check_output([python, "-c", PRINT], env={"PYTHONPATH": str(SOURCES)}, text=True)
    assert printed == f'"{python}" -m ensurepip && "{python}" -m pip install\n'


def test_the_python_of_the_system_is_left_alone(system_python, monkeypatch):
    environment = system_python / "imglib2-python"
    command = f'"{environment / "bin" / "python"}" -m pip install'
    made = f'"{sys.executable}" -m venv "{environment}" && '
    assert installing.command() == command
    # This one has numpy, and so shall the new one.
    assert installing.preparation() == f"{made}{command} numpy && "
    assert probe()["install.environment"] == str(environment)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert installing.preparation() == made


def test_a_virtual_environment_of_the_systems_python_is_its_users(system_python, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(Path(system_python, "environment")))
    assert not installing.is_externally_managed()
