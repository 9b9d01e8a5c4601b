"""/api/v1/audit, as the API reference describes it."""

from service.endpoints.rehearsals import PATH as REHEARSALS
from service.endpoints.rehearsals import RehearsalRequest
from service.openapi.operation import Content, Example, Operation, ResponseSpec
from service.problems import Clash, NotJson, TooLarge
from service.rehearsal.report import Report
from service.values.scopes import AUDIT_READ

REHEARSED = {
    "since": "2026-02-01T00:00:00Z",
    "until": "2026-03-03T14:02:00Z",
    "tokens": 48211,
    "others": 17,
    "refused": [
        {
            "rule": "max_token_lifetime",
            "request": "token",
            "clientId": "oauth_client_0199f3a57c1e7d0a9b432f6f0d1c8e55",
            "displayName": "Production CRM Integration",
            "owner": "alice",
            "times": 312,
            "first": "2026-02-01T00:03:12Z",
            "last": "2026-03-03T14:01:58Z",
            "lastPosition": 48209,
        }
    ],
}

AUDIT = (
    Operation(
        method="post",
        path=REHEARSALS,
        operation_id="rehearsePolicy",
        summary="Rehearse a policy",
        tag="Audit",
        description="Says which recorded requests a stricter policy would have refused: whose, how often, and when last. It replays the "
        "issued tokens, the codes, the registrations and the changes of clients, and changes nothing. A rehearsal takes about 5 s for a "
        "million tokens, which is the most that one request replays; `muniment policy rehearse` has no limit.",
        scope=AUDIT_READ,
        request=Content(
            shape=RehearsalRequest,
            examples={
                "rehearsal": Example(
                    summary="Shorter tokens, and PKCE for everybody",
                    value={"requirePkce": True, "maxTokenLifetime": 900},
                )
            },
        ),
        answers=(ResponseSpec(description="What would have been refused.", shape=Report, example=REHEARSED),),
        refusals=(Clash, TooLarge, NotJson),
    ),
)
