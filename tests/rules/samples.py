"""Things for tests to happen to: one of each, and strategies for any of them."""

from datetime import UTC, date, datetime
from uuid import UUID

from events.access_token import AccessTokenRevoked
from events.api import ApiChanged, ApiDeleted, ApiRegistered, ApiScope, ApiTerms
from events.audit_read import AuditRead
from events.authorization import (
    NO_SESSION,
    Assertion,
    AuthorizationGranted,
    AuthorizationRevoked,
    CodeIssued,
    CodeRedeemed,
    CodeReplayed,
    RedemptionRefused,
    RefreshTokenIssued,
    RefreshTokenReplayed,
    RefreshTokenRotated,
)
from events.bot import BotDeleted, BotDisabled, BotEnabled, BotRegistered, BotRestored
from events.client import (
    AuthorizationCode,
    ClientAccessTokenAlgChanged,
    ClientCredentials,
    ClientDeleted,
    ClientDisabled,
    ClientDisplayNameChanged,
    ClientEnabled,
    ClientLoginChanged,
    ClientRedirectUrisChanged,
    ClientRegistered,
    ClientRestored,
    ClientScopesChanged,
    Login,
)
from events.client_apis import ClientApisChanged, GrantedApi
from events.client_document import ClientDocumentSeen, Document
from events.client_key import ClientKeyAdded, ClientKeyExpirySet, ClientKeyRevoked, StoredKey
from events.client_registration import About, ClientAboutChanged, Registration
from events.client_secret import (
    ClientSecretAdded,
    ClientSecretExpirySet,
    ClientSecretRehashed,
    ClientSecretRevoked,
    StoredSecret,
)
from events.client_security import ClientSecurityChanged, Security, WorkloadIdentity
from events.codec import Event
from events.consent import ConsentGiven, ConsentWithdrawn
from events.device_authorization import (
    DeviceAuthorizationApproved,
    DeviceAuthorizationDenied,
    DeviceAuthorizationRequested,
    UserCode,
)
from events.exchange import TokenExchanged
from events.initial_access_token import (
    Allowance,
    InitialAccessTokenIssued,
    InitialAccessTokenRevoked,
    InitialAccessTokenUsed,
)
from events.refusal import (
    AuthorizationRefused,
    ClientAuthenticationRefused,
    RefusalsLeftOut,
    RequestNotPermitted,
    RequestsThrottled,
    UserCodeRefused,
)
from events.retention import TokensDropped
from events.revocation import RevocationOrdered
from events.sealed import Sealed
from events.session import (
    SessionClientNotified,
    SessionClientNotReached,
    SessionEnded,
    SessionReauthenticated,
    SessionStarted,
    SessionUsedAfterEnd,
)
from events.signing_key import PublicJwk, SigningKeyActivated, SigningKeyPublished, SigningKeyRetired
from events.trusted_issuer import (
    KeysAt,
    KeysDiscovered,
    KeysGiven,
    PublicKey,
    Trust,
    TrustedIssuerChanged,
    TrustedIssuerDeleted,
    TrustedIssuerDisabled,
    TrustedIssuerEnabled,
    TrustedIssuerRegistered,
)
from events.user import (
    Factor,
    UserDisabled,
    UserEnabled,
    UserErased,
    UserFactorAdded,
    UserFactorRemoved,
    UserPasswordChanged,
    UserProfileChanged,
    UserRegistered,
    UserRoleGiven,
    UserRoleTaken,
    UserVerified,
)

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
SOON = datetime(2026, 1, 2, 3, 5, 5, tzinfo=UTC)
LATER = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
STREAM = UUID("0192f000-0000-7000-8000-000000000001")
HASH = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"  # of "secret"


def secret(number: int, *, expires_at: datetime | None = None) -> StoredSecret:
    return StoredSecret(
        secret_id=UUID(int=number), name=f"no. {number}", hash=HASH, hint="…cret", created_at=AT, expires_at=expires_at
    )


