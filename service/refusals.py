"""Every refusal of the rules, in the domain's words. They know nothing of HTTP; what each becomes on the wire is the endpoints' business.

DomainRefusal
├── DoesNotExist      there is nothing of that id that the asker may see
├── Contradiction     what is asked contradicts what is
├── NotPermitted      the asker may not do it
├── VersionMismatch   it is at another version than the asker named
├── InvalidValue      values that nobody may give; each field with its faults
└── TooManyAttempts   it was tried too often; in some seconds it may be tried again
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet


class DomainRefusal(Exception):
    """`detail` says in a sentence what is wrong, and what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class DoesNotExist(DomainRefusal):
    pass


class Contradiction(DomainRefusal):
    pass


class NotPermitted(DomainRefusal):
    pass


class VersionMismatch(DomainRefusal):
    """`named` are the versions that the asker took it to be at."""

    def __init__(self, actual: int, named: AbstractSet[int]) -> None:
        said = " or ".join(map(str, sorted(named))) or "the one that was named"
        super().__init__(f"This is at version {actual} by now, not at {said}; read it again.")
        self.actual = actual
        self.named = frozenset(named)


class InvalidValue(DomainRefusal):
    """`faults` says what is wrong with which field."""

    def __init__(self, detail: str, faults: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(detail)
        self.faults: Mapping[str, Sequence[str]] = dict(faults or {})


class TooManyAttempts(DomainRefusal):
    """`seconds` from now it may be tried again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts to sign in; try again in {seconds} s.")
        self.seconds = seconds


AnyDomainRefusal = DoesNotExist | Contradiction | NotPermitted | VersionMismatch | InvalidValue | TooManyAttempts
"""All of them, so that the checker names the one that a match leaves out."""
