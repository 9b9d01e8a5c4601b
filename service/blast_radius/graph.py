"""Walks a graph whose edges have times: what is reached at a time leads on only by edges of that time or later."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal[
    "client",
    "secret",
    "bot",
    "user",
    "session",
    "authorization",
    "token",
    "change",
    "signingKey",
    "actor",
    "agent",
    "issuer",
]


class Node(Struct, frozen=True, gc=False):
    """`id` is a public id; that of a change is its position in the event log. An agent is a client that acts for a `sub`, an issuer a trusted one."""

    kind: Kind
    id: str


class Edge(Struct, frozen=True, gc=False):
    """From `at` on, the target follows from the source."""

    source: Node
    target: Node
    at: datetime


class Reached(Struct, frozen=True, gc=False):
    """When something was first reached, and from what; None: the walk began there."""

    at: datetime
    via: Node | None


class Walk:
    """The caller asks for the `frontier`, reads its edges, and gives them to `take`, until there is no frontier or it is `full`."""

    def __init__(self, seeds: Mapping[Node, datetime], most: int) -> None:
        self.reached = {node: Reached(at, None) for node, at in seeds.items()}
        self.frontier = dict(seeds)
        self._most = most

    @property
    def full(self) -> bool:
        return len(self.reached) > self._most

    def take(self, edges: Iterable[Edge]) -> None:
        """A node that turns out to be reached earlier than known is in the frontier again, because more may follow from it."""
        frontier: dict[Node, datetime] = {}
        for edge in edges:
            source, known = self.reached.get(edge.source), self.reached.get(edge.target)
            if source is not None and edge.at >= source.at and (known is None or edge.at < known.at):
                self.reached[edge.target] = Reached(edge.at, edge.source)
                frontier[edge.target] = edge.at
        self.frontier = frontier
