"""What a verification finds."""

from msgspec import Struct

NOTHING = "0" * 16
"""The digest of a table without rows."""


class Verdict(Struct, frozen=True, kw_only=True):
    """`differing` names rows (at most ten) that are not what the log makes of them, or what stands in the place of the table."""

    name: str
    position: int
    rows: int
    digest: str
    expected_digest: str
    differing: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return self.digest == self.expected_digest and not self.differing


class Unfolded(Struct, frozen=True):
    """The log cannot be folded: its entry at this position cannot be taken in."""

    position: int
    why: str


def refused(name: str, why: str) -> Verdict:
    """That there is nothing to compare, and why."""
    return of_nothing(name).__replace__(differing=(why,))


def of_nothing(name: str) -> Verdict:
    return Verdict(name=name, position=0, rows=0, digest=NOTHING, expected_digest=NOTHING, differing=())
