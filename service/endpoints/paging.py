"""Lists: `limit` and `cursor` in the query, the next page in a Link header (RFC 8288), so that the body stays a bare array."""

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlencode
from uuid import UUID

from msgspec import Struct
from starlette.types import Scope

from service.endpoints.fields import LONGEST_NAME, MOST_STRANGE, named
from service.endpoints.moments import AS_OF, Moment, NoMoment, as_text, moment_of
from service.http.asgi import query_pairs
from service.http.last_head import once_a_head
from service.problems import Invalid
from service.values import credential_form

USUAL = 100
MOST = 1000
PLAIN = re.compile("(?P<item>[0-9a-f]{32})")
VALUED = re.compile(f"{PLAIN.pattern}(-(?P<value>[0-9A-Za-z_-]{{0,2000}}))?")
A_CREDENTIAL = (
    "There is a secret, a code or a token in the URL. Nothing of it was recorded here, but proxies and browsers keep URLs: revoke it."
    " To learn whose it is, send it in the body of POST /api/v1/audit/credentials."
)
NOT_OF_THE_PAST = "cannot be combined with as_of"
NO_CURSOR = "is not a cursor of this server; follow the Link header"


class PageRequest(Struct, frozen=True, kw_only=True):
    """The requested page: at most `limit` items after `after`, narrowed by `filters`, as they were at `position` of the log (None: now).

    In a list that is sorted by a value, `value` is that of the item `after`, in the form of the cursor.
    """

    limit: int
    after: UUID | None
    filters: Mapping[str, str]
    position: int | None = None
    value: str | None = None

    def link(self, issuer: str, path: str, last: UUID, value: str | None = None) -> dict[str, str]:
        """Return the header for the next page, which stands for the same position of the log as this one."""
        then = {} if self.position is None else {AS_OF: as_text(self.position)}
        cursor = last.hex if value is None else f"{last.hex}-{value}"
        return next_link(issuer, path, {**self.filters, **then, "limit": str(self.limit), "cursor": cursor})


def next_link(issuer: str, path: str, query: Mapping[str, str]) -> dict[str, str]:
    return {"Link": f'<{issuer}{path}?{urlencode(query)}>; rel="next"'}


Check = Callable[[str], str | None]
"""Return what is wrong with the text of a filter, or None."""

NO_CHECKS: Mapping[str, Check] = {}


def one_of(values: Sequence[str]) -> Check:
    return lambda text: None if text in values else f"must be one of: {', '.join(values)}"


def whole(least: int, most: int) -> Check:
    return lambda text: None if _is_whole(text, least, most) else f"must be a whole number from {least} to {most}"


def page_of(
    query: "Query", filters: tuple[str, ...], checks: Mapping[str, Check], *, valued: bool = False
) -> PageRequest:
    """Return the page of a list, but for its moment. Its faults are added to those of the query. `valued`: the list is sorted by a value."""
    most = limit(query.given.get("limit"), query.errors)
    after, value = _cursor(query.given.get("cursor"), query.errors, VALUED if valued else PLAIN)
    given = {name: query.given[name] for name in filters if name in query.given}
    for name in given.keys() & checks.keys() - query.errors.keys():
        if fault := checks[name](given[name]):
            query.errors[name] = [fault]
    return PageRequest(limit=most, after=after, filters=given, value=value)


def has_credential(scope: Scope) -> bool:
    """Return whether the URL has a secret or a token, which is refused before anything is recorded of the request."""
    named: dict[str, str] = scope.get("path_params", {})
    if not scope["query_string"] and not named:
        return False
    pairs = once_a_head(scope, query_pairs)
    return credential_form.has_credential(text for pair in (*pairs, *named.items()) for text in pair)


def refuse_query(scope: Scope) -> None:
    """Refuse every query parameter: one that would have no effect must not be ignored silently. Raises Invalid."""
    if scope["query_string"]:
        refuse(read(scope, ()))


class Query(Struct, frozen=True):
    """The given parameters, their faults, and how many names are unknown."""

    given: Mapping[str, str]
    errors: dict[str, list[str]]
    strange: int

    def fault(self, name: str, message: str) -> None:
        self.errors.setdefault(name, []).append(message)


def flag(query: Query, name: str) -> bool:
    """Return whether the parameter is "true"; absent, it is "false". Anything else is a fault of the query."""
    wanted = query.given.get(name, "false")
    if wanted not in ("false", "true"):
        query.fault(name, "must be true or false")
    return wanted == "true"


def read(scope: Scope, known: tuple[str, ...]) -> Query:
    """Read the query of a request that has these parameters. The caller may add faults, and then calls `refuse`."""
    pairs = once_a_head(scope, query_pairs)
    given = dict(pairs)
    strange = [name for name in given if name not in known]
    takes = f"its parameters are: {', '.join(known)}" if known else "it takes none"
    errors = {name[:LONGEST_NAME]: [f"is not a parameter of this request; {takes}"] for name in strange[:MOST_STRANGE]}
    for name in [name for name in known if name in given]:
        if [each for each, _ in pairs].count(name) > 1:
            errors[name] = ["is given more than once"]
        elif "\0" in given[name]:
            errors[name] = ["contains a character that is not allowed in text: U+0000"]
    return Query(given, errors, len(strange))


def refuse(query: Query) -> None:
    """Raise Invalid if the query has a fault."""
    if query.errors:
        raise invalid(query.errors, query.strange)


def invalid(errors: dict[str, list[str]], strange: int = 0) -> Invalid:
    """Return the refusal of a query with these faults. `strange` is how many of its names are unknown."""
    return Invalid(f"The query has faults in: {named(errors, strange)}. See errors.", errors)


def limit(text: str | None, errors: dict[str, list[str]]) -> int:
    if text is None:
        return USUAL
    if _is_whole(text, 1, MOST):
        return int(text)
    errors.setdefault("limit", []).append(f"must be a whole number from 1 to {MOST}")
    return USUAL


def _cursor(text: str | None, errors: dict[str, list[str]], form: re.Pattern[str]) -> tuple[UUID | None, str | None]:
    if text is None:
        return None, None
    if (found := form.fullmatch(text)) is not None:
        return UUID(hex=found["item"]), found.groupdict().get("value")
    errors.setdefault("cursor", []).append(NO_CURSOR)
    return None, None


def _is_whole(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most


def moment(query: Query) -> Moment | None:
    """Return the moment that is asked for. Its fault is added to those of the query."""
    text = query.given.get(AS_OF)
    if text is None or AS_OF in query.errors:
        return None
    try:
        return moment_of(text)
    except NoMoment as fault:
        query.fault(AS_OF, str(fault))
        return None
