"""/api/v1/audit/blast-radius, as the API reference describes it."""

from service.blast_radius.report import BlastRadius
from service.endpoints.blast_radius import CURSOR, KINDS, PATH
from service.openapi.audit_feed import SINCE
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.openapi.parts import LIMIT
from service.problems import NotFound
from service.values.scopes import AUDIT_READ

SECRET = {"kind": "secret", "id": "0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e02"}
TOKEN = {"kind": "token", "id": "0199f3a5-9000-7d0a-9b43-2f6f0d1c8e99"}
SHOWN = {
    "origin": SECRET,
    "since": "2026-11-27T09:00:00Z",
    "position": 4711,
    "counts": {"token": 1, "change": 1, "client": 1},
    "complete": True,
    "affected": [
        {**TOKEN, "at": "2026-11-27T09:31:00Z", "via": SECRET, "type": None},
        {
            "kind": "change",
            "id": "4702",
            "at": "2026-11-27T09:32:00Z",
            "via": {"kind": "client", "id": "oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55"},
            "type": "client.registered",
        },
        {
            "kind": "client",
            "id": "oauth_client_0199f3a58c1e7d0a9b432f6f0d1c8e56",
            "at": "2026-11-27T09:32:00Z",
            "via": {"kind": "change", "id": "4702"},
            "type": None,
        },
    ],
}


def _text(name: str, description: str, **more: object) -> Parameter:
    return Parameter(name=name, place="query", description=description, schema={"type": "string", **more})


BLAST_RADIUS = (
    Operation(
        method="get",
        path=PATH,
        operation_id="readBlastRadius",
        summary="Show what follows from a compromise",
        tag="Audit",
        description="Every token, change, client, secret, session and authorization that follows from one thing since a time: the tokens "
        "of a secret, what their client did from the first of them on, the clients that it registered, their tokens, and so on. "
        "`counts` has all, by kind; `affected` is a page, in the order of time. Of a trusted issuer, "
        "the authorizations by its assertions and the workload identities of clients that trusted it follow, and each `agent`: a client and "
        "the `sub` that it acted for. The log has who made a request, but not with which of "
        "their tokens. `Muniment-Position` says how far in the log the answer reaches.",
        scope=AUDIT_READ,
        parameters=(
            Parameter(
                name="id",
                place="query",
                description="A client, secret, bot, user, session or authorization, a trusted issuer (its id or its identifier), a `kid`, or `actor:NAME` for "
                "an operator or a `sub`.",
                schema={"type": "string", "minLength": 1},
                required=True,
                example=SECRET["id"],
            ),
            _text(
                "client_key",
                "If `id` is a client: begin with this key of the client. A `kid` or thumbprint, that of a key at `jwksUri` or of a certificate "
                "(SHA-256, in base64url or hexadecimal), or the subject of a workload identity, also after its issuer and a space.",
                minLength=1,
            ),
            SINCE,
            _text("kind", f"List only these kinds, separated by commas: {', '.join(KINDS)}."),
            Parameter(name=LIMIT.name, place="query", description="List at most this many.", schema=LIMIT.schema),
            _text(
                "cursor",
                "Where the next page begins. Follow the `Link` header instead of building this.",
                pattern=CURSOR,
            ),
        ),
        answers=(
            ResponseSpec(
                description="What follows.", shape=BlastRadius, headers=("Link", "Muniment-Position"), example=SHOWN
            ),
        ),
        refusals=(NotFound,),
    ),
)