def key(number: int, *, expires_at: datetime | None = None) -> StoredKey:
    """A key whose numbers are of no real key: only what verifies signatures reads them."""
    return StoredKey(
        key_id=UUID(int=number),
        name=f"no. {number}",
        jwk=PublicJwk(kty="OKP", crv="Ed25519", x=f"{number}" * 43),
        thumbprint=f"{number}" * 43,
        kid=f"key-{number}",
        alg="EdDSA",
        created_at=AT,
        expires_at=expires_at,
    )


SECRET = secret(1)
REGISTERED = ClientRegistered(
    owner="alice",
    grant=ClientCredentials(bot_user_id="bot-abc123"),
    display_name="Production CRM Integration",
    redirect_uris=(),
    scopes=("api:public",),
    secret=SECRET,
    at=AT,
)
INTERACTIVE = ClientRegistered(
    owner="alice",
    grant=AuthorizationCode(),
    display_name=None,
    redirect_uris=("https://app.example.com/callback",),
    scopes=("api:public",),
    secret=SECRET,
    at=AT,
)
PUBLIC_REGISTERED = INTERACTIVE.__replace__(secret=None)
RENAMED = ClientDisplayNameChanged(display_name="CRM", was="Production CRM Integration")
MOVED = ClientRedirectUrisChanged(redirect_uris=("https://app.example.com/other",), was=())
NARROWED = ClientScopesChanged(scopes=(), was=("api:public",))
LOGIN_CHANGED = ClientLoginChanged(
    login=Login(
        require_pkce=False,
        first_party=True,
        id_token_alg="ES256",
        post_logout_redirect_uris=("https://app.example.com/bye",),
        backchannel_logout_uri="https://app.example.com/logout",
        id_token_claims="minimal",
    ),
    was=Login(),
)
ALG_CHANGED = ClientAccessTokenAlgChanged(access_token_alg="RS256", was=None)
ABOUT = About(
    grant_types=("authorization_code", "refresh_token"),
    scope=("openid", "api:public"),
    client_uri="https://app.example.com",
    contacts=("support@app.example.com",),
)
REGISTRATION = Registration(about=ABOUT, token_hash=HASH, initial_access_token=UUID(int=7))
REGISTERED_ITSELF = PUBLIC_REGISTERED.__replace__(owner="muniment-dynamic", registration=REGISTRATION)
ABOUT_CHANGED = ClientAboutChanged(about=ABOUT.__replace__(application_type="native", software_id="app"), was=ABOUT)
DOCUMENT_URL = "https://app.example.com/client.json"
DOCUMENT = Document(digest="5e" * 32, about=ABOUT, at=AT, redirect_uris_at=AT)
DOCUMENT_REGISTERED = PUBLIC_REGISTERED.__replace__(owner="muniment-documents", client_id=DOCUMENT_URL)
DOCUMENT_SEEN = ClientDocumentSeen(
    url=DOCUMENT_URL, document=DOCUMENT, was=None, changed=("redirect_uris", "grant_types", "scope")
)
ALLOWANCE = Allowance(owner="alice", scopes=("api:public",), machines=True, uses=2, expires_at=LATER)
INITIAL_TOKEN = InitialAccessTokenIssued(name="CI", allows=ALLOWANCE, hash=HASH, hint="…cret", at=AT)
INITIAL_TOKEN_USED = InitialAccessTokenUsed(client=STREAM, at=SOON)
INITIAL_TOKEN_REVOKED = InitialAccessTokenRevoked(owner="alice", at=LATER)
SECURITY_CHANGED = ClientSecurityChanged(
    security=Security(
        dpop_bound_access_tokens=True,
        require_pushed_authorization_requests=True,
        workload_identities=(WorkloadIdentity(issuer="https://ci.example.com", subject="repo:acme/*:pull_request"),),
    ),
    was=Security(),
)
CRM = "https://crm.example.com"
CRM_TERMS = ApiTerms(
    name="CRM",
    scopes=(
        ApiScope(name="crm:read", words={"en": "Read your contacts", "de": "Deine Kontakte lesen"}),
        ApiScope(name="crm:write"),
    ),
    access_token_alg="EdDSA",
    token_lifetime=600,
    dpop_required=True,
    mtls_required=True,
    claims=("email",),
    introspectors=("oauth_client_0192f000000070008000000000000009",),
    any_client=True,
)
API_REGISTERED = ApiRegistered(identifier=CRM, terms=CRM_TERMS, at=AT)
API_CHANGED = ApiChanged(terms=ApiTerms(name="Contacts"), was=CRM_TERMS)
API_DELETED = ApiDeleted(identifier=CRM)
APIS_CHANGED = ClientApisChanged(apis=(GrantedApi(identifier=CRM, scopes=("crm:read",)),), was=None)
SECRET_ADDED = ClientSecretAdded(secret=secret(2))
SECRET_REVOKED = ClientSecretRevoked(secret_id=UUID(int=1))
SECRET_IMPORTED = SECRET.__replace__(hash="", hint="unknown", imported="$2b$04$" + "a" * 53)
IMPORTED = REGISTERED.__replace__(secret=SECRET_IMPORTED, client_id="crm-sync")
SECRET_REHASHED = ClientSecretRehashed(secret_id=UUID(int=1), hash=HASH, hint="…cret")
SECRET_EXPIRING = ClientSecretExpirySet(secret_id=UUID(int=1), expires_at=LATER, was=None)
KEYED = REGISTERED.__replace__(
    secret=None,
    security=Security(token_endpoint_auth_method="private_key_jwt"),
    keys=(key(1),),
)
KEY_ADDED, KEY_REVOKED = ClientKeyAdded(key=key(2)), ClientKeyRevoked(key_id=UUID(int=1))
KEY_EXPIRING = ClientKeyExpirySet(key_id=UUID(int=1), expires_at=LATER, was=None)
DISABLED, ENABLED, DELETED = ClientDisabled(), ClientEnabled(), ClientDeleted(owner="alice", by="owner")
DISABLED_BY_OPERATOR = ClientDisabled(by="operator")
RESTORED = ClientRestored(
    owner="alice",
    grant=REGISTERED.grant,
    display_name="Production CRM Integration",
    redirect_uris=(),
    scopes=("api:public",),
    secrets=(secret(3),),
    public=False,
    login=Login(),
    access_token_alg=None,
    disabled_by=None,
    created_at=AT,
    version=3,
    restored=1,
    as_of=1,
    at=AT,
)

