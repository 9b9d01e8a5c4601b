"""An event told for people, and as JSON for scripts: what happened, who did it. Of a secret, its hint; never its hash."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from msgspec import UNSET, to_builtins

from events.access_token import AccessTokenRevoked
from events.bot import BotDeleted, BotDisabled, BotEnabled, BotEvent, BotRegistered
from events.client import (
    AuthorizationCode,
    By,
    ClientAccessTokenAlgChanged,
    ClientCredentials,
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientEvent,
    ClientLoginChanged,
    ClientRedirectUrisChanged,
    ClientRegistered,
    Login,
)
from events.client_secret import ClientSecretAdded, ClientSecretRehashed, ClientSecretRevoked, StoredSecret
from events.codec import Event, Recorded
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser
from events.ids import bot_id_of, client_id_of
from events.refusal import AuthorizationRefused, ClientAuthenticationRefused, RequestsThrottled
from events.signing_key import SigningKeyActivated, SigningKeyEvent, SigningKeyPublished, SigningKeyRetired
from service.cli import people
from service.cli.output import moment

SECRETIVE = frozenset({"hash", "imported", "token_hash", "code_challenge", "profile", "password", "kept", "device"})
"""Hashes of secrets, and what is sealed."""

Secrets = Mapping[UUID, StoredSecret]


def as_json(past: Recorded) -> dict[str, Any]:
    """The event, its place and its envelope, in the words that are stored."""
    meta = past.meta
    return {
        "position": past.position,
        "recorded_at": past.recorded_at,
        "stream_id": past.stream_id,
        "subject": subject(past),
        "version": past.version,
        "type": past.type,
        "actor": to_builtins(meta.actor),
        "request_id": meta.request_id,
        "cause": meta.cause,
        "address": meta.address,
        "event": fields(past.event),
    }


def subject(past: Recorded) -> str:
    """The public name of what the event happened to: a client_id, a bot's id, else the stream's (a jti is one)."""
    match past.type.partition(".")[0]:
        case "client":
            return client_id_of(past.stream_id)
        case "bot":
            return bot_id_of(past.stream_id)
        case _:
            return str(past.stream_id)


def fields(event: Event) -> dict[str, Any]:
    """The event's own fields, without its tag and without what is hashed or sealed."""
    told = _without(to_builtins(event), SECRETIVE)
    del told["type"]
    return told


