"""The header Muniment-Reason of a request that changes something."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import Scope

from service.http.asgi import headers_named
from service.http.last_head import once_a_head
from service.problems import Invalid
from service.values import reason

REASON = "Muniment-Reason"
_NAME = REASON.lower().encode()


def read(request: Request) -> str | None:
    """Return the reason, or None if the caller gave none. Raises Invalid."""
    given = once_a_head(request.scope, _given)
    if not given:
        return None
    if len(given) > 1:
        raise _invalid(["is given more than once"])
    try:
        return reason.of_header(given[0].encode("latin-1"))
    except reason.WrongReason as fault:
        raise _invalid(fault.faults) from fault


def _given(scope: Scope) -> list[str]:
    return headers_named(scope, _NAME)


def beside(refused: Invalid, request: Request) -> Invalid:
    """Return the refusal with the faults of the reason beside its own, so that one refusal names every fault."""
    if request.method == "GET":
        return refused
    try:
        read(request)
    except Invalid as fault:
        own: Mapping[str, list[str]] = refused.errors or {}
        if isinstance(fault.errors, dict) and REASON not in own:
            return Invalid(f"{refused.detail} {fault.detail}", {**own, **fault.errors})
    return refused


def _invalid(faults: list[str]) -> Invalid:
    return Invalid(f"The header {REASON} has faults. See errors.", {REASON: faults})