BOT_REGISTERED = BotRegistered(owner="alice", email="crm@example.com", first_name="Cee", last_name=None, at=AT)
BOT_DISABLED, BOT_ENABLED, BOT_DELETED = BotDisabled(), BotEnabled(), BotDeleted(owner="alice", by="owner")
BOT_DISABLED_BY_OPERATOR = BotDisabled(by="operator")
BOT_RESTORED = BotRestored(
    owner="alice", email="crm@example.com", first_name="Cee", last_name=None, disabled_by=None, as_of=1, at=AT
)

JWK = PublicJwk(
    kty="EC",
    crv="P-256",
    x="MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    y="4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
)
PUBLISHED = SigningKeyPublished(kid="key-1", alg="ES256", public_jwk=JWK, at=AT)
RSA_PUBLISHED = SigningKeyPublished(
    kid="key-2", alg="RS256", public_jwk=PublicJwk(kty="RSA", n="sXch6vRrDf-lqYxRPEDa9Q", e="AQAB"), at=AT
)
ACTIVATED, RETIRED = SigningKeyActivated(at=AT), SigningKeyRetired(at=LATER)

CLIENT_ID = f"oauth_client_{STREAM.hex}"
REVOKED = AccessTokenRevoked(client_id=CLIENT_ID, expires_at=LATER, at=AT)

PERSON = UUID("0192f000-0000-7000-8000-000000000002")
SESSION_ID = UUID("0192f000-0000-7000-8000-000000000003")
SEALED = Sealed("c2VhbGVkIHNvIHRoYXQgbm9ib2R5IHJlYWRzIGl0")
PROFILE, PASSWORD, KEPT, DEVICE = (Sealed(f"{what}_{SEALED}") for what in ("profile", "password", "kept", "device"))


