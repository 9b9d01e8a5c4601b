"""The clients that a process remembers, the oldest first, bounded by the memory that they take."""

from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from msgspec import json, structs

from projections.clients import Found

MOST_BYTES = 16 * 2**20
"""About 14,000 usual clients. One more is asked for again when it comes back: together with others that are missing, in one round trip."""

LEAST = 1200
"""Measured: what a client with one secret and nothing else takes."""
PER_QUOTE = 30
NAMES = 2400
"""About what the names of the fields add, which are in the JSON of a client and not in its memory."""


class CachedClients:
    """`get` is that of the dictionary, because nearly every request asks it. `bytes` are about what the clients take."""

    def __init__(self) -> None:
        self._found: OrderedDict[UUID, Found] = OrderedDict()
        self.get = self._found.get
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._found)

    def keep(self, found: Mapping[UUID, Found]) -> None:
        """Keep these, and forget as many of the oldest as is needed."""
        for stream, each in found.items():
            self.forget(stream)
            self._found[stream] = each
            self.bytes += size(each)
        while self.bytes > MOST_BYTES:
            self.forget(next(iter(self._found)))

    def forget(self, stream: UUID) -> None:
        if (found := self._found.pop(stream, None)) is not None:
            self.bytes -= size(found)

    def forget_of_bots(self, bots: Collection[str]) -> None:
        for stream in [s for s, found in self._found.items() if found.client.bot_user_id in bots]:
            self.forget(stream)

    def clear(self) -> None:
        self._found.clear()
        self.bytes = 0


def size(found: Found) -> int:
    """Return about how many bytes of memory a client takes, from its JSON: a text takes 50 bytes more than its characters."""
    encoded = json.encode(structs.asdict(found.client))
    return max(LEAST, len(encoded) + PER_QUOTE * encoded.count(b'"') - NAMES)
