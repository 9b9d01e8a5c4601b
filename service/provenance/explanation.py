"""Explains a token by the events of its client, bot, key and login: a pure function of what the logs have."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from events.access_token import AccessTokenRevoked
from events.authorization import AuthorizationGranted, AuthorizationRevoked, CodeRedeemed, RefreshTokenRotated
from events.bot import BotDeleted, BotDisabled, BotEnabled, BotRestored
from events.client import (
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientRegistered,
    ClientRestored,
    ClientScopesChanged,
)
from events.client_apis import ClientApisChanged, GrantedApi
from events.client_key import ClientKeyRevoked, StoredKey
from events.client_secret import ClientSecretRevoked, StoredSecret
from events.codec import Event, Recorded
from events.consent import ConsentGiven, ConsentWithdrawn
from events.exchange import TokenExchanged
from events.ids import client_id_of
from events.secrets_given import keys_given, secrets_given
from events.session import SessionReauthenticated, SessionStarted
from events.trusted_issuer import TrustedIssuerDeleted, TrustedIssuerDisabled, TrustedIssuerEnabled
from events.user import UserRegistered
from projections.catch_up import Issuance
from service.audit.event_json import AuditEvent, audit_event
from service.provenance.answer import (
    AssertedBy,
    BotThen,
    ClientThen,
    Exchange,
    ExchangedFrom,
    GivenScope,
    KeyThen,
    Login,
    Provenance,
    SecretThen,
    Token,
)
from service.provenance.authentication import remote_key, workload_identity

Past = Sequence[Recorded]
Naming = ClientRegistered | ClientRestored | ClientDisplayNameChanged


class Sources(Struct, frozen=True, kw_only=True):
    """The record of a token, and the whole streams that it relies on. A stream that does not exist is empty."""

    token: Issuance
    client: Past
    bot: Past = ()
    key: Past = ()
    revocation: Past = ()
    authorization: Past = ()
    user: Past = ()
    session: Past = ()
    consents: Sequence[Past] = ()
    """One for each resource of the authorization."""
    exchange: Recorded | None = None
    """The exchange that made the token (RFC 8693)."""

    before: "Sequence[Sources]" = ()
    """What explains each token that was exchanged, latest first. One whose record was deleted after its time of retention ends the list."""

    exchanged_session: Past = ()
    """The session of the ID token that was exchanged first."""

    issuer: Past = ()
    """The trusted issuer that asserted the user."""


def explain(sources: Sources) -> Provenance:
    token = sources.token
    then = _until(sources.client, token.issued_at) or sources.client[:1]  # the clock of the logs may have been set back
    login = _login(sources)
    return Provenance(
        token=_token(token),
        client=_client(then),
        secret=_secret(token.secret, sources.client) if token.secret.int else None,
        bot=None
        if login or sources.exchanged_session
        else BotThen(id=token.token.sub, events=_shown(_until(sources.bot, token.issued_at))),
        scopes=_scopes(sources, then),
        signing_key=KeyThen(kid=token.token.kid, events=_shown(_until(sources.key, token.issued_at))),
        login=login,
        stopped=_stopped(sources),
        exchanged_from=_exchanged_from(sources) or UNSET,
        workload_identity=workload_identity(token, sources.client),
        remote_key=remote_key(token, then),
    )


def _exchanged_from(sources: Sources) -> list[ExchangedFrom]:
    """Return the links of the chain, latest first."""
    if sources.exchange is None or not isinstance(sources.exchange.event, TokenExchanged):
        return []
    before = sources.before[0] if sources.before else None
    event, session = sources.exchange.event, _until(sources.exchanged_session, sources.token.issued_at)
    link = ExchangedFrom(
        jti=event.subject,
        client_id=event.subject_client,
        exchanged=audit_event(sources.exchange),
        authenticated=_shown(_authentications(session)) if before is None and sources.exchanged_session else UNSET,
    )
    return [link, *(_exchanged_from(before) if before else ())]


def positions(sources: Sources) -> list[int]:
    """Return the positions of the events that the answer follows from, in order: whole streams, a user's registration, and exchanges.

    With a whole stream a verifier sees that no event of it is left out which would have made another answer.
    """
    whole = (sources.client, sources.bot, sources.key, sources.revocation, sources.authorization, sources.session)
    streams = (*whole, sources.issuer, sources.exchanged_session, *sources.consents)
    registered = _first(sources.user, lambda event: isinstance(event, UserRegistered))
    every = [
        *(each for past in streams for each in past),
        *(each for each in (registered, sources.exchange) if each is not None),
    ]
    before = (at for each in sources.before for at in positions(each))
    return sorted({*(each.position for each in every), *before})


def _token(token: Issuance) -> Token:
    return Token(
        position=token.position,
        issued_at=token.issued_at,
        jti=token.jti,
        client_id=client_id_of(token.client),
        secret_id=token.secret if token.secret.int else None,
        sub=token.token.sub,
        scope=token.token.scope,
        kid=token.token.kid,
        expires_at=datetime.fromtimestamp(token.token.exp, UTC),
        address=token.token.address,
        authorization_id=token.token.authorization,
        jkt=token.token.jkt or UNSET,
    )


def _client(then: Past) -> ClientThen:
    first, last = then[0], then[-1]
    assert isinstance(first.event, ClientRegistered)
    lives = [each.event for each in then if isinstance(each.event, ClientRegistered | ClientRestored)]
    names = [each.event.display_name for each in then if isinstance(each.event, Naming)]
    return ClientThen(
        client_id=first.event.client_id or client_id_of(first.stream_id),
        version=last.version,
        owner=lives[-1].owner,
        display_name=names[-1],
        registered=audit_event(first),
        last_change=audit_event(last),
    )


def _secret(secret_id: UUID, client: Past) -> SecretThen | None:
    """Returns the secret, or the key, which is called by its kid."""
    added = _first(client, lambda event: _secret_of(event, secret_id) is not None)
    kept = added and _secret_of(added.event, secret_id)
    if added is None or kept is None:
        return None
    revoked = _first(client, lambda event: _is_end_of(event, secret_id))
    return SecretThen(
        secret_id=secret_id,
        name=kept.name,
        hint=kept.kid if isinstance(kept, StoredKey) else kept.hint,
        added=audit_event(added),
        revoked=revoked and audit_event(revoked),
    )


def _secret_of(event: Event, secret_id: UUID) -> StoredSecret | StoredKey | None:
    key = next((key for key in keys_given(event) if key.key_id == secret_id), None)
    return key or next((secret for secret in secrets_given(event) if secret.secret_id == secret_id), None)


def _is_end_of(event: Event, secret_id: UUID) -> bool:
    match event:
        case ClientSecretRevoked():
            return event.secret_id == secret_id
        case ClientKeyRevoked():
            return event.key_id == secret_id
        case _:
            return False


def _scopes(sources: Sources, client: Past) -> list[GivenScope]:
    givers = _all_givers(sources, client)
    return [
        GivenScope(scope=scope, given=[audit_event(by[scope]) for by in givers if scope in by])
        for scope in sources.token.token.scope.split()
    ]


def _all_givers(sources: Sources, client: Past) -> list[Mapping[str, Recorded]]:
    """Return who gave each scope: the exchange; or else the client's own events, and the issuer's assertion or the user's consents."""
    token = sources.token
    if sources.exchange:
        return [dict.fromkeys(token.token.scope.split(), sources.exchange)]
    own = _givers(client, (token.token.audience or "").split())
    granted = sources.authorization[0] if sources.authorization else None
    if granted and isinstance(granted.event, AuthorizationGranted) and granted.event.assertion:
        return [own, dict.fromkeys(granted.event.scopes, granted)]
    return [own, *(_givers(_until(consent, token.issued_at)) for consent in sources.consents)]


