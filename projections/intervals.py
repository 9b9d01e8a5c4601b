"""Ranges of positions in an index, so that those that contain a position are found without reading the others.

This is the relational interval tree (Kriegel, Pötke, Seidl: "Managing Intervals Efficiently in Object-Relational Databases", VLDB
2000). Each range is kept under one node of a binary tree over all positions. A position lies under one node of each level, so its
ranges are found by one probe for each level, however many other ranges there are.
"""

from msgspec import Struct

FOREVER = 2**63 - 1
"""The end of a range that has not ended."""

NOT_ENDED = 0
"""The node of all ranges that have not ended. No position is 0, so no other range has this node."""

LEVELS = 63


def node_of(first: int, end: int) -> int:
    """Returns the node of the positions from `first` up to and without `end`: of these, the one with the most zeros at its end in binary."""
    if end == FOREVER:
        return NOT_ENDED
    last = end - 1
    level = max((first ^ last).bit_length() - 1, 0)
    return last >> level << level if first != last else first


class Nodes(Struct, frozen=True):
    """The nodes of the ranges that can contain a position.

    A range under a node of `later` contains it if it begins by then; one under a node of `earlier`, if it ends after it.
    """

    later: list[int]
    earlier: list[int]


def nodes_at(position: int) -> Nodes:
    """Returns one node of each level, and NOT_ENDED."""
    nodes = [(position >> level + 1 << level + 1) + (1 << level) for level in range(LEVELS)]
    return Nodes(
        later=[NOT_ENDED, *(node for node in nodes if node > position)],
        earlier=[node for node in nodes if node <= position],
    )
