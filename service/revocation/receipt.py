"""The receipt of a revocation, or its preview: what follows, what of it was stopped, and by which positions of the log."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from service.blast_radius.report import Named


class RevocationReceipt(Struct, frozen=True, kw_only=True, rename="camel"):
    origin: Named
    since: Annotated[datetime, Meta(description="Since when it follows.")]
    dry_run: bool
    position: Annotated[int, Meta(description="How far in the log the set was computed.")]
    complete: Annotated[
        bool, Meta(description="Whether everything that follows was found and, without `dryRun`, stopped.")
    ]
    follows: Annotated[dict[str, int], Meta(description="How much follows, by kind: the `counts` of the blast radius.")]
    revoked: Annotated[
        dict[str, int], Meta(description="What was revoked, disabled or ended, by kind; with `dryRun`, what would be.")
    ]
    unchanged: Annotated[
        dict[str, int],
        Meta(
            description="What needed nothing: it was revoked, disabled, or had expired, or its authorization is revoked."
        ),
    ]
    first_position: Annotated[int | None, Meta(description="That of `revocation.ordered`, the cause of all others.")]
    last_position: Annotated[int | None, Meta(description="By this position, everything is recorded.")]
    tokens_valid_until: Annotated[
        datetime | None,
        Meta(description="Until then, a resource server that verifies tokens offline accepts the last of them."),
    ]
    checkpoint: Annotated[
        str | None, Meta(description="The signed checkpoint that covers `lastPosition`; null if there is none yet.")
    ]
    notes: Annotated[list[str], Meta(description="What else there is to know or to do, in sentences.")]


OWN_ACCOUNT = "Your own account is among them: you are signed out, and another operator has to enable you again."


def notes(receipt: RevocationReceipt, own: str | None, account: str = "") -> list[str]:
    """Return what else there is to know, in sentences. `own` is the caller's client, if it is among what is revoked.

    `account` says what becomes of the account of the person who orders it.
    """
    return [*_of_origin(receipt.origin), *([account] if account else []), *_of_set(receipt, own), *_of_end(receipt)]


def _of_origin(origin: Named) -> list[str]:
    match origin.kind:
        case "signingKey":
            return [f"The key {origin.id} still signs if it is the active one: rotate it (muniment keys rotate)."]
        case "actor":
            return [
                f"{origin.id} is a name in the log, which cannot be revoked itself: take its access away elsewhere."
            ]
        case _:
            return []


def _of_set(receipt: RevocationReceipt, own: str | None) -> list[str]:
    found: list[str] = []
    if own is not None:
        found.append(f"Your own client {own} is among them. It is revoked last.")
    if changes := receipt.follows.get("change"):
        found.append(f"Changes are not undone: {changes} followed. Restore clients and bots as they were before.")
    if {"client", "bot", "user"} & receipt.revoked.keys():
        found.append("Clients, bots and users are disabled, and can be enabled again by an operator.")
    if "issuer" in receipt.revoked:
        found.append("Trusted issuers are disabled: nothing of them is accepted until an operator enables them.")
    if receipt.tokens_valid_until is not None:
        found.append(
            f"A resource server that verifies tokens offline accepts the last of these until {receipt.tokens_valid_until:%Y-%m-%d %H:%M:%SZ}."
        )
    return found


def _of_end(receipt: RevocationReceipt) -> list[str]:
    found: list[str] = []
    if not receipt.complete:
        found.append(
            "More follows than was found: run it again, until it is complete. A later time of beginning has less."
        )
    if receipt.last_position is not None and receipt.checkpoint is None:
        found.append(
            f"No checkpoint covers position {receipt.last_position} yet: read /log/checkpoint later (muniment log checkpoint)."
        )
    return found
