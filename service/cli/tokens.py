"""muniment tokens: those that were issued, and why one exists, with the proof of it."""

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from msgspec import json, to_builtins

from events.database import Connection
from events.transparency.quorum import Quorum
from service.audit.event_json import AuditEvent
from service.cli import issued
from service.cli.issued import Jti, jti_of
from service.cli.opening import Plainly, ask, ask_at, open_database, url_of
from service.cli.output import Json, document, lines, moment, note, say
from service.cli.transparency import warn_of_quorum
from service.provenance import sources
from service.provenance.answer import Provenance
from service.provenance.explanation import explain

if TYPE_CHECKING:
    from service.provenance.proof import ProvenanceBundle

PATIENCE_SECONDS, PAUSE_SECONDS = 5.0, 0.1

app = typer.Typer()

Proof = Annotated[bool, typer.Option("--proof", help="Write the answer with its proofs, for muniment-verify.")]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="With --proof, write to this file.", show_default=False),
]


app.command("list")(issued.list_tokens)
app.command("show")(issued.show)
app.command("revoke")(issued.revoke)


@app.command()
def why(jti: Jti, *, proof: Proof = False, output: Output = None, as_json: Json = False) -> None:
    """Show why a token exists: which secret, client, bot, key and login it relies on, and who gave each of its scopes, and when.

    With --proof, the answer is a bundle of the format muniment-provenance-1: it has a proof of each event, which muniment-verify
    verifies with nothing but the log's key.

    Example: `muniment tokens why 0192f3a1-c5d8-7cc4-a1b2-c3d4e5f60718 --proof -o why.json`
    """
    if output is not None and not proof:
        raise Plainly("-o is for --proof")
    wanted = jti_of(jti)
    if proof:
        with open_database() as settings:
            bundle, has_quorum = ask_at(
                url_of(settings), lambda connection: _proved(connection, wanted, settings.quorum)
            )
        _write(bundle, output)
        warn_of_quorum(has_quorum)
        return
    answer = explain(ask(lambda connection: _stored(connection, wanted)).sources)
    if as_json:
        document(answer)
    else:
        _tell(answer)


async def _stored(connection: Connection, jti: UUID) -> sources.Stored:
    found = await sources.read(connection, jti)
    if found is None:
        raise Plainly(f"No token {jti} was issued here, or its record is older than issued tokens are kept.")
    return found


async def _proved(connection: Connection, jti: UUID, quorum: Quorum) -> "tuple[ProvenanceBundle, bool | None]":
    from service.provenance.proof import prove  # noqa: PLC0415
    from service.transparency.proofs import NotYet  # noqa: PLC0415

    found, until = await _stored(connection, jti), time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await prove(connection, found, quorum)
        except NotYet as fault:
            if time.monotonic() > until:
                raise Plainly(str(fault)) from fault
        await asyncio.sleep(PAUSE_SECONDS)


def _write(bundle: "ProvenanceBundle", output: Path | None) -> None:
    text = json.format(json.encode(bundle), indent=2)
    if output is None:
        sys.stdout.buffer.write(text + b"\n")
        return
    try:
        output.write_bytes(text + b"\n")
    except OSError as fault:
        raise Plainly(f"{output}: {fault.strerror}") from fault
    note(f"{len(bundle.entries)} entries with their proofs are in {output}")


def _tell(answer: Provenance) -> None:
    token, client, secret, login = answer.token, answer.client, answer.secret, answer.login
    say(f"token {token.jti} of {client.client_id}, for {token.sub}")
    facts = [
        ("issued", f"{moment(token.issued_at)}, position {token.position} of the issuance log"),
        ("expires", moment(token.expires_at)),
        ("client", f"version {client.version}, {_event(client.last_change)}"),
        ("registered", _event(client.registered)),
    ]
    if secret:
        facts.append((f"secret {secret.hint}", _event(secret.added)))
    facts += _other_keys(answer)
    facts += [(f"bot {each.type}", _event(each)) for each in (answer.bot.events if answer.bot else ())]
    facts += [(f"scope {scope.scope}", _event(each)) for scope in answer.scopes for each in scope.given]
    facts += [(each.type, _event(each)) for each in answer.signing_key.events]
    if login:
        facts += [(each.type, _event(each)) for each in (*login.authenticated, login.granted)]
        facts += [(f"after {each.jti}", _event(each.exchanged)) for each in login.parents]
        facts += [("exchange", _event(login.exchanged))] if login.exchanged else []
    facts += [(f"stopped: {each.type}", _event(each)) for each in answer.stopped]
    lines(facts, indent="  ")


def _other_keys(answer: Provenance) -> list[tuple[str, str]]:
    """How the client authenticated, if not by a secret or a key that its events have."""
    facts: list[tuple[str, str]] = []
    if workload := answer.workload_identity:
        facts.append((f"workload {workload.issuer} {workload.subject}", _event(workload.added)))
    if key := answer.remote_key:
        where = f"key at {key.jwks_uri}" if key.jwks_uri else "certificate"
        facts.append((f"{where} {key.thumbprint}", _event(key.named)))
    return facts


def _event(event: AuditEvent) -> str:
    actor: dict[str, Any] = to_builtins(event.actor)
    by = actor.get("sub") or actor.get("user") or actor.get("userId") or f"Muniment ({actor.get('why')})"
    reason = f" ({event.reason})" if isinstance(event.reason, str) else ""
    return f"{moment(event.recorded_at)} by {by}, position {event.position}{reason}"
