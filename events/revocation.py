"""The event that orders the revocation of what follows from a compromise. It is the cause of every revocation that it leads to."""

from datetime import datetime

from msgspec import Struct


class RevocationOrdered(Struct, frozen=True, kw_only=True, tag="revocation.ordered"):
    """`kind` and `id` name where the compromise began, and `since` says when. `counts` has what followed from it, by kind, up to `position`.

    `complete` is false if more followed than one walk can reach.
    """

    kind: str
    id: str
    since: datetime
    position: int
    counts: dict[str, int]
    complete: bool
    at: datetime


RevocationEvent = RevocationOrdered
