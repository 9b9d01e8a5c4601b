"""Restoring a client or bot, as the API reference describes it."""

from service.endpoints.restoration import RestoreBotRequest, RestoreClientRequest, RestoredBot, RestoredClient
from service.openapi import bots, clients
from service.openapi.operation import Content, Example, Operation, ResponseSpec
from service.openapi.parts import IF_MATCH
from service.problems import Clash, NotFound, NotJson, Stale, TooLarge
from service.use_cases.restoration import CLIENTS, NEW_LIFE
from service.values.scopes import BOTS_WRITE, CLIENTS_WRITE

WHEN = "2026-03-03T14:02:00Z"
PREVIEW = Example(summary="Only say what would change", value={"asOf": WHEN, "dryRun": True})
DONE = {"asOf": "position:17", "dryRun": False}
RULES = (
    "You can restore only scopes that you can grant; only an operator (scope `operate`) can restore what an operator deleted. "
    "`changes` has each field before and after, and `notRestored` says what does not come back. With `dryRun`, nothing changes."
)

RESTORATIONS = (
    Operation(
        method="post",
        path=f"{clients.ONE}/restore",
        operation_id="restoreOAuthClient",
        summary="Restore an OAuth client",
        tag="Clients",
        description="Gives a client the settings and the state that it had at a moment of the past. A deleted client comes back under "
        f"its own id, with a new secret, or with `keepSecrets` those that nobody revoked. {NEW_LIFE} {RULES}",
        scope=CLIENTS_WRITE,
        parameters=(clients.CLIENT_ID, IF_MATCH),
        request=Content(
            shape=RestoreClientRequest,
            examples={
                "preview": PREVIEW,
                "kept": Example(summary="With its former secrets", value={"asOf": WHEN, "keepSecrets": True}),
            },
        ),
        answers=(
            ResponseSpec(
                description="What was restored.",
                shape=RestoredClient,
                headers=("Muniment-Position",),
                example={
                    **DONE,
                    "changes": {"displayName": {"before": "Test", "after": "Production CRM Integration"}},
                    "notRestored": [],
                    "clientSecret": None,
                },
            ),
        ),
        refusals=(NotFound, Clash, Stale, TooLarge, NotJson),
    ),
    Operation(
        method="post",
        path=f"{bots.ONE}/restore",
        operation_id="restoreBot",
        summary="Restore a bot",
        tag="Bots",
        description=f"Gives a bot the state that it had at a moment of the past. A deleted bot comes back under its own id. {CLIENTS} {RULES}",
        scope=BOTS_WRITE,
        parameters=(bots.BOT_ID, IF_MATCH),
        request=Content(shape=RestoreBotRequest, examples={"preview": PREVIEW}),
        answers=(
            ResponseSpec(
                description="What was restored.",
                shape=RestoredBot,
                headers=("Muniment-Position",),
                example={
                    **DONE,
                    "changes": {"state": {"before": "deleted", "after": "active"}},
                    "notRestored": [CLIENTS],
                },
            ),
        ),
        refusals=(NotFound, Clash, Stale, TooLarge, NotJson),
    ),
)
