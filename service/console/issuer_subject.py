"""What the pages of one trusted issuer have in common: the issuer, and the fields of its forms."""

from collections.abc import Mapping
from typing import Any, get_args

from msgspec import Struct, json
from starlette.responses import Response

from events.trusted_issuer import Purpose
from service.console.language import N_
from service.console.screen import ConsoleVisit, Crumb
from service.endpoints import trusted_issuers
from service.endpoints.trusted_issuer_schemas import USUAL_ALGORITHMS, Algorithm, TrustedIssuer
from service.values.strict_json import NotAnObject, strict_object

PATH = "/trusted-issuers/{issuer_id}"
"""`Tab.of` of the pages of a trusted issuer."""

TITLE = N_("Trusted issuers")
ALGORITHMS: tuple[str, ...] = get_args(Algorithm)

PURPOSES: Mapping[Purpose, str] = {
    "workload": N_("Authenticate clients (workload identity)"),
    "id_jag": N_("Assert users (ID-JAG)"),
    "software_statement": N_("Vouch for software that registers itself"),
    "subject_token": N_("Be exchanged for tokens of this server"),
}
"""What tokens of an issuer can do here."""

USUAL: Mapping[str, str] = {f"algorithms.{algorithm}": "yes" for algorithm in USUAL_ALGORITHMS}


class Subject(Struct, frozen=True, kw_only=True):
    """The issuer of this page, and its ETag."""

    issuer: TrustedIssuer
    version: str


def path(visit: ConsoleVisit, *rest: str) -> str:
    """Return a path of the management API below the issuer of this page."""
    return "/".join((trusted_issuers.PATH, visit.param("issuer_id"), *rest))


async def read(visit: ConsoleVisit) -> Subject:
    """Raises Refused."""
    answer = await visit.api.get(path(visit))
    return Subject(issuer=answer.of(TrustedIssuer), version=answer.etag)


def page(visit: ConsoleVisit, subject: Subject, template: str, *, status: int = 200, **context: Any) -> Response:
    """Return a page about the issuer. Its template extends issuer_base.html."""
    title = context.pop("title", subject.issuer.name)
    crumbs = crumbs_of(visit)
    return visit.page(
        template, title=title, crumbs=crumbs, status=status, issuer=subject.issuer, version=subject.version, **context
    )


def crumbs_of(visit: ConsoleVisit) -> list[Crumb]:
    return [Crumb(visit.gettext(TITLE), "/trusted-issuers")]


def choices(visit: ConsoleVisit) -> Mapping[str, Any]:
    """Return what the fields of a form can be."""
    purposes = [(name, visit.gettext(words)) for name, words in PURPOSES.items()]
    return {"purposes": purposes, "algorithms": [(name, name) for name in ALGORITHMS]}


def values(issuer: TrustedIssuer) -> Mapping[str, str]:
    """Return the fields of the form."""
    jwks = "" if issuer.jwks is None else json.format(json.encode(issuer.jwks)).decode()
    return {
        "name": issuer.name,
        **{f"purposes.{name}": "yes" for name in issuer.purposes},
        **{f"algorithms.{name}": "yes" for name in issuer.algorithms},
        "jwksUri": issuer.jwks_uri or "",
        "jwks": jwks,
        "audiences": "\n".join(issuer.audiences),
        "provisions": "yes" if issuer.provisions else "",
    }


def body(form: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the request of a form."""
    return {
        "name": form.get("name", "").strip(),
        "purposes": _ticked(form, "purposes", PURPOSES),
        "algorithms": _ticked(form, "algorithms", ALGORITHMS),
        "jwksUri": form.get("jwksUri", "").strip() or None,
        "jwks": _keys(form.get("jwks", "").strip()),
        "audiences": form.get("audiences", "").split(),
        "provisions": form.get("provisions") == "yes",
    }


def _ticked(form: Mapping[str, str], field: str, names: Mapping[Any, str] | tuple[str, ...]) -> list[str]:
    return [name for name in names if form.get(f"{field}.{name}") == "yes"]


def _keys(text: str) -> object:
    """Return the key set. What is none is for the API to refuse."""
    if not text:
        return None
    try:
        return strict_object(text.encode())
    except NotAnObject:
        return text
