"""A metric with all its labels and their values, which are known when the process starts: so each value has its place in memory."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Literal

from msgspec import Struct

Kind = Literal["counter", "gauge", "histogram"]


class Family(Struct, frozen=True, kw_only=True):
    """`labels` has every value of each label. A histogram has `bounds`, the upper bounds of its buckets.

    `name` is without the suffix `_total` of counters. Of a `sparse` family, only children that have counted something are shown.
    """

    name: str
    kind: Kind
    text: str
    labels: Mapping[str, Sequence[str]] = {}
    bounds: Sequence[float] = ()
    sparse: bool = False

    @property
    def width(self) -> int:
        """The number of cells of one child. A histogram has one for each bucket, that without a bound included, and one for the sum."""
        return len(self.bounds) + 2 if self.kind == "histogram" else 1

    @property
    def size(self) -> int:
        """The number of cells of all children."""
        return self.width * prod(len(values) for values in self.labels.values())

    def children(self) -> Iterator[tuple[str, ...]]:
        """Yield the values of the labels of each child, in the order of their cells."""
        return product(*self.labels.values())

    def place(self, *values: str) -> int:
        """Return the first cell of a child, counted from the family's own. Raises ValueError for a value that is not known."""
        place = 0
        for known, value in zip(self.labels.values(), values, strict=True):
            place = place * len(known) + known.index(value)
        return place * self.width
