"""/api/v1/audit/revocations, as the API reference describes it."""

from service.endpoints.revocations import NEEDED, PATH, RevokeTreeRequest
from service.openapi.blast_radius import SECRET
from service.openapi.operation import Content, Example, Operation, ResponseSpec
from service.problems import Clash, NotFound, NotJson, TooLarge
from service.revocation.receipt import RevocationReceipt
from service.values.scopes import OPERATE

ID, SINCE = SECRET["id"], "2026-11-27T09:00:00Z"
SHOWN = {
    "origin": SECRET,
    "since": SINCE,
    "dryRun": False,
    "position": 4719,
    "complete": True,
    "follows": {"token": 3, "change": 2, "client": 1, "secret": 1},
    "revoked": {"secret": 2, "client": 1, "token": 2},
    "unchanged": {"token": 1},
    "firstPosition": 4714,
    "lastPosition": 4719,
    "tokensValidUntil": "2026-11-27T10:31:00Z",
    "checkpoint": "https://auth.example.com\n4719\nqINS…\nchain 5d41…\n\n— https://auth.example.com Az3…\n",
    "notes": ["Clients, bots and users are disabled, and can be enabled again by an operator."],
}

REVOCATIONS = (
    Operation(
        method="post",
        path=PATH,
        operation_id="revokeTree",
        summary="Revoke what follows from a compromise",
        tag="Audit",
        description="Stops everything that `readBlastRadius` finds, and nothing else: it revokes secrets, authorizations and tokens, "
        "ends sessions, and disables clients, bots, users and trusted issuers (an operator can enable them again). Then it looks for what followed in "
        "the meantime, until there is nothing left. Changes are not undone. `dryRun` is required: with `true`, nothing changes, and the "
        "answer is what would be. The first event, `revocation.ordered`, has the order and the reason, and is the cause of all others. "
        "Repeating a request is safe: it does what is still to do. A request that was accepted just before may still be carried out, so "
        f"repeat it after a minute. Requires the scopes {', '.join(f'`{scope}`' for scope in sorted(NEEDED))}, too.",
        scope=OPERATE,
        request=Content(
            shape=RevokeTreeRequest,
            examples={
                "preview": Example(
                    summary="Only say what would be revoked", value={"id": ID, "since": SINCE, "dryRun": True}
                ),
                "revoke": Example(summary="Revoke it", value={"id": ID, "since": SINCE, "dryRun": False}),
            },
        ),
        answers=(
            ResponseSpec(
                description="The receipt, or the preview.",
                shape=RevocationReceipt,
                headers=("Muniment-Position",),
                example=SHOWN,
            ),
        ),
        refusals=(NotFound, Clash, TooLarge, NotJson),
    ),
)