def _givers(past: Past, audiences: Collection[str] = ()) -> Mapping[str, Recorded]:
    """Returns, for each scope that is held after these events, the event from which on it has been held.

    Of the APIs that a client is granted, those count that the token is for. If there is none, its own scopes count.
    """
    of_own: dict[str, Recorded] = {}
    of_apis: dict[str, Recorded] = {}
    own: Sequence[str] = ()
    granted: Sequence[GrantedApi] = ()
    for each in past:
        match each.event:
            case ClientRegistered() | ClientRestored():
                own, granted = each.event.scopes, each.event.apis or ()
            case ClientScopesChanged() | ConsentGiven():
                own = each.event.scopes
            case ClientApisChanged():
                granted = each.event.apis or ()
            case ClientDeleted() | ConsentWithdrawn():
                own, granted = (), ()
            case _:
                continue
        of_own = {scope: of_own.get(scope, each) for scope in own}
        there = [scope for api in granted if api.identifier in audiences for scope in api.scopes]
        of_apis = {scope: of_apis.get(scope, each) for scope in there}
    return of_apis or of_own


def _login(sources: Sources) -> Login | None:
    granted = _first(sources.authorization, lambda event: isinstance(event, AuthorizationGranted))
    if granted is None or not isinstance(granted.event, AuthorizationGranted):
        return None
    event, exchanges = granted.event, _exchanges(sources.authorization)
    registered = _first(sources.user, lambda each: isinstance(each, UserRegistered))
    jtis = list(exchanges)
    own = exchanges.get(sources.token.jti)
    before = jtis[: jtis.index(sources.token.jti)] if own else []
    return Login(
        user_id=event.user,
        registered=registered and audit_event(registered),
        session_id=event.session,
        authenticated=_shown(_authentications(_until(sources.session, granted.recorded_at))),
        authenticated_at=event.auth_time,
        amr=list(event.amr),
        acr=event.acr,
        granted=audit_event(granted),
        exchanged=own and audit_event(own),
        parents=[Exchange(jti=jti, exchanged=audit_event(exchanges[jti])) for jti in before],
        asserted_by=_asserted_by(event, _until(sources.issuer, granted.recorded_at)),
    )


