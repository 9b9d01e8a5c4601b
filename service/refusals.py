"""Every refusal of the domain, as a tree. None of them depends on HTTP: the endpoints choose the response.

DomainRefusal
├── DoesNotExist      nothing with this id exists that the caller may see
├── Contradiction     the command contradicts the current state
├── NotPermitted      the caller may not do this
├── VersionMismatch   the current version is not one that the caller named
├── InvalidValue      values that are not allowed; each field with its faults
└── TooManyAttempts   too many attempts; the next one is allowed after some seconds
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet


class DomainRefusal(Exception):
    """`detail` is a sentence that says what is wrong and what to do."""

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
    """`named` are the versions that the caller expected."""

    def __init__(self, actual: int, named: AbstractSet[int]) -> None:
        said = " or ".join(map(str, sorted(named))) or "the one that was named"
        super().__init__(f"The current version is {actual}, not {said}. Read it again.")
        self.actual = actual
        self.named = frozenset(named)


class InvalidValue(DomainRefusal):
    """`faults` says what is wrong with each field."""

    def __init__(self, detail: str, faults: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(detail)
        self.faults: Mapping[str, Sequence[str]] = dict(faults or {})


class TooManyAttempts(DomainRefusal):
    """The next attempt is allowed after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts to sign in; try again in {seconds} s.")
        self.seconds = seconds


AnyDomainRefusal = DoesNotExist | Contradiction | NotPermitted | VersionMismatch | InvalidValue | TooManyAttempts
"""Every refusal, so that the type checker names one that a match leaves out."""
