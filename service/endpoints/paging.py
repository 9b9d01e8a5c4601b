"""Lists: `limit` and `cursor` in the query, the next page in a Link header (RFC 8288), so that the body stays a bare array."""

from collections.abc import Mapping
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from service.endpoints.fields import LONGEST_NAME, MOST_STRANGE, named
from service.problems import Invalid

USUAL = 100
MOST = 1000


class PageRequest(Struct, frozen=True, kw_only=True):
    """The requested page: at most `limit` items after `after`, narrowed by `filters`."""

    limit: int
    after: UUID | None
    filters: Mapping[str, str]

    def link(self, issuer: str, path: str, last: UUID) -> dict[str, str]:
        query = urlencode({**self.filters, "limit": self.limit, "cursor": last.hex})
        return {"Link": f'<{issuer}{path}?{query}>; rel="next"'}


def asked(request: Request, filters: tuple[str, ...] = ()) -> PageRequest:
    """Read the query of a list. Raises Invalid, which names every fault at once."""
    query = _read(request, ("limit", "cursor", *filters))
    limit = _limit(query.given.get("limit"), query.errors)
    after = _cursor(query.given.get("cursor"), query.errors)
    _refuse(query)
    return PageRequest(
        limit=limit, after=after, filters={name: query.given[name] for name in filters if name in query.given}
    )


def refuse_query(request: Request) -> None:
    """Refuse every query parameter: one that would have no effect must not be ignored silently. Raises Invalid."""
    _refuse(_read(request, ()))


class _Query(Struct, frozen=True):
    """The given parameters, their faults, and how many names are unknown."""

    given: Mapping[str, str]
    errors: dict[str, list[str]]
    strange: int


def _read(request: Request, known: tuple[str, ...]) -> _Query:
    pairs = request.query_params.multi_items()
    given = dict(pairs)
    strange = [name for name in given if name not in known]
    takes = f"its parameters are: {', '.join(known)}" if known else "it takes none"
    errors = {name[:LONGEST_NAME]: [f"is not a parameter of this request; {takes}"] for name in strange[:MOST_STRANGE]}
    for name in [name for name in known if name in given]:
        if [each for each, _ in pairs].count(name) > 1:
            errors[name] = ["is given more than once"]
        elif "\0" in given[name]:
            errors[name] = ["contains a character that is not allowed in text: U+0000"]
    return _Query(given, errors, len(strange))


def _refuse(query: _Query) -> None:
    if query.errors:
        names = named(query.errors, query.strange)
        raise Invalid(f"The query has faults in: {names}. See errors.", query.errors)


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
    errors.setdefault("cursor", []).append("is not a cursor of this server; follow the Link header")
    return None
