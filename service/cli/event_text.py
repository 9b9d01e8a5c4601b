"""An event told for people, and as JSON for scripts: what happened, who did it. Of a secret, its hint; never its hash."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from msgspec import UNSET, to_builtins

from events.access_token import AccessTokenRevoked
from events.api import ApiChanged, ApiDeleted, ApiEvent, ApiRegistered, ApiTerms
from events.audit_read import AuditRead
from events.bot import BotDeleted, BotDisabled, BotEnabled, BotEvent, BotRegistered, BotRestored
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
    ClientRestored,
    Login,
)
from events.client_apis import Apis, ClientApisChanged
from events.client_document import ClientDocumentSeen
from events.client_key import ClientKeyAdded, ClientKeyExpirySet, ClientKeyRevoked
from events.client_registration import About, ClientAboutChanged
from events.client_secret import (
    ClientSecretAdded,
    ClientSecretExpirySet,
    ClientSecretRehashed,
    ClientSecretRevoked,
    StoredSecret,
)
from events.client_security import USUAL_SECURITY, ClientSecurityChanged, Security
from events.codec import Event, Recorded
from events.envelope import Actor, ByClient, ByOperator, ByService, ByUser, Meta, SealedReason
from events.exchange import TokenExchanged
from events.initial_access_token import InitialAccessTokenEvent
from events.refusal import (
    AuthorizationRefused,
    ClientAuthenticationRefused,
    RefusalEvent,
    RefusalsLeftOut,
    RequestNotPermitted,
    RequestsThrottled,
    UserCodeRefused,
)
from events.retention import TokensDropped
from events.revocation import RevocationOrdered
from events.signing_key import SigningKeyActivated, SigningKeyEvent, SigningKeyPublished, SigningKeyRetired
from events.trusted_issuer import TrustedIssuerEvent
from service.audit.event_fields import fields, subject
from service.cli import initial_token_text, key_text, part_text, people, trust_text
from service.cli.output import moment
from service.values.text import counted

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
        "trace_id": meta.trace_id,
        "cause": meta.cause,
        "address": meta.address,
        "reason": _reason(meta),
        "event": fields(past.event),
    }


def _reason(meta: Meta) -> str | dict[str, str] | None:
    return {"sealed_for": str(meta.reason.user_id)} if isinstance(meta.reason, SealedReason) else meta.reason


def why(meta: Meta) -> str:
    """The reason that was given for the event; "" if there is none."""
    match meta.reason:
        case None:
            return ""
        case SealedReason():
            return f"sealed with the data key of the user {meta.reason.user_id}"
        case str():
            return meta.reason


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


def what(event: Event, secrets: Secrets | None = None, keys: key_text.Keys | None = None) -> str:
    """The event in a sentence. `secrets` and `keys` are those that the client had before, for an event that names one by its id alone."""
    if isinstance(event, ClientEvent):
        return _client(event, secrets or {}, keys or {})
    if isinstance(event, TrustedIssuerEvent | TokenExchanged):
        return trust_text.what(event)
    if isinstance(event, InitialAccessTokenEvent):
        return initial_token_text.what(event)
    if isinstance(event, RefusalEvent):
        return _refusal(event)
    match event:
        case AccessTokenRevoked():
            return f"access token of {event.client_id} revoked; it would have expired {moment(event.expires_at)}"
        case BotRegistered() | BotDisabled() | BotEnabled() | BotDeleted() | BotRestored():
            return _bot(event)
        case ApiRegistered() | ApiChanged() | ApiDeleted():
            return _api(event)
        case SigningKeyPublished() | SigningKeyActivated() | SigningKeyRetired():
            return _signing_key(event)
        case AuditRead():
            return _read(event)
        case RevocationOrdered():
            return (
                f"the revocation of what follows from {event.kind} {event.id} since {moment(event.since)} was ordered"
            )
        case TokensDropped():
            return f"the records of the tokens of {event.day} were deleted: positions {event.first} to {event.last} of the issuance log"
        case _:
            return people.what(event)


def _refusal(event: RefusalEvent) -> str:
    match event:
        case AuthorizationRefused():
            return f"a request in the name of {event.client_id} was refused: {event.why}"
        case ClientAuthenticationRefused():
            return f"client authentication of {event.client_id or 'an unknown client'} was refused: {event.why.replace('_', ' ')}"
        case RequestNotPermitted():
            return f"{event.request} of {event.client_id} was refused: {event.why}"
        case RefusalsLeftOut():
            counts = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in event.counts.items())
            return f"more requests were refused since {moment(event.since)} than are recorded one by one: {counts}"
        case UserCodeRefused():
            return f"a code of no device was typed: {event.why.replace('_', ' ')}"
        case RequestsThrottled():
            return f"more than {event.limit} requests in a minute by {event.client_id or 'an unauthenticated caller'}"


def _read(event: AuditRead) -> str:
    rows = "" if event.found is None else f": {counted(event.found, 'row')}"
    filters = "various filters" if event.various else _all(event.filters)
    if event.since is None:
        return f"{event.path} was read, with {filters}{rows}"
    again = counted(event.reads, "more time") if event.reads else "as a stream, which ended"
    return f"{event.path} was read {again} since {moment(event.since)}, with {filters}{rows}"


def _client(event: ClientEvent, secrets: Secrets, keys: key_text.Keys) -> str:
    match event:
        case ClientKeyAdded() | ClientKeyRevoked() | ClientKeyExpirySet():
            return key_text.what(event, keys)
        case ClientRegistered():
            return _registered(event)
        case ClientDisplayNameChanged():
            return f"name changed from {_name(event.was)} to {_name(event.display_name)}"
        case ClientRedirectUrisChanged():
            return f"redirect URIs changed from {_all(event.was)} to {_all(event.redirect_uris)}"
        case ClientLoginChanged():
            return f"terms of logging in changed from {changed_terms(event.was)} to {changed_terms(event.login)}"
        case ClientAccessTokenAlgChanged():
            return f"access tokens signed with {_alg(event.access_token_alg)}, no longer {_alg(event.was)}"
        case ClientDocumentSeen():
            return _document(event)
        case ClientSecretAdded() | ClientSecretRevoked() | ClientSecretRehashed() | ClientSecretExpirySet():
            return _of_a_secret(event, secrets)
        case ClientDisabled():
            return _disabled(event.by)
        case ClientEnabled():
            return "enabled"
        case ClientDeleted():
            return "deleted"
        case ClientRestored():
            return f"{_restored(event)}; scopes {_all(event.scopes)}; {', '.join(map(_secret, event.secrets)) or 'no secret'}"
        case _:
            return _settings(event)


def _settings(event: ClientEvent) -> str:
    match event:
        case ClientSecurityChanged():
            return f"security settings changed from {changed_terms(event.was)} to {changed_terms(event.security)}"
        case ClientAboutChanged():
            return f"what it says about itself changed from {changed_terms(event.was)} to {changed_terms(event.about)}"
        case ClientApisChanged():
            return f"APIs changed from {apis_in_words(event.was)} to {apis_in_words(event.apis)}"
        case _:
            return _change(event)


def _of_a_secret(
    event: ClientSecretAdded | ClientSecretRevoked | ClientSecretRehashed | ClientSecretExpirySet, secrets: Secrets
) -> str:
    match event:
        case ClientSecretAdded():
            return f"{_secret(event.secret)} added"
        case ClientSecretRevoked():
            return f"{_named(event.secret_id, secrets)} revoked"
        case ClientSecretRehashed():
            return f"{_named(event.secret_id, secrets)} proved; its SHA-256 is kept from now on"
        case ClientSecretExpirySet():
            return f"{_named(event.secret_id, secrets)} expires at {moment(event.expires_at)}, no longer {moment(event.was) or 'never'}"


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
    itself = ""
    if event.registration:
        token = event.registration.initial_access_token
        itself = f", by itself{f' with the initial access token {token}' if token else ''}"
    return (
        f"registered for {event.owner}{itself}{f' as {event.client_id}' if event.client_id else ''}: {kind}; name {_name(event.display_name)}; scopes {_all(event.scopes)};"
        f" redirect URIs {_all(event.redirect_uris)}; {_authenticates(event)}"
    )


def _document(event: ClientDocumentSeen) -> str:
    now = f"metadata document {event.url} seen, SHA-256 {event.document.digest}"
    return now if event.was is None else f"{now}, no longer {event.was}; other members: {_all(event.changed)}"


def _authenticates(event: ClientRegistered) -> str:
    if event.public:
        return "a public client, without a secret"
    method = (event.security or USUAL_SECURITY).token_endpoint_auth_method
    given = [*([_secret(event.secret)] if event.secret else []), *map(key_text.key_text, event.keys or ())]
    return "; ".join([*([method] if method else []), *given])


def changed_terms(terms: Login | Security | About | ApiTerms) -> str:
    usual = ApiTerms(name="") if isinstance(terms, ApiTerms) else type(terms)()
    names = terms.__struct_fields__
    changed = (name for name in names if getattr(terms, name) != getattr(usual, name))
    return "; ".join(f"{name} {_term(getattr(terms, name))}" for name in changed) or "the usual ones"


def _alg(alg: str | None) -> str:
    return alg or "what MUNIMENT_ACCESS_TOKEN_ALG says"


def _term(value: object) -> str:
    if not isinstance(value, (tuple, list)):
        return str(value)
    parts = cast("Sequence[object]", value)
    return _all([part_text.what(part) for part in parts])


def apis_in_words(apis: Apis) -> str:
    if apis is None:
        return "any resource that is no registered API"
    return ", ".join(f"{api.identifier} ({_all(api.scopes)})" for api in apis) or "none"


def _api(event: ApiEvent) -> str:
    match event:
        case ApiRegistered():
            return f"the API {event.identifier} registered: {changed_terms(event.terms)}"
        case ApiChanged():
            return f"settings of the API changed from {changed_terms(event.was)} to {changed_terms(event.terms)}"
        case ApiDeleted():
            return f"the API {event.identifier} deleted"


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
        case BotRestored():
            return _restored(event)


def _restored(event: ClientRestored | BotRestored) -> str:
    state = f", and {_disabled(event.disabled_by)}" if event.disabled_by else ""
    return f"restored as it was at position {event.as_of}{state}"


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
