# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""Makes numpy's `ComplexWarning` an error: a complex number that becomes a real one would give a wrong pixel."""

from __future__ import annotations

import warnings
from typing import Any, SupportsIndex

import numpy as np

# Older versions of numpy have no numpy.exceptions.
ComplexWarning: type[Warning] = getattr(np, "exceptions", np).ComplexWarning


class _Filters(list):
    """Replaces ``warnings.filters``. The entry for `ComplexWarning` stays before all entries for other warnings.

    A filter for all warnings, for instance ``warnings.simplefilter("ignore")``, does not change `ComplexWarning`. Only
    a filter that names it does. So nothing needs to be checked when a block is computed. The methods below are those by
    which the module ``warnings`` changes its filters, also in `catch_warnings`.
    """

    def insert(self, index: SupportsIndex, entry: Any) -> None:  # noqa: ANN401
        if not issubclass(entry[2], ComplexWarning):
            # The entry may be missing: `resetwarnings` and `remove` delete it.
            index = max(int(index), self._number_of_leading_entries())
        super().insert(index, entry)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401
        found = super().__getitem__(index)
        return _Filters(found) if isinstance(index, slice) else found

    def __setitem__(self, index: Any, value: Any) -> None:  # noqa: ANN401
        if isinstance(index, slice) and index == slice(None):
            value = [_ENTRY, *(entry for entry in value if entry != _ENTRY)]
        super().__setitem__(index, value)

    def _number_of_leading_entries(self) -> int:
        """Index after the last filter for `ComplexWarning`."""
        return 1 + max((i for i, entry in enumerate(self) if issubclass(entry[2], ComplexWarning)), default=-1)


_ENTRY = ("error", None, ComplexWarning, None, 0)


def make_an_error() -> None:
    """Makes this interpreter raise `ComplexWarning` as an error. Does nothing if it already does."""
    if type(warnings.filters) is not _Filters or _ENTRY not in warnings.filters:
        warnings.filters = _Filters(warnings.filters)
        # `simplefilter` also tells the module that its filters have changed.
        warnings.simplefilter("error", ComplexWarning)
