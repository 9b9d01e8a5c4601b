"""The problem that the management API returns for each refusal of the domain."""

from service.problems import Clash, Forbidden, Invalid, NotFound, Problem, Stale, TooMany
from service.refusals import (
    AnyDomainRefusal,
    Contradiction,
    DoesNotExist,
    InvalidValue,
    NotPermitted,
    TooManyAttempts,
    VersionMismatch,
)
from service.values.camel import camel


def problem_of(refusal: AnyDomainRefusal) -> Problem:
    match refusal:
        case DoesNotExist():
            return NotFound(refusal.detail)
        case Contradiction():
            return Clash(refusal.detail)
        case NotPermitted():
            return Forbidden(refusal.detail)
        case VersionMismatch():
            return _stale(refusal)
        case InvalidValue():
            return _invalid(refusal)
        case TooManyAttempts():
            return TooMany(refusal.detail, headers={"Retry-After": str(refusal.seconds)})


def _stale(refusal: VersionMismatch) -> Stale:
    """If none of its tags is ours, If-Match names no version."""
    named = " or ".join(map(str, sorted(refusal.named))) or "any that If-Match names"
    return Stale(f"The current version is {refusal.actual}, not {named}. Read it again.")


def _invalid(refusal: InvalidValue) -> Invalid:
    errors = {camel(name): list(faults) for name, faults in refusal.faults.items()}
    return Invalid(f"The request has faults in: {', '.join(errors)}. See errors." if errors else refusal.detail, errors)