def hashed(number: int) -> str:
    """The SHA-256 of nothing in particular, in the form that the log has."""
    return f"{number:064x}"


def factor(number: int, kind: str = "totp") -> Factor:
    return Factor(factor_id=UUID(int=number), kind=kind, kept=KEPT, created_at=AT)


USER_REGISTERED = UserRegistered(profile=PROFILE, password=PASSWORD, email_verified=False, at=AT)
USER_FROM_UPSTREAM = USER_REGISTERED.__replace__(password=None, email_verified=True)
USER_VERIFIED = UserVerified(at=SOON)
PASSWORD_CHANGED = UserPasswordChanged(password=PASSWORD, at=SOON)
PROFILE_CHANGED = UserProfileChanged(profile=PROFILE, at=SOON)
FACTOR_ADDED, PASSKEY_ADDED = UserFactorAdded(factor=factor(1)), UserFactorAdded(factor=factor(2, "passkey"))
NAMED_PASSKEY_ADDED = PASSKEY_ADDED.__replace__(name="aGFzaGVkIHVuZGVyIHRoZWlyIGRhdGEga2V5")
FACTOR_REMOVED = UserFactorRemoved(factor_id=UUID(int=1))
USER_DISABLED, USER_ENABLED, USER_ERASED = UserDisabled(), UserEnabled(), UserErased(at=LATER)
ROLE_GIVEN, ROLE_TAKEN = UserRoleGiven(role="operator", at=SOON), UserRoleTaken(role="operator", at=LATER)
GROUP_ROLE_GIVEN, GROUP_ROLE_TAKEN = (event.__replace__(source="group") for event in (ROLE_GIVEN, ROLE_TAKEN))

SESSION_STARTED = SessionStarted(
    user=PERSON,
    token_hash=hashed(0xC00C1E1),
    amr=("pwd",),
    acr="urn:muniment:acr:1",
    device=DEVICE,
    at=AT,
    expires_at=LATER,
)
REAUTHENTICATED = SessionReauthenticated(
    token_hash=hashed(0xC00C1E2), amr=("pwd", "otp", "mfa"), acr="urn:muniment:acr:2", at=SOON
)
SESSION_ENDED = SessionEnded(why="signed_out", notify=(CLIENT_ID, "oauth_client_other"), at=SOON)
ENDED_QUIETLY = SessionEnded(why="user_disabled", notify=(), at=SOON)
USED_AFTER_END = SessionUsedAfterEnd(at=LATER)
CLIENT_NOTIFIED = SessionClientNotified(client_id=CLIENT_ID, at=LATER)
CLIENT_NOT_REACHED = SessionClientNotReached(client_id="oauth_client_other", why="HTTP 503", at=LATER)

CONSENT_GIVEN = ConsentGiven(
    user=PERSON, client_id=CLIENT_ID, resource="https://crm.example.com", scopes=("openid", "crm:read"), at=AT
)
CONSENT_TO_US = CONSENT_GIVEN.__replace__(resource=None)
CONSENT_WITHDRAWN = ConsentWithdrawn(at=LATER)

GRANTED = AuthorizationGranted(
    client=STREAM,
    user=PERSON,
    session=SESSION_ID,
    scopes=("openid", "offline_access"),
    resource="https://crm.example.com",
    nonce="n-0S6_WzA2Mj",
    auth_time=AT,
    acr="urn:muniment:acr:1",
    amr=("pwd",),
    id_token_claims=("email",),
    userinfo_claims=("name",),
    bound_by=("pkce", "nonce"),
)
GRANTED_THE_LEAST = GRANTED.__replace__(resource=None, nonce=None, id_token_claims=(), userinfo_claims=(), bound_by=())
CODE_ISSUED = CodeIssued(
    hash=hashed(0xC0DE),
    redirect_uri="https://app.example.com/callback",
    named=True,
    code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # of RFC 7636 appendix B
    expires_at=SOON,
    at=AT,
)
CODE_REDEEMED = CodeRedeemed(jti=UUID(int=1), at=AT)
CODE_REPLAYED = CodeReplayed(at=LATER)
REDEMPTION_REFUSED = RedemptionRefused(client_id="oauth_client_other", why="another_client", at=AT)
REFRESH_ISSUED = RefreshTokenIssued(hash=hashed(1), expires_at=LATER, at=AT)
REFRESH_ROTATED = RefreshTokenRotated(hash=hashed(2), jti=UUID(int=2), at=SOON)
REFRESH_REPLAYED = RefreshTokenReplayed(at=LATER)
AUTHORIZATION_REVOKED = AuthorizationRevoked(why="user", at=LATER)

