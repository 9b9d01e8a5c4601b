"""/api/v1/audit/tokens/{jti}, as the API reference describes it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import convert, json

from service.audit.event_json import AuditEvent
from service.endpoints.provenance import PATH
from service.openapi.audit_feed import CLIENT, EVENT
from service.openapi.operation import Operation, Parameter, ResponseSpec
from service.problems import NotFound
from service.provenance.answer import BotThen, ClientThen, GivenScope, KeyThen, Provenance, SecretThen, Token
from service.provenance.proof import ProvenanceBundle
from service.values.scopes import AUDIT_READ

JTI = UUID("0199f3a5-9000-7d0a-9b43-2f6f0d1c8e99")
SECRET = UUID("0199f3a5-7c1e-7d0a-9b43-2f6f0d1c8e02")
REGISTERED = convert({**EVENT, "type": "client.registered", "data": {"owner": "alice"}}, AuditEvent)
ANSWER = Provenance(
    token=Token(
        position=48211,
        issued_at=datetime(2026, 11, 27, 9, 31, tzinfo=UTC),
        jti=JTI,
        client_id=CLIENT,
        secret_id=SECRET,
        sub="bot-abc123",
        scope="api:public",
        kid="key-1",
        expires_at=datetime(2026, 11, 27, 10, 31, tzinfo=UTC),
        address="192.0.2.7",
        authorization_id=None,
    ),
    client=ClientThen(
        client_id=CLIENT,
        version=1,
        owner="alice",
        display_name="Production CRM Integration",
        registered=REGISTERED,
        last_change=REGISTERED,
    ),
    secret=SecretThen(secret_id=SECRET, name="first", hint="…cret", added=REGISTERED, revoked=None),
    bot=BotThen(id="bot-abc123", events=[]),
    scopes=[GivenScope(scope="api:public", given=[REGISTERED])],
    signing_key=KeyThen(kid="key-1", events=[]),
    login=None,
    stopped=[],
)
SHOWN: dict[str, Any] = json.decode(json.encode(ANSWER))

PROVENANCE = (
    Operation(
        method="get",
        path=PATH,
        operation_id="explainToken",
        summary="Explain a token",
        tag="Audit",
        description="What the token relies on, each as an event with its position: the secret, the client's version, the bot, the giver "
        "of each scope, the signing key, and the user's session, consent and authorization. `stopped` has what made it inactive. With "
        "`proof=true`, the answer has a proof of inclusion for each event that it follows from; `muniment-verify` derives it from them offline.",
        scope=AUDIT_READ,
        parameters=(
            Parameter(
                name="jti",
                place="path",
                description="The `jti` claim of the token.",
                schema={"type": "string", "format": "uuid"},
                example=str(JTI),
            ),
            Parameter(
                name="proof",
                place="query",
                description="Whether the answer is a bundle of the format `muniment-provenance-1`, with its proofs.",
                schema={"type": "string", "enum": ["false", "true"], "default": "false"},
            ),
        ),
        answers=(
            ResponseSpec(
                description="Why there is the token.",
                shape=(Provenance, ProvenanceBundle),
                headers=("Muniment-Quorum",),
                example=SHOWN,
            ),
        ),
        refusals=(NotFound,),
    ),
)
