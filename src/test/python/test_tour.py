# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Every stop of the tour works in Python alone. So if a stop fails in a JVM, the library is the cause."""

from __future__ import annotations

import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from conftest import SOURCES
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tour import itinerary

STOPS = itinerary.plan()

# Packages without a stop: Jep runs all stops; the others are tools, or replace features of newer Pythons.
NOT_FOR_USERS = {
    *("jep", "setuptools", "ruff", "pytest-xdist", "execnet"),
    *("exceptiongroup", "tomli", "typing-extensions", "colorama"),
}

# What dask, zarr, scikit-learn and scikit-image need for themselves. Their stops run it.
OF_OTHERS = {
    *("asciitree", "click", "donfig", "fasteners", "google-crc32c", "importlib-metadata", "lazy-importer", "locket"),
    *("msgspec", "narwhals", "partd", "zipp"),
}


@pytest.mark.parametrize("function", STOPS, ids=lambda function: function.__name__)
@pytest.mark.parametrize("n", [0, 117])
def test_stop_computes_what_it_should(function: itinerary.Stop, n: int) -> None:
    assert function(n) == 3 * n + 1


def test_the_tour_is_long_enough() -> None:
    standard = [function for function in STOPS if function.__module__ == "tour.standard_library"]
    assert len(standard) >= 80
    assert len({function.__name__ for function in STOPS}) == len(STOPS)


def test_every_package_of_the_environment_is_visited() -> None:
    lines = SOURCES.parents[1].joinpath("build", "python", "requirements.txt").read_text("utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.lstrip().startswith("#")]
    wanted = {canonicalize_name(r.name) for r in requirements if r.marker is None or r.marker.evaluate()}
    tree = ast.parse(Path(itinerary.__file__).with_name("packages.py").read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    visited = {name.partition(".")[0] for name in names}
    packages = packages_distributions()
    missing = wanted - {canonicalize_name(name) for package in visited for name in packages.get(package, ())}
    assert missing <= NOT_FOR_USERS | OF_OTHERS


def test_what_is_left_out_in_sub_interpreters_exists_and_is_told_to_users() -> None:
    names = {function.__name__ for function in STOPS}
    text = Path(__file__).parents[3].joinpath("doc", "reliability.md").read_text("utf-8")
    for name, reason in itinerary.NOT_IN_SUB.items():
        assert name in names
        assert reason
    assert "tour/itinerary.py" in text


def test_a_wrong_stop_is_told() -> None:
    def wrong(n: int) -> int:
        return n + 3

    with pytest.raises(AssertionError, match="stop wrong computed 5 instead of 7"):
        itinerary.visit([wrong], 2)