DEVICE_CODE_ISSUED = CODE_ISSUED.__replace__(
    redirect_uri="", named=False, code_challenge=None, device=UUID("0192f000-0000-7000-8000-0000000000d0")
)
DEVICE_REQUESTED = DeviceAuthorizationRequested(
    client=STREAM,
    scopes=("openid", "offline_access"),
    resource=None,
    hash=hashed(0xDE),
    user_code=UserCode(hash=hashed(0xC0)),
    at=AT,
    expires_at=SOON,
)
DEVICE_APPROVED = DeviceAuthorizationApproved(
    user=PERSON,
    session=SESSION_ID,
    authorization=UUID("0192f000-0000-7000-8000-0000000000a0"),
    device=DEVICE,
    at=AT,
)
DEVICE_DENIED = DeviceAuthorizationDenied(user=PERSON, session=SESSION_ID, at=AT)

AUTHENTICATION_REFUSED = ClientAuthenticationRefused(client_id=CLIENT_ID, why="wrong_secret", at=AT)
THROTTLED = RequestsThrottled(client_id=None, limit=600, at=AT)
AUTHORIZATION_REFUSED = AuthorizationRefused(client_id=CLIENT_ID, why="another redirect URI", at=AT)
NOT_PERMITTED = RequestNotPermitted(
    client_id=CLIENT_ID,
    request="POST /api/v1/auth/clients",
    why="You can grant only scopes that you hold yourself; your token lacks: operate.",
    at=AT,
)
USER_CODE_REFUSED = UserCodeRefused(why="not_known", at=AT)
REFUSALS_LEFT_OUT = RefusalsLeftOut(counts={"throttled": 7, "wrong_secret": 300}, since=AT, at=LATER)
TOKENS_DROPPED = TokensDropped(day=date(2026, 1, 2), first=1, last=300, at=LATER)
REVOCATION_ORDERED = RevocationOrdered(
    kind="secret",
    id="0192f000-0000-7000-8000-0000000000c1",
    since=AT,
    position=41,
    counts={"token": 2, "client": 1},
    complete=True,
    at=LATER,
)
AUDIT_READ = AuditRead(path="/api/v1/audit/events", filters=("client=oauth_client_1", "address"), found=3, at=AT)

TRUST = Trust(
    name="Build servers",
    keys=KeysDiscovered(),
    algorithms=("RS256", "ES256"),
    purposes=("workload",),
    audiences=("https://muniment.example.com",),
)
TRUST_IN_KEYS = TRUST.__replace__(
    keys=KeysGiven(keys=(PublicKey(kid="theirs-1", kty="EC", crv="P-256", x=JWK.x, y=JWK.y),)), audiences=()
)
TRUST_IN_ASSERTIONS = TRUST.__replace__(
    keys=KeysAt(jwks_uri="https://idp.example.com/keys"), purposes=("id_jag", "subject_token"), provisions=True
)
ISSUER_REGISTERED = TrustedIssuerRegistered(issuer="https://ci.example.com", trust=TRUST, at=AT)
DOMAIN_REGISTERED = ISSUER_REGISTERED.__replace__(issuer="spiffe://example.org", trust=TRUST_IN_KEYS)
ISSUER_CHANGED = TrustedIssuerChanged(trust=TRUST_IN_ASSERTIONS, was=TRUST)
ISSUER_DISABLED, ISSUER_ENABLED = TrustedIssuerDisabled(), TrustedIssuerEnabled()
ISSUER_DELETED = TrustedIssuerDeleted(issuer="https://ci.example.com")

