"""What the pages of one API (a resource server) have in common: the API, its forms, and the texts in which they have lists."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.responses import Response

from service.console.api import APIS
from service.console.forms import number
from service.console.screen import ConsoleVisit, Crumb
from service.endpoints.api_grants import ApiGrant
from service.endpoints.api_schemas import Api

PATH = "/apis/{api_id}"
"""`Tab.of` of the pages of an API."""

ANY = "*"
LIFETIME_DIGITS = 8


class Subject(Struct, frozen=True, kw_only=True):
    """The API of this page, and its ETag."""

    api: Api
    version: str


def path(visit: ConsoleVisit, *rest: str) -> str:
    """Return a path of the management API below the API of this page."""
    return "/".join((APIS, visit.param("api_id"), *rest))


async def read(visit: ConsoleVisit) -> Subject:
    """Raises Refused."""
    answer = await visit.api.get(path(visit))
    return Subject(api=answer.of(Api), version=answer.etag)


def page(visit: ConsoleVisit, subject: Subject, template: str, *, status: int = 200, **context: Any) -> Response:
    """Return a page about the API. Its template extends api_base.html."""
    title = context.pop("title", subject.api.name)
    crumbs = [Crumb(visit.gettext("APIs"), "/apis")]
    return visit.page(
        template, title=title, crumbs=crumbs, status=status, api=subject.api, version=subject.version, **context
    )


def values(api: Api) -> Mapping[str, str]:
    """Return the fields of the form."""
    return {
        "name": api.name,
        "scopes": scopes_as_text(api),
        "accessTokenSignedResponseAlg": api.access_token_signed_response_alg or "",
        "accessTokenLifetime": str(api.access_token_lifetime or ""),
        "dpopRequired": "yes" if api.dpop_required else "",
        "mtlsRequired": "yes" if api.mtls_required else "",
        "accessTokenClaims": " ".join(api.access_token_claims),
        "introspectors": "\n".join(api.introspectors),
        "anyClient": "yes" if api.any_client else "",
    }


def body(form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the request of a form."""
    seconds = form.get("accessTokenLifetime", "").strip()
    return {
        "name": form.get("name", "").strip(),
        "scopes": scopes_of(form.get("scopes", "")),
        "accessTokenSignedResponseAlg": form.get("accessTokenSignedResponseAlg") or None,
        "accessTokenLifetime": number(seconds, LIFETIME_DIGITS) if seconds else None,
        "dpopRequired": form.get("dpopRequired") == "yes",
        "mtlsRequired": form.get("mtlsRequired") == "yes",
        "accessTokenClaims": form.get("accessTokenClaims", "").split(),
        "introspectors": form.get("introspectors", "").split(),
        "anyClient": form.get("anyClient") == "yes",
    }


def scopes_as_text(api: Api) -> str:
    """Return a line for each scope and language: the scope, the language and the words."""
    lines = [
        f"{scope} {language} {said}"
        for scope, words in api.scopes.items()
        for language, said in (words or {"": ""}).items()
    ]
    return "\n".join(line.strip() for line in lines)


def scopes_of(text: str) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        scope, language, words = (*line.split(maxsplit=2), "", "")[:3]
        found.setdefault(scope, {}).update({language: words} if language else {})
    return found


def grants_as_text(apis: list[ApiGrant] | None) -> str:
    """Return a line for each API that a client is granted: its identifier and the scopes."""
    return ANY if apis is None else "\n".join(" ".join((api.identifier, *api.scopes)) for api in apis)


def grants_of(text: str) -> list[Mapping[str, Any]] | None:
    if text.strip() == ANY:
        return None
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return [{"identifier": identifier, "scopes": scopes} for identifier, *scopes in lines]
