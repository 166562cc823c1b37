# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Complex numbers that become real ones are an error, not a warning: what they lose are wrong pixels."""

from __future__ import annotations

import warnings
from typing import Any, SupportsIndex

import numpy as np

# Older versions of numpy have no numpy.exceptions.
ComplexWarning: type[Warning] = getattr(np, "exceptions", np).ComplexWarning


class _Filters(list):
    """``warnings.filters``, whose first entry stays first.

    What is meant for all warnings, ``warnings.simplefilter("ignore")`` for instance, does not reach `ComplexWarning`;
    filters that name it do. So nothing has to be looked after when blocks are computed. Changed by the module
    ``warnings`` in the ways below, also in its `catch_warnings`.
    """

    def insert(self, index: SupportsIndex, entry: Any) -> None:  # noqa: ANN401
        if not issubclass(entry[2], ComplexWarning):
            # `resetwarnings` and `remove` may have taken the entry away.
            index = max(int(index), self._end_of_own())
        super().insert(index, entry)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401
        found = super().__getitem__(index)
        return _Filters(found) if isinstance(index, slice) else found

    def __setitem__(self, index: Any, value: Any) -> None:  # noqa: ANN401
        if isinstance(index, slice) and index == slice(None):
            value = [_ENTRY, *(entry for entry in value if entry != _ENTRY)]
        super().__setitem__(index, value)

    def _end_of_own(self) -> int:
        """Index after the filters for `ComplexWarning`."""
        return 1 + max((i for i, entry in enumerate(self) if issubclass(entry[2], ComplexWarning)), default=-1)


_ENTRY = ("error", None, ComplexWarning, None, 0)


def make_an_error() -> None:
    """Lets this interpreter raise `ComplexWarning`; does nothing where that is so already."""
    if type(warnings.filters) is not _Filters or _ENTRY not in warnings.filters:
        warnings.filters = _Filters(warnings.filters)
        # By the module's own function, which also makes it look at the filters anew.
        warnings.simplefilter("error", ComplexWarning)
