"""Any command to anything, from anybody: hypothesis strategies, and what decide makes of a sequence of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec import UNSET, Struct

from events.client import Active, AuthorizationCode, ClientCredentials, Disabled, Login
from events.client_apis import GrantedApi
from events.client_security import Security
from events.codec import Event
from service.commands.access_token import RevokeToken
from service.commands.api import ChangeApi, DeleteApi, RegisterApi, TermsChange
from service.commands.api_grants import WithdrawApi
from service.commands.authorization import (
    AuthorizeByAssertion,
    GrantAuthorization,
    NewRefreshToken,
    RedeemCode,
    RefuseRedemption,
    RevokeAuthorization,
    RotateRefreshToken,
)
from service.commands.bot import DeleteBot, DisableBot, EnableBot, RegisterBot
from service.commands.client import (
    AddKey,
    AddSecret,
    ChangeClient,
    DeleteClient,
    DisableClient,
    EnableClient,
    Holder,
    RegisterClient,
    RehashSecret,
    ReplaceMetadata,
    RevokeKey,
    RevokeSecret,
)
from service.commands.client_document import SeeDocument
from service.commands.consent import GiveConsent, WithdrawConsent
from service.commands.device_authorization import ApproveDevice, DenyDevice, RequestDeviceAuthorization
from service.commands.exchange import RecordExchange
from service.commands.handle import (
    ACCESS_TOKEN,
    API,
    AUTHORIZATION,
    BOT,
    CLIENT,
    CONSENT,
    DEVICE_AUTHORIZATION,
    EXCHANGE,
    INITIAL_ACCESS_TOKEN,
    SESSION,
    SIGNING_KEY,
    TRUSTED_ISSUER,
    USER,
)
from service.commands.initial_access_token import (
    IssueInitialAccessToken,
    RevokeInitialAccessToken,
    UseInitialAccessToken,
)
from service.commands.login_change import LoginChange
from service.commands.restoration import RestoreBot, RestoreClient
from service.commands.security_change import SecurityChange
from service.commands.session import (
    EndSession,
    GiveUpNotifying,
    Reauthenticate,
    ReportNotified,
    ReportUseAfterEnd,
    StartSession,
)
from service.commands.signing_key import ActivateKey, PublishKey, RetireKey
from service.commands.trusted_issuer import (
    ChangeTrustedIssuer,
    DeleteTrustedIssuer,
    DisableTrustedIssuer,
    EnableTrustedIssuer,
    RegisterTrustedIssuer,
)
from service.commands.user import (
    AddFactor,
    ChangePassword,
    ChangeProfile,
    DisableUser,
    EnableUser,
    EraseUser,
    GiveRole,
    RegisterUser,
    RemoveFactor,
    SetGroupRoles,
    TakeRole,
    VerifyUser,
)
from service.refusals import DomainRefusal
from service.values.roles import ROLES
from service.values.scopes import OPERATORS
from tests.rules.samples import (
    ABOUT,
    ABOUT_CHANGED,
    ALLOWANCE,
    API_CHANGED,
    ASSERTED,
    AT,
    CODE_ISSUED,
    CRM,
    CRM_TERMS,
    DEVICE,
    DEVICE_REQUESTED,
    DOCUMENT_URL,
    EXCHANGED,
    GRANTED,
    GRANTED_THE_LEAST,
    JWK,
    LATER,
    PASSWORD,
    PERSON,
    PROFILE,
    REGISTRATION,
    SECRET_IMPORTED,
    SESSION_ID,
    SOON,
    TRUST,
    TRUST_IN_ASSERTIONS,
    TRUST_IN_KEYS,
    factor,
    hashed,
    key,
    secret,
)

numbers = st.integers(1, 4)
hashes = numbers.map(hashed)
jtis = numbers.map(lambda number: UUID(int=number))
SCOPES = ("api:public", "crm:read", "clients:write")

text = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=12)
"""What gets past the door: no control characters and no surrogates."""

holders = st.sampled_from(
    [
        Holder(owner="alice", sub="alice", scopes=frozenset(SCOPES)),
        Holder(owner="alice", sub="alice", scopes=frozenset(SCOPES)),
        Holder(owner="alice", sub="alice", scopes=frozenset(SCOPES), apis=frozenset({(CRM, ""), (CRM, "crm:read")})),
        Holder(owner="mallory", sub="mallory", scopes=frozenset(SCOPES)),
        Holder(owner=None, sub="muniment", scopes=frozenset(OPERATORS)),
    ]
)
scopes = st.lists(st.sampled_from(SCOPES), unique=True, max_size=3).map(tuple)
uris = st.lists(
    st.sampled_from(["https://a.example/cb", "http://127.0.0.1:1/cb", "com.example.app:/cb"]), max_size=2
).map(tuple)
apis = st.none() | st.lists(
    st.builds(
        GrantedApi,
        identifier=st.sampled_from([CRM, "urn:erp"]),
        scopes=st.sampled_from([(), ("crm:read",), ("crm:read", "crm:write")]),
    ),
    unique_by=lambda api: api.identifier,
    max_size=2,
).map(tuple)
secrets = st.builds(secret, st.integers(1, 6), expires_at=st.sampled_from([None, AT, LATER])) | st.just(SECRET_IMPORTED)
keys = st.builds(key, st.integers(1, 6), expires_at=st.sampled_from([None, AT, LATER]))
methods = st.none() | st.just("private_key_jwt")
addresses = st.none() | st.just("https://a.example/jwks")
grants = st.one_of(
    st.builds(ClientCredentials, bot_user_id=st.sampled_from(["alice", "bot-abc123"])),
    st.builds(AuthorizationCode, bot_user_id=st.sampled_from([None, "bot-abc123"])),
)
some_uris = st.just(()) | st.just(("https://a.example/bye",))
algorithms = st.sampled_from(["RS256", "ES256"])
logins = st.builds(
    Login,
    id_token_claims=st.just(UNSET) | st.just("minimal"),
    require_pkce=st.just(UNSET) | st.booleans(),
    id_token_alg=algorithms,
    post_logout_redirect_uris=some_uris,
)
login_changes = st.builds(
    LoginChange,
    require_pkce=st.just(UNSET) | st.none() | st.booleans(),
    id_token_claims=st.just(UNSET) | st.sampled_from(["scopes", "minimal"]),
    first_party=st.just(UNSET) | st.booleans(),
    id_token_alg=st.just(UNSET) | algorithms,
    post_logout_redirect_uris=st.just(UNSET) | some_uris,
    backchannel_logout_uri=st.just(UNSET) | st.none() | st.just("https://a.example/logout"),
)

REGISTER_CLIENT = st.builds(
    RegisterClient,
    owner=st.just("alice"),
    grant=grants,
    display_name=st.none() | text,
    redirect_uris=uris,
    scopes=scopes,
    secret=st.none() | secrets,
    at=st.just(AT),
    login=st.just(Login()) | logins,
    registration=st.none() | st.just(REGISTRATION),
    apis=st.just(UNSET) | apis,
    security=st.builds(
        Security, token_endpoint_auth_method=methods, jwks_uri=addresses, dpop_bound_access_tokens=st.booleans()
    ),
    keys=st.just(()) | st.lists(keys, max_size=2).map(tuple),
    by=holders,
)


def registered(command: RegisterClient) -> Active | None:
    events, states = happened(CLIENT, [command])
    return states[-1] if events else None


formerly = REGISTER_CLIENT.map(registered).filter(lambda client: client is not None)
CLIENT_COMMANDS = {
    RegisterClient: REGISTER_CLIENT,
    ChangeClient: st.builds(
        ChangeClient,
        by=holders,
        display_name=st.just(UNSET) | st.none() | text,
        redirect_uris=st.just(UNSET) | uris,
        scopes=st.just(UNSET) | scopes,
        login=st.just(LoginChange()) | login_changes,
        access_token_alg=st.just(UNSET) | st.none() | st.sampled_from(["RS256", "EdDSA"]),
        security=st.builds(
            SecurityChange,
            token_endpoint_auth_method=st.just(UNSET) | methods,
            jwks_uri=st.just(UNSET) | addresses,
            dpop_bound_access_tokens=st.just(UNSET) | st.booleans(),
            require_pushed_authorization_requests=st.just(UNSET) | st.booleans(),
            require_signed_request_object=st.just(UNSET) | st.booleans(),
            request_object_signing_alg=st.just(UNSET) | st.none() | st.sampled_from(["ES256", "PS256"]),
            authorization_signed_response_alg=st.just(UNSET) | st.sampled_from(["RS256", "EdDSA"]),
            userinfo_signed_response_alg=st.just(UNSET) | st.none() | st.sampled_from(["RS256", "ES256"]),
            request_uris=st.just(UNSET) | st.sampled_from([(), ("https://a.example/request",)]),
            default_max_age=st.just(UNSET) | st.none() | st.sampled_from([0, 60]),
            require_auth_time=st.just(UNSET) | st.booleans(),
        ),
        apis=st.just(UNSET) | apis,
    ),
    ReplaceMetadata: st.builds(
        ReplaceMetadata,
        change=st.builds(ChangeClient, by=holders, display_name=st.just(UNSET) | text),
        about=st.sampled_from([ABOUT, ABOUT_CHANGED.about]),
    ),
    SeeDocument: st.builds(
        SeeDocument,
        url=st.just(DOCUMENT_URL),
        digest=st.sampled_from(["a" * 64, "b" * 64]),
        display_name=text,
        redirect_uris=st.sampled_from([("https://a.example/cb",), ("http://127.0.0.1:1/cb",)]),
        scopes=st.just(("api:public",)),
        login=st.builds(Login, id_token_alg=algorithms),
        security=st.builds(Security, dpop_bound_access_tokens=st.booleans()),
        about=st.sampled_from([ABOUT, ABOUT_CHANGED.about]),
        keys=st.sampled_from([(), (key(1),), (key(2), key(3))]),
        at=st.sampled_from([AT, LATER]),
    ),
    WithdrawApi: st.builds(WithdrawApi, identifier=st.sampled_from([CRM, "urn:erp"])),
    AddSecret: st.builds(
        AddSecret, by=holders, secret=secrets, at=st.just(AT), others_expire_at=st.none() | st.just(LATER)
    ),
    RehashSecret: st.builds(RehashSecret, secret_id=jtis, hash=hashes, hint=text),
    RevokeSecret: st.builds(RevokeSecret, by=holders, secret_id=st.integers(1, 6).map(lambda number: UUID(int=number))),
    AddKey: st.builds(AddKey, by=holders, key=keys, at=st.just(AT), others_expire_at=st.none() | st.just(LATER)),
    RevokeKey: st.builds(RevokeKey, by=holders, key_id=st.integers(1, 6).map(lambda number: UUID(int=number))),
    DisableClient: st.builds(DisableClient, by=holders),
    EnableClient: st.builds(EnableClient, by=holders),
    DeleteClient: st.builds(DeleteClient, by=holders),
    RestoreClient: st.builds(
        RestoreClient,
        by=holders,
        then=formerly | st.builds(Disabled, was=formerly, by=st.sampled_from(["owner", "operator"])),
        as_of=numbers,
        created_at=st.just(AT),
        secret=st.none() | secrets,
        at=st.just(AT),
    ),
}
REGISTER_BOT = st.builds(
    RegisterBot,
    owner=st.just("alice"),
    email=text,
    first_name=st.none() | text,
    last_name=st.none() | text,
    at=st.just(AT),
)
BOT_COMMANDS = {
    RegisterBot: REGISTER_BOT,
    DisableBot: st.builds(DisableBot, by=holders),
    EnableBot: st.builds(EnableBot, by=holders),
    DeleteBot: st.builds(DeleteBot, by=holders),
    RestoreBot: st.builds(
        RestoreBot,
        by=holders,
        email=text,
        first_name=st.none() | text,
        last_name=st.none() | text,
        disabled_by=st.sampled_from([None, "owner", "operator"]),
        as_of=numbers,
        at=st.just(AT),
    ),
}
api_terms = st.sampled_from([CRM_TERMS, API_CHANGED.terms])
REGISTER_API = st.builds(RegisterApi, identifier=st.just(CRM), terms=api_terms, at=st.sampled_from([AT, LATER]))
API_COMMANDS = {
    RegisterApi: REGISTER_API,
    ChangeApi: st.builds(
        ChangeApi,
        change=st.builds(
            TermsChange,
            name=st.just(UNSET) | text,
            token_lifetime=st.just(UNSET) | st.none() | st.just(300),
            any_client=st.just(UNSET) | st.booleans(),
        ),
    ),
    DeleteApi: st.just(DeleteApi()),
}
PUBLISH_KEY = st.builds(PublishKey, kid=text, alg=st.just("ES256"), public_jwk=st.just(JWK), at=st.just(AT))
KEY_COMMANDS = {
    PublishKey: PUBLISH_KEY,
    ActivateKey: st.builds(ActivateKey, at=st.sampled_from([AT, LATER])),
    RetireKey: st.builds(RetireKey, at=st.sampled_from([AT, LATER])),
}
REVOKE_TOKEN = st.builds(RevokeToken, client_id=text, expires_at=st.sampled_from([AT, LATER]), at=st.just(AT))

times = st.sampled_from([AT, SOON, LATER])
names = st.sampled_from(["oauth_client_a", "oauth_client_b"])
several = st.lists(names, unique=True, max_size=2).map(tuple)
sealed = st.sampled_from([PROFILE, PASSWORD])
factors = st.builds(factor, st.integers(1, 3), st.sampled_from(["totp", "passkey"]))

REGISTER_USER = st.builds(
    RegisterUser, profile=sealed, password=st.none() | sealed, email_verified=st.booleans(), at=st.just(AT)
)
USER_COMMANDS = {
    RegisterUser: REGISTER_USER,
    VerifyUser: st.builds(VerifyUser, at=times),
    ChangePassword: st.builds(ChangePassword, password=sealed, at=times),
    ChangeProfile: st.builds(ChangeProfile, profile=sealed, at=times, by=st.none() | holders),
    AddFactor: st.builds(AddFactor, factor=factors),
    RemoveFactor: st.builds(RemoveFactor, factor_id=jtis),
    GiveRole: st.builds(GiveRole, role=st.sampled_from(ROLES), at=times, by=st.none() | holders),
    TakeRole: st.builds(TakeRole, role=st.sampled_from(ROLES), at=times),
    SetGroupRoles: st.builds(SetGroupRoles, roles=st.lists(st.sampled_from(ROLES)).map(tuple), at=times),
    DisableUser: st.builds(DisableUser, by=st.none() | holders),
    EnableUser: st.builds(EnableUser, by=st.none() | holders),
    EraseUser: st.builds(EraseUser, at=times, by=st.none() | holders),
}
START_SESSION = st.builds(
    StartSession,
    user=st.just(PERSON),
    token_hash=hashes,
    amr=st.sampled_from([("pwd",), ("pwd", "otp", "mfa")]),
    acr=text,
    device=st.sampled_from([None, DEVICE]),
    at=st.just(AT),
    expires_at=times,
)
SESSION_COMMANDS = {
    StartSession: START_SESSION,
    Reauthenticate: st.builds(Reauthenticate, token_hash=hashes, amr=st.just(("hwk", "user")), acr=text, at=times),
    EndSession: st.builds(EndSession, why=text, notify=several, at=times),
    ReportUseAfterEnd: st.builds(ReportUseAfterEnd, at=times),
    ReportNotified: st.builds(ReportNotified, client_id=names, at=times),
    GiveUpNotifying: st.builds(GiveUpNotifying, client_id=names, why=text, at=times),
}
GIVE_CONSENT = st.builds(
    GiveConsent, user=st.just(PERSON), client_id=st.just("oauth_client_a"), resource=st.none(), scopes=scopes, at=times
)
CONSENT_COMMANDS = {GiveConsent: GIVE_CONSENT, WithdrawConsent: st.builds(WithdrawConsent, at=times)}
GRANT_AUTHORIZATION = st.builds(
    GrantAuthorization, granted=st.sampled_from([GRANTED, GRANTED_THE_LEAST]), code=st.just(CODE_ISSUED)
)
AUTHORIZATION_COMMANDS = {
    GrantAuthorization: GRANT_AUTHORIZATION,
    AuthorizeByAssertion: st.builds(AuthorizeByAssertion, granted=st.just(ASSERTED)),
    RedeemCode: st.builds(
        RedeemCode,
        jti=jtis,
        refresh=st.none() | st.builds(NewRefreshToken, hash=hashes, expires_at=times),
        at=st.sampled_from([AT, AT, SOON]),
    ),
    RotateRefreshToken: st.builds(RotateRefreshToken, presented=hashes, next=hashes, jti=jtis, at=times),
    RefuseRedemption: st.builds(RefuseRedemption, client_id=names, why=text, at=times),
    RevokeAuthorization: st.builds(RevokeAuthorization, why=text, at=times),
}

trusts = st.sampled_from([TRUST, TRUST_IN_KEYS, TRUST_IN_ASSERTIONS])
ISSUE_INITIAL_TOKEN = st.builds(
    IssueInitialAccessToken,
    by=holders,
    name=text,
    allows=st.just(ALLOWANCE),
    hash=hashes,
    hint=text,
    at=st.just(AT),
)
INITIAL_TOKEN_COMMANDS = {
    IssueInitialAccessToken: ISSUE_INITIAL_TOKEN,
    UseInitialAccessToken: st.builds(UseInitialAccessToken, hash=hashes, client=jtis, at=times),
    RevokeInitialAccessToken: st.builds(RevokeInitialAccessToken, by=holders, at=times),
}
REGISTER_ISSUER = st.builds(
    RegisterTrustedIssuer, issuer=st.just("https://ci.example.com"), trust=trusts, at=st.just(AT)
)
ISSUER_COMMANDS = {
    RegisterTrustedIssuer: REGISTER_ISSUER,
    ChangeTrustedIssuer: st.builds(
        ChangeTrustedIssuer,
        name=st.just(UNSET) | text,
        keys=st.just(UNSET) | trusts.map(lambda trust: trust.keys),
        algorithms=st.just(UNSET) | st.just(("EdDSA",)),
        purposes=st.just(UNSET) | trusts.map(lambda trust: trust.purposes),
        audiences=st.just(UNSET) | st.just(()),
        provisions=st.just(UNSET) | st.booleans(),
    ),
    DisableTrustedIssuer: st.builds(DisableTrustedIssuer),
    EnableTrustedIssuer: st.builds(EnableTrustedIssuer),
    DeleteTrustedIssuer: st.builds(DeleteTrustedIssuer),
}
REQUEST_DEVICE = st.builds(RequestDeviceAuthorization, requested=st.just(DEVICE_REQUESTED))
DEVICE_COMMANDS = {
    RequestDeviceAuthorization: REQUEST_DEVICE,
    ApproveDevice: st.builds(
        ApproveDevice,
        user=st.just(PERSON),
        session=st.just(SESSION_ID),
        authorization=jtis,
        device=st.sampled_from([None, DEVICE]),
        at=st.sampled_from([AT, SOON]),
    ),
    DenyDevice: st.builds(
        DenyDevice, user=st.just(PERSON), session=st.just(SESSION_ID), at=st.sampled_from([AT, SOON])
    ),
}

RECORD_EXCHANGE = st.builds(RecordExchange, made=st.builds(lambda jti: EXCHANGED.__replace__(jti=jti), jtis))


class Kind(Struct, frozen=True):
    """An aggregate, a strategy for each type of command to it, and one for sequences of commands to one of its kind."""

    aggregate: Any
    commands: dict[type, st.SearchStrategy[Any]]
    histories: st.SearchStrategy[list[Any]]


def _kind(aggregate: Any, first: type, commands: dict[type, st.SearchStrategy[Any]], most: int) -> Kind:
    rest = st.lists(st.one_of(*commands.values()), max_size=most)
    return Kind(aggregate, commands, st.builds(lambda begun, then: [begun, *then], commands[first], rest))


EVERYTHING = {
    "client": _kind(CLIENT, RegisterClient, CLIENT_COMMANDS, 12),
    "bot": _kind(BOT, RegisterBot, BOT_COMMANDS, 8),
    "api": _kind(API, RegisterApi, API_COMMANDS, 8),
    "signing key": _kind(SIGNING_KEY, PublishKey, KEY_COMMANDS, 6),
    "access token": _kind(ACCESS_TOKEN, RevokeToken, {RevokeToken: REVOKE_TOKEN}, 2),
    "trusted issuer": _kind(TRUSTED_ISSUER, RegisterTrustedIssuer, ISSUER_COMMANDS, 8),
    "initial access token": _kind(INITIAL_ACCESS_TOKEN, IssueInitialAccessToken, INITIAL_TOKEN_COMMANDS, 6),
    "exchange": _kind(EXCHANGE, RecordExchange, {RecordExchange: RECORD_EXCHANGE}, 3),
    "user": _kind(USER, RegisterUser, USER_COMMANDS, 10),
    "session": _kind(SESSION, StartSession, SESSION_COMMANDS, 8),
    "consent": _kind(CONSENT, GiveConsent, CONSENT_COMMANDS, 6),
    "device authorization": _kind(DEVICE_AUTHORIZATION, RequestDeviceAuthorization, DEVICE_COMMANDS, 4),
    "authorization": _kind(AUTHORIZATION, GrantAuthorization, AUTHORIZATION_COMMANDS, 10),
}


def happened(aggregate: Any, commands: Sequence[Any]) -> tuple[list[Event], list[Any]]:
    """The events that these commands come to, and the state after each of them (and before the first)."""
    events: list[Event] = []
    states = [aggregate.initial]
    for command in commands:
        try:
            decided = aggregate.decide(command, states[-1])
        except DomainRefusal:
            continue
        for event in decided:
            events.append(event)
            states.append(aggregate.evolve(states[-1], event))
    return events, states