def _without(value: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    nested = {k: _without(cast("dict[str, Any]", v), names) if isinstance(v, dict) else v for k, v in value.items()}
    return {k: v for k, v in nested.items() if k not in names}


def who(actor: Actor) -> str:
    match actor:
        case ByClient():
            return f"{actor.sub} (by {actor.client_id})"
        case ByUser():
            return f"user {actor.user_id}"
        case ByOperator():
            return f"{actor.user} (at the command line)"
        case ByService():
            return f"Muniment ({actor.why})"


def what(event: Event, secrets: Secrets | None = None) -> str:
    """The event in a sentence. `secrets` are those that the client had before, for an event that names one by its id alone."""
    if isinstance(event, ClientEvent):
        return _client(event, secrets or {})
    match event:
        case AccessTokenRevoked():
            return f"access token of {event.client_id} revoked; it would have expired {moment(event.expires_at)}"
        case BotRegistered() | BotDisabled() | BotEnabled() | BotDeleted():
            return _bot(event)
        case SigningKeyPublished() | SigningKeyActivated() | SigningKeyRetired():
            return _signing_key(event)
        case AuthorizationRefused():
            return f"a request in the name of {event.client_id} was refused: {event.why}"
        case ClientAuthenticationRefused():
            return f"client authentication of {event.client_id or 'an unknown client'} was refused: {event.why.replace('_', ' ')}"
        case RequestsThrottled():
            return f"more than {event.limit} requests in a minute by {event.client_id or 'an unauthenticated caller'}"
        case _:
            return people.what(event)


def _client(event: ClientEvent, secrets: Secrets) -> str:
    match event:
        case ClientRegistered():
            return _registered(event)
        case ClientDisplayNameChanged():
            return f"name changed from {_name(event.was)} to {_name(event.display_name)}"
        case ClientRedirectUrisChanged():
            return f"redirect URIs changed from {_all(event.was)} to {_all(event.redirect_uris)}"
        case ClientLoginChanged():
            return f"terms of logging in changed from {_login(event.was)} to {_login(event.login)}"
        case ClientAccessTokenAlgChanged():
            return f"access tokens signed with {_alg(event.access_token_alg)}, no longer {_alg(event.was)}"
        case ClientSecretAdded():
            return f"{_secret(event.secret)} added"
        case ClientSecretRevoked():
            return f"{_named(event.secret_id, secrets)} revoked"
        case ClientSecretRehashed():
            return f"{_named(event.secret_id, secrets)} proved; its SHA-256 is kept from now on"
        case ClientDisabled():
            return _disabled(event.by)
        case ClientEnabled():
            return "enabled"
        case ClientDeleted():
            return "deleted"
        case _:
            return _change(event)


def _change(event: ClientEvent) -> str:
    """An event without a sentence of its own: the new value of each field, and the value before, if the event has it as `was`."""
    now = fields(event)
    was = now.pop("was", UNSET)
    before = "" if was is UNSET else f"changed from {_term(was)} to "
    return "; ".join(f"{name.replace('_', ' ')} {before}{_term(value)}" for name, value in now.items())


def _registered(event: ClientRegistered) -> str:
    match event.grant:
        case ClientCredentials(bot_user_id=bot):
            kind = f"a machine client that acts as {bot}"
        case AuthorizationCode(bot_user_id=bot):
            kind = "an interactive client" + (f" that acts as {bot}" if bot else "")
    return (
        f"registered for {event.owner}{f' as {event.client_id}' if event.client_id else ''}: {kind}; name {_name(event.display_name)}; scopes {_all(event.scopes)};"
        f" redirect URIs {_all(event.redirect_uris)}; {_secret(event.secret) if event.secret else 'a public client, without a secret'}"
    )


def _login(login: Login) -> str:
    usual, names = Login(), login.__struct_fields__
    changed = (name for name in names if getattr(login, name) != getattr(usual, name))
    return "; ".join(f"{name} {_term(getattr(login, name))}" for name in changed) or "the usual ones"


def _alg(alg: str | None) -> str:
    return alg or "what MUNIMENT_ACCESS_TOKEN_ALG says"


def _term(value: object) -> str:
    return _all(cast("Sequence[str]", value)) if isinstance(value, (tuple, list)) else str(value)


def _bot(event: BotEvent) -> str:
    match event:
        case BotRegistered():
            return f"registered for {event.owner}, with the address {event.email}"
        case BotDisabled():
            return _disabled(event.by)
        case BotEnabled():
            return "enabled"
        case BotDeleted():
            return "deleted"


def _disabled(by: By) -> str:
    return "disabled by an operator; only an operator can enable it" if by == "operator" else "disabled"


def _signing_key(event: SigningKeyEvent) -> str:
    match event:
        case SigningKeyPublished():
            return f"key {event.kid} ({event.alg}) published"
        case SigningKeyActivated():
            return "signs from here on"
        case SigningKeyRetired():
            return "no longer signs"


def _named(secret_id: UUID, secrets: Secrets) -> str:
    known = secrets.get(secret_id)
    return _secret(known) if known else f"secret {secret_id}"


def _secret(secret: StoredSecret) -> str:
    until = f", good until {moment(secret.expires_at)}" if secret.expires_at else ""
    return f'secret "{secret.name}" ({secret.hint}{until})'


def _name(name: str | None) -> str:
    return "none" if name is None else f'"{name}"'


def _all(values: Sequence[str]) -> str:
    return ", ".join(values) or "none"