def _asserted_by(granted: AuthorizationGranted, issuer: Past) -> AssertedBy | UnsetType:
    if granted.assertion is UNSET:
        return UNSET
    return AssertedBy(issuer=granted.assertion.issuer, events=_shown(issuer))


def _authentications(past: Past) -> Past:
    return [each for each in past if isinstance(each.event, SessionStarted | SessionReauthenticated)]


def _exchanges(past: Past) -> dict[UUID, Recorded]:
    """Return the exchange of the code and those of refresh tokens, by the token that each of them issued, oldest first."""
    return {each.event.jti: each for each in past if isinstance(each.event, CodeRedeemed | RefreshTokenRotated)}


def _stopped(sources: Sources) -> list[AuditEvent]:
    """Return the events that keep the token inactive now, oldest first: an exchanged one with each token that it was made from."""
    found = {each.position: each for one in (sources, *sources.before) for each in _stopping(one)}
    return _shown(found[position] for position in sorted(found))


def _stopping(sources: Sources) -> Past:
    return [
        *(each for each in sources.revocation if isinstance(each.event, AccessTokenRevoked)),
        *(each for each in sources.authorization if isinstance(each.event, AuthorizationRevoked)),
        *_disabling(sources.client, sources.token.issued_at),
        *_disabling(sources.bot, sources.token.issued_at),
        *_disabling(sources.issuer, sources.token.issued_at),
    ]


def _disabling(past: Past, issued_at: datetime) -> Past:
    """Return the event that keeps what was issued at that time inactive now. A deletion does for ever, even if the client is restored."""
    stopped: Past = ()
    for each in past:
        match each.event:
            case ClientDeleted() | BotDeleted() | TrustedIssuerDeleted() if each.recorded_at > issued_at:
                return (each,)
            case ClientDisabled() | ClientDeleted() | BotDisabled() | BotDeleted() | TrustedIssuerDisabled():
                stopped = (each,)
            case ClientEnabled() | ClientRestored() | BotEnabled() | BotRestored() | TrustedIssuerEnabled():
                stopped = ()
            case _:
                pass
    return stopped


def _until(past: Past, moment: datetime) -> Past:
    return [each for each in past if each.recorded_at <= moment]


def _first(past: Past, wanted: Callable[[Event], bool]) -> Recorded | None:
    return next((each for each in past if wanted(each.event)), None)


def _shown(past: Iterable[Recorded]) -> list[AuditEvent]:
    return [audit_event(each) for each in past]
