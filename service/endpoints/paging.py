"""Lists: `limit` and `cursor` in the query, the way on in a Link header (RFC 8288), so that the body stays a bare array."""

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from service.problems import Invalid

USUAL = 100
MOST = 1000


class Page(Struct, frozen=True, kw_only=True):
    """What was asked for: at most `limit` things after `after`, narrowed by `filters`."""

    limit: int
    after: UUID | None
    filters: Mapping[str, str]

    def link(self, issuer: str, path: str, last: UUID) -> dict[str, str]:
        query = urlencode({**self.filters, "limit": self.limit, "cursor": last.hex})
        return {"Link": f'<{issuer}{path}?{query}>; rel="next"'}


def asked(request: Request, filters: tuple[str, ...] = ()) -> Page:
    """Raises Invalid, naming every fault at once."""
    given, errors = _given(request, ("limit", "cursor", *filters))
    limit = _limit(given.get("limit"), errors)
    after = _cursor(given.get("cursor"), errors)
    _refuse(errors)
    return Page(limit=limit, after=after, filters={name: given[name] for name in filters if name in given})


def refuse_query(request: Request) -> None:
    """For what takes no query: a parameter that would change nothing is named, not passed over. Raises Invalid."""
    _, errors = _given(request, ())
    _refuse(errors)


def _given(request: Request, known: tuple[str, ...]) -> tuple[dict[str, str], dict[str, list[str]]]:
    errors: dict[str, list[str]] = {}
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            takes = f"known: {', '.join(known)}" if known else "this request takes no query parameters"
            errors[name[:80]] = [f"is not known here; {takes}"]
        elif name in given:
            errors.setdefault(name, []).append("is given more than once")
        elif "\0" in value:
            errors.setdefault(name, []).append("contains a character that is not allowed in text: U+0000")
        given[name] = value
    return given, errors


def _refuse(errors: Mapping[str, list[str]]) -> None:
    if errors:
        raise Invalid(f"The query has faults in: {', '.join(errors)}. See errors.", errors)


def _limit(text: str | None, errors: dict[str, list[str]]) -> int:
    if text is None:
        return USUAL
    if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) and 1 <= int(text) <= MOST:
        return int(text)
    errors.setdefault("limit", []).append(f"must be a whole number from 1 to {MOST}")
    return USUAL


def _cursor(text: str | None, errors: dict[str, list[str]]) -> UUID | None:
    if text is None:
        return None
    if len(text) == 32 and set(text) <= set("0123456789abcdef"):
        return UUID(hex=text)
    errors.setdefault("cursor", []).append("is not one that this server gave out; follow the Link header")
    return None