EXCHANGED = TokenExchanged(
    subject=UUID("0192f000-0000-7000-8000-0000000000d1"),
    subject_client="oauth_client_other",
    jti=UUID("0192f000-0000-7000-8000-0000000000d2"),
    kind="access_token",
    client_id=CLIENT_ID,
    sub=str(PERSON),
    actor="bot-abc123",
    scope="crm:read",
    audience="https://crm.example.com",
    at=AT,
)
ASSERTED = GRANTED.__replace__(
    session=NO_SESSION,
    nonce=None,
    id_token_claims=(),
    userinfo_claims=(),
    amr=(),
    bound_by=(),
    assertion=Assertion(
        issuer_id=UUID("0192f000-0000-7000-8000-0000000000d3"), issuer="https://idp.example.com", jti="once"
    ),
)

EVENTS: tuple[Event, ...] = (
    REGISTERED,
    INTERACTIVE,
    RENAMED,
    MOVED,
    NARROWED,
    SECRET_ADDED,
    SECRET_REVOKED,
    IMPORTED,
    SECRET_REHASHED,
    SECRET_EXPIRING,
    DISABLED,
    ENABLED,
    DELETED,
    RESTORED,
    BOT_REGISTERED,
    BOT_DISABLED,
    BOT_ENABLED,
    BOT_DELETED,
    BOT_RESTORED,
    API_REGISTERED,
    API_CHANGED,
    API_DELETED,
    PUBLISHED,
    ACTIVATED,
    RETIRED,
    REVOKED,
    PUBLIC_REGISTERED,
    REGISTERED_ITSELF,
    INITIAL_TOKEN,
    INITIAL_TOKEN_USED,
    INITIAL_TOKEN_REVOKED,
    LOGIN_CHANGED,
    ALG_CHANGED,
    APIS_CHANGED,
    SECURITY_CHANGED,
    ABOUT_CHANGED,
    DOCUMENT_SEEN,
    KEYED,
    KEY_ADDED,
    KEY_REVOKED,
    KEY_EXPIRING,
    RSA_PUBLISHED,
    USER_REGISTERED,
    USER_FROM_UPSTREAM,
    USER_VERIFIED,
    PASSWORD_CHANGED,
    PROFILE_CHANGED,
    FACTOR_ADDED,
    PASSKEY_ADDED,
    NAMED_PASSKEY_ADDED,
    FACTOR_REMOVED,
    USER_DISABLED,
    USER_ENABLED,
    USER_ERASED,
    ROLE_GIVEN,
    ROLE_TAKEN,
    GROUP_ROLE_GIVEN,
    GROUP_ROLE_TAKEN,
    SESSION_STARTED,
    REAUTHENTICATED,
    SESSION_ENDED,
    ENDED_QUIETLY,
    USED_AFTER_END,
    CLIENT_NOTIFIED,
    CLIENT_NOT_REACHED,
    CONSENT_GIVEN,
    CONSENT_TO_US,
    CONSENT_WITHDRAWN,
    GRANTED,
    GRANTED_THE_LEAST,
    CODE_ISSUED,
    CODE_REDEEMED,
    CODE_REPLAYED,
    REDEMPTION_REFUSED,
    REFRESH_ISSUED,
    REFRESH_ROTATED,
    REFRESH_REPLAYED,
    AUTHORIZATION_REVOKED,
    DEVICE_CODE_ISSUED,
    DEVICE_REQUESTED,
    DEVICE_APPROVED,
    DEVICE_DENIED,
    AUTHORIZATION_REFUSED,
    AUTHENTICATION_REFUSED,
    THROTTLED,
    TOKENS_DROPPED,
    AUDIT_READ,
    REVOCATION_ORDERED,
    NOT_PERMITTED,
    USER_CODE_REFUSED,
    REFUSALS_LEFT_OUT,
    ISSUER_REGISTERED,
    DOMAIN_REGISTERED,
    ISSUER_CHANGED,
    ISSUER_DISABLED,
    ISSUER_ENABLED,
    ISSUER_DELETED,
    EXCHANGED,
    ASSERTED,
)
"""At least one of every type."""
