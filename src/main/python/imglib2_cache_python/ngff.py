# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Metadata of OME-Zarr images (OME-NGFF), and the smaller and smaller images of a pyramid."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# The format of the zarr arrays that each version of OME-Zarr has.
ZARR_FORMATS = {"0.4": 2, "0.5": 3}

# How pixels of the next level are computed.
DOWNSCALING = ("mean", "nearest")

# Axes that an image has if nothing else is said.
_DEFAULT_AXES = {2: "yx", 3: "zyx", 4: "czyx", 5: "tczyx"}

# What an axis of a name is. Others are of a custom type.
_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}

_PREFIXES = (
    "",
    *("atto", "centi", "deci", "exa", "femto", "giga", "hecto", "kilo", "mega", "micro", "milli", "nano", "peta"),
    *("pico", "tera", "yocto", "yotta", "zepto", "zetta"),
)

UNITS = {
    "space": (*(f"{prefix}meter" for prefix in _PREFIXES), "angstrom", "foot", "inch", "mile", "parsec", "yard"),
    "time": (*(f"{prefix}second" for prefix in _PREFIXES), "day", "hour", "minute"),
}

_ABBREVIATIONS = {
    **{"m": "meter", "cm": "centimeter", "mm": "millimeter", "nm": "nanometer", "pm": "picometer"},
    **dict.fromkeys(("um", "\u00b5m", "\u03bcm", "micron", "microns"), "micrometer"),
    **{"s": "second", "sec": "second", "ms": "millisecond", "us": "microsecond", "\u00b5s": "microsecond"},
    **{"ns": "nanosecond", "min": "minute", "h": "hour"},
}


@dataclass(frozen=True)
class Axis:
    """An axis of an OME-Zarr image.

    Attributes:
        name: Its name.
        type: ``time``, ``channel``, ``space``, or None for something else.
        unit: Unit of its scale, or None.
    """

    name: str
    type: str | None
    unit: str | None

    def to_json(self) -> dict[str, str]:
        """As it is in the metadata."""
        entries = {"name": self.name, "type": self.type, "unit": self.unit}
        return {key: value for key, value in entries.items() if value is not None}


def axes_of(count: int, names: Sequence[str] | None, units: Sequence[str | None] | str | None) -> tuple[Axis, ...]:
    """The axes of an image, in numpy's order.

    Args:
        count: Number of axes.
        names: One for each; None for ``y, x``, ``z, y, x``, ``c, z, y, x`` or ``t, c, z, y, x``.
        units: One for each, None where there is none; a single one is for all axes of space.

    Raises:
        ValueError: OME-Zarr has no such axes or units.
    """
    if count not in _DEFAULT_AXES:
        raise ValueError(f"an OME-Zarr image has 2 to 5 axes, this one has {count}: write it as a plain zarr array")
    its = tuple(_DEFAULT_AXES[count] if names is None else names)
    listed = ", ".join(map(str, its))
    if len(its) != count:
        raise ValueError(f"the axes are {listed}, but the image has {count} axes: give a name for each")
    if not all(isinstance(name, str) and name for name in its) or len(set(its)) < count:
        raise ValueError(f"the axes are {listed}, expected a different name for each")
    types = [_TYPES.get(name) for name in its]
    if types.count("space") not in (2, 3):
        raise ValueError(f"the axes are {listed}, but OME-Zarr needs two or three of x, y and z")
    order = [("time", "channel", "space").index(one or "channel") for one in types]
    if order != sorted(order) or order.count(1) > 1:
        raise ValueError(
            f"the axes are {listed}, but OME-Zarr has at most a time t, then at most one other axis such as a channel "
            "c, then those of space: permute the image's axes"
        )
    if units is None or isinstance(units, str):
        units = [units if one == "space" else None for one in types]
    if len(units) != count:
        raise ValueError(f"there are {len(units)} units, but the image has {count} axes: give one for each, or none")
    return tuple(
        Axis(name, type_, _unit(unit, name, type_)) for name, type_, unit in zip(its, types, units, strict=True)
    )


def _unit(given: str | None, axis: str, type_: str | None) -> str | None:
    if not given:
        return None
    unit = _ABBREVIATIONS.get(given, given)
    known = UNITS.get(type_ or "", ())
    if unit not in known:
        near = difflib.get_close_matches(unit, known, 1)
        remedy = (
            f"did you mean {near[0]!r}?" if near else f"for instance {', '.join(map(repr, known[:1] + known[10:12]))}"
        )
        raise ValueError(
            f"the axis {axis} has the unit {given!r}, "
            + (f"which is none of {type_} in OME-Zarr; {remedy}" if known else "but only space and time have units")
        )
    return unit


@dataclass(frozen=True)
class Level:
    """One image of a pyramid.

    Attributes:
        shape: Its shape.
        step: Pixels of the level before it per pixel, along each axis.
        factors: Pixels of the whole image per pixel, along each axis.
    """

    shape: tuple[int, ...]
    step: tuple[int, ...]
    factors: tuple[int, ...]


