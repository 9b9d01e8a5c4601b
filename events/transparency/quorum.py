"""How many witnesses have to cosign a checkpoint."""

from msgspec import Struct

from events.transparency.notes import VerifierKey


class Quorum(Struct, frozen=True):
    """At least so many of the witnesses with these keys."""

    keys: tuple[VerifierKey, ...] = ()
    least: int = 0


NO_QUORUM = Quorum()
