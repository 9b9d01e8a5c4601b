"""The OpenAPI 3.1 document, made from the tables of operations and from the structs of requests and responses."""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msgspec import json

from service.openapi.about import ABOUT
from service.openapi.apis import APIS
from service.openapi.audit import AUDIT
from service.openapi.audit_feed import FEED
from service.openapi.blast_radius import BLAST_RADIUS
from service.openapi.bots import BOTS
from service.openapi.client_keys import CLIENT_KEYS
from service.openapi.clients import CLIENTS
from service.openapi.credentials import CREDENTIALS
from service.openapi.devices import DEVICES
from service.openapi.grants import GRANTS
from service.openapi.history import HISTORY
from service.openapi.initial_access_tokens import INITIAL_ACCESS_TOKENS
from service.openapi.login import LOGIN
from service.openapi.oauth import OAUTH
from service.openapi.operation import Content, Operation, Parameter, ResponseSpec
from service.openapi.parts import EVERY_CALL, HEADERS, MIN_POSITION, RATE_LIMIT, REASON, REFUSALS
from service.openapi.projections import PROJECTIONS
from service.openapi.provenance import PROVENANCE
from service.openapi.pushed import PUSHED
from service.openapi.restoration import RESTORATIONS
from service.openapi.revocations import REVOCATIONS
from service.openapi.schemas import Shapes, several
from service.openapi.secrets import SECRETS
from service.openapi.self_registration import SELF_REGISTRATION
from service.openapi.transparency import TRANSPARENCY
from service.openapi.trusted_issuers import TRUSTED_ISSUERS
from service.openapi.usage import USAGE
from service.openapi.user_access import USER_ACCESS
from service.openapi.users import USERS
from service.problems import Body, Problem
from service.values import scopes

INTRODUCTION = (Path(__file__).parent / "texts" / "introduction.md").read_text(encoding="utf-8")
OPERATIONS: tuple[Operation, ...] = (
    *(
        *CLIENTS,
        *SECRETS,
        *APIS,
        *BOTS,
        *CLIENT_KEYS,
        *RESTORATIONS,
        *USERS,
        *USER_ACCESS,
        *HISTORY,
        *GRANTS,
        *TRUSTED_ISSUERS,
    ),
    *(*FEED, *PROVENANCE, *BLAST_RADIUS, *REVOCATIONS, *CREDENTIALS, *AUDIT, *TRANSPARENCY),
    *(*USAGE, *PROJECTIONS, *OAUTH, *SELF_REGISTRATION, *INITIAL_ACCESS_TOKENS, *PUSHED, *DEVICES, *LOGIN, *ABOUT),
)
TAGS = {
    "Clients": "Programs that get tokens.",
    "Secrets": "A client authenticates with a secret. It can have several at once, so that a rotation causes no outage.",
    "APIs": "What tokens can be for (resource servers, RFC 8707), each with its own scopes.",
    "Bots": "The subjects that machine clients act as.",
    "Users": "Users who can sign in.",
    "Trusted issuers": "Other servers whose signed tokens are accepted.",
    "Audit": "What happened, and what would have happened.",
    "Grants": "What users allowed which clients, and the keys that sign what is issued from it.",
    "Tokens": "Get, introspect and revoke tokens.",
    "Initial access tokens": "The tokens with which clients register themselves.",
    "Registration": "Clients register themselves, if the operator lets them.",
    "Login": "Sign users in and out. Client libraries find these endpoints in the metadata.",
    "Transparency": "Signed checkpoints of the logs, and proofs that nothing in them was changed.",
    "Discovery": "Metadata for client libraries and resource servers.",
    "Service": "The service itself.",
}
SCOPES = {
    scopes.CLIENTS_WRITE: "Register, change, disable and delete clients",
    scopes.CLIENTS_READ: "Read clients",
    scopes.BOTS_WRITE: "Create, disable and delete bots",
    scopes.BOTS_READ: "Read bots",
    scopes.USERS_WRITE: "Create, change, disable and erase users",
    scopes.USERS_READ: "Read users",
    scopes.AUDIT_READ: "Read the audit log, and the clients and bots of every owner",
    scopes.OPERATE: "See and change the clients and bots of every owner",
    scopes.API_PUBLIC: "The API of the product",
}
PROBLEM_JSON = "application/problem+json"


@cache
def encoded(issuer: str) -> tuple[bytes, str]:
    """The document and its ETag."""
    body = json.encode(document(issuer))
    return body, f'"{sha256(body).hexdigest()[:16]}"'


def document(issuer: str) -> dict[str, Any]:
    shapes = Shapes(_asked(), _answered())
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Muniment", "version": version("muniment"), "description": INTRODUCTION},
        "servers": [{"url": issuer}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "responses": {kind.__name__: _refusal(kind, shapes) for kind in REFUSALS},
            "headers": {name: {"description": h.description, "schema": h.schema} for name, h in HEADERS.items()},
            "securitySchemes": _security_schemes(issuer),
        },
    }