def levels_of(shape: Sequence[int], count: int, steps: Sequence[int]) -> tuple[Level, ...]:
    """The images of a pyramid, the largest first.

    Args:
        shape: Of the whole image.
        count: Number of levels, with the whole image.
        steps: How much smaller each level is than the one before it, along each axis, as long as that is longer than
            one pixel. Where it does not divide the size, the last pixel stands for fewer.

    Raises:
        ValueError: There are no so many levels.
    """
    ones = (1,) * len(shape)
    levels = [Level(tuple(shape), ones, ones)]
    while len(levels) < count:
        last = levels[-1]
        step = tuple(min(one, size) for one, size in zip(steps, last.shape, strict=True))
        if max(step) == 1:
            raise ValueError(
                f"{count} levels are too many for an image of shape {tuple(shape)}: level {len(levels) - 1} already "
                f"has the shape {last.shape}; say {len(levels)} levels at most"
            )
        smaller = tuple(-(-size // one) for size, one in zip(last.shape, step, strict=True))
        factors = tuple(before * one for before, one in zip(last.factors, step, strict=True))
        levels.append(Level(smaller, step, factors))
    return tuple(levels)


def downscaled(pixels: np.ndarray, step: Sequence[int], method: str) -> np.ndarray:
    """The pixels of the next level.

    Args:
        pixels: Of a level; a part of it begins at a multiple of the step.
        step: Pixels of this level per pixel of the next one, along each axis.
        method: ``mean``, rounded to the nearest number of the dtype, half to even; of booleans, what most are, or True.
            ``nearest`` takes the first of the pixels, as labels need it.
    """
    first = pixels[tuple(slice(None, None, one) for one in step)]
    if method == "nearest" or all(one == 1 for one in step):
        return first
    # At the upper end of the image, a pixel stands for fewer.
    number = math.prod(
        np.minimum(one, size - one * np.arange(count)).reshape((-1,) + (1,) * (pixels.ndim - 1 - axis))
        for axis, (one, size, count) in enumerate(zip(step, pixels.shape, first.shape, strict=True))
    )
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize == 8:
        return _mean_of_long_integers(pixels, step, number, first)
    total = np.zeros(first.shape, np.complex128 if pixels.dtype.kind == "c" else np.float64)
    for part, place in _parts(pixels, step):
        total[place] += part
    total /= number
    if pixels.dtype.kind == "b":
        return total >= 0.5
    return (np.rint(total) if pixels.dtype.kind in "iu" else total).astype(pixels.dtype)


def _mean_of_long_integers(
    pixels: np.ndarray, step: Sequence[int], number: np.ndarray, first: np.ndarray
) -> np.ndarray:
    """A double cannot have the sum, nor the mean; so quotients and remainders are added."""
    number = np.broadcast_to(number.astype(pixels.dtype), first.shape)
    mean, rest = np.zeros_like(first), np.zeros_like(first)
    for part, place in _parts(pixels, step):
        quotient, remainder = np.divmod(part, number[place])
        mean[place] += quotient
        rest[place] += remainder
    quotient, rest = np.divmod(rest, number)
    mean += quotient
    mean += (2 * rest > number) | ((2 * rest == number) & (mean % 2 != 0))
    return mean


def _parts(pixels: np.ndarray, step: Sequence[int]) -> Iterator[tuple[np.ndarray, tuple[slice, ...]]]:
    """For each place within a step: the pixels there, and which pixels of the result these belong to."""
    for offset in np.ndindex(*step):
        part = pixels[tuple(slice(o, None, one) for o, one in zip(offset, step, strict=True))]
        yield part, tuple(slice(0, size) for size in part.shape)


def attributes(
    version: str, name: str, axes: Sequence[Axis], scale: Sequence[float], levels: Sequence[Level], method: str
) -> dict[str, Any]:
    """The attributes that make a group of arrays ``0``, ``1`` and so on an OME-Zarr image.

    Args:
        version: Of OME-Zarr.
        name: Name of the image.
        axes: Its axes.
        scale: Size of a pixel along each axis, in its unit.
        levels: Its levels.
        method: How they were made.
    """
    datasets = []
    for number, level in enumerate(levels):
        sizes = [float(size * factor) for size, factor in zip(scale, level.factors, strict=True)]
        transformations: list[dict[str, Any]] = [{"type": "scale", "scale": sizes}]
        if method == "mean" and number:
            # The centre of a pixel is that of the pixels that it is the mean of.
            shifts = [size * (factor - 1) / 2 for size, factor in zip(scale, level.factors, strict=True)]
            transformations.append({"type": "translation", "translation": shifts})
        datasets.append({"path": str(number), "coordinateTransformations": transformations})
    multiscale: dict[str, Any] = {
        "name": name,
        "axes": [axis.to_json() for axis in axes],
        "datasets": datasets,
    }
    if len(levels) > 1:
        multiscale["type"] = method
    if version == "0.4":
        return {"multiscales": [{"version": version, **multiscale}]}
    return {"ome": {"version": version, "multiscales": [multiscale]}}


def positive(what: str, given: Sequence[float], count: int) -> tuple[float, ...]:
    """One number above zero for each axis.

    Raises:
        ValueError: They are something else.
    """
    numbers = tuple(float(one) for one in given)
    if len(numbers) not in (1, count):
        raise ValueError(f"{what} is {list(given)}, but the image has {count} axes: give one number for each")
    if not all(math.isfinite(one) and one > 0 for one in numbers):
        raise ValueError(f"{what} is {list(given)}, expected numbers above 0")
    return numbers * count if len(numbers) == 1 else numbers