def _asked() -> Iterable[Any]:
    for operation in OPERATIONS:
        if operation.request is not None:
            yield from several(operation.request.shape)


def _answered() -> Iterable[Any]:
    yield Body
    for operation in OPERATIONS:
        for answer in operation.answers:
            yield from several(answer.shape)


def _operation(operation: Operation, shapes: Shapes) -> dict[str, Any]:
    managed = operation.scope is not None
    parameters = (*operation.parameters, *_of_every_call(operation)) if managed else operation.parameters
    refusals = (*EVERY_CALL, *operation.refusals) if managed else operation.refusals
    answers = {str(answer.status): _answer(answer, shapes, managed=managed) for answer in operation.answers}
    answers |= {str(kind.status): {"$ref": f"#/components/responses/{kind.__name__}"} for kind in refusals}
    described: dict[str, Any] = {
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [operation.tag],
        "security": _security(operation),
        "parameters": [_parameter(parameter) for parameter in parameters],
        "responses": dict(sorted(answers.items())),
    }
    if operation.request is not None:
        described["requestBody"] = _request(operation.request, shapes)
    if not operation.for_people:
        described["x-scalar-ignore"] = True
    return described


def _of_every_call(operation: Operation) -> tuple[Parameter, ...]:
    changes = operation.method != "get" and operation.scope != scopes.AUDIT_READ
    return (REASON, MIN_POSITION) if changes else (MIN_POSITION,)


def _description(operation: Operation) -> str:
    needed = f"Scope: `{operation.scope}`" if operation.scope else ""
    return "\n\n".join(filter(None, (operation.description.rstrip(), needed)))


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """Return the security schemes. The empty one is for credentials in the body, and is first because the examples send them there."""
    if operation.scope is not None:
        return [{"bearer": [operation.scope]}, {"clientCredentials": [operation.scope]}]
    if operation.bearer:
        return [{"bearer": []}]
    return [{}, {"basic": []}] if operation.proves_client else []


def _security_schemes(issuer: str) -> dict[str, Any]:
    return {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of this server with the scope of the operation. One that is bound to a key is sent as `DPoP` instead of "
            "`Bearer`, with a proof in the header `DPoP` (RFC 9449 section 7).",
        },
        "clientCredentials": {
            "type": "oauth2",
            "description": "Gets this token with a client's id and secret.",
            "flows": {"clientCredentials": {"tokenUrl": f"{issuer}/openid/token", "scopes": SCOPES}},
        },
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "A client's id and secret, each percent-encoded (RFC 6749 section 2.3.1).",
        },
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required or parameter.place == "path",
        "schema": parameter.schema,
    }
    return described if parameter.example is None else {**described, "example": parameter.example}


def _request(content: Content, shapes: Shapes) -> dict[str, Any]:
    examples = {name: {"summary": e.summary, "value": e.value} for name, e in content.examples.items()}
    media = {"schema": shapes.of(content.shape), "examples": examples}
    described: dict[str, Any] = {"required": content.required, "content": {content.media: media}}
    return {"description": content.description, **described} if content.description else described


def _answer(answer: ResponseSpec, shapes: Shapes, *, managed: bool) -> dict[str, Any]:
    names = (*answer.headers, "X-Request-Id", *RATE_LIMIT) if managed else answer.headers
    described = _response(answer.description, names, answer.media, _media(answer, shapes))
    links = {name: {"operationId": name, "parameters": values} for name, values in answer.leads_to.items()}
    return {**described, "links": links} if links else described


def _media(answer: ResponseSpec, shapes: Shapes) -> dict[str, Any] | None:
    if answer.shape is None:
        return None
    media: dict[str, Any] = {"schema": shapes.of(answer.shape)}
    return media if answer.example is None else {**media, "example": answer.example}


def _refusal(kind: type[Problem], shapes: Shapes) -> dict[str, Any]:
    said = REFUSALS[kind]
    example: dict[str, Any] = {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": said.detail,
        "instance": "urn:uuid:0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e55",
    }
    example |= {"errors": said.errors} if said.errors else {}
    names = (*said.headers, "X-Request-Id", *RATE_LIMIT)
    return _response(
        said.meaning,
        names,
        PROBLEM_JSON,
        {"schema": shapes.of(Body), "example": example},
    )


def _response(description: str, names: Iterable[str], media: str, content: Mapping[str, Any] | None) -> dict[str, Any]:
    described: dict[str, Any] = {"description": description}
    if headers := {name: {"$ref": f"#/components/headers/{name}"} for name in names}:
        described["headers"] = headers
    return described if content is None else {**described, "content": {media: content}}
