"""muniment clients create: a client by the rules of POST /api/v1/auth/clients."""

from typing import Annotated

import typer

from events.client import USUAL_ID_TOKEN_ALG
from events.client_security import USUAL_RESPONSE_ALG
from events.database import Pool
from events.envelope import Meta
from service.cli import api_options
from service.cli.api_options import GrantedApis, granted_of
from service.cli.authentication_options import (
    AUTH_METHODS,
    PROFILES,
    AuthMethod,
    CertificateBound,
    CertificateName,
    DpopBound,
    Jwks,
    JwksUri,
    Profile,
    Workloads,
    names_of,
    workloads_of,
)
from service.cli.client_options import (
    ALGS,
    OPTIONS,
    PKCE,
    USERINFO_ALGS,
    AccessTokenAlg,
    BackchannelUri,
    DeviceGrant,
    FirstParty,
    IdTokenAlg,
    IdTokenClaims,
    LogoutUris,
    Name,
    RedirectUris,
    RequirePkce,
    Scopes,
    UserinfoAlgOption,
    scopes_of,
    uris_of,
)
from service.cli.delegation_options import IdentityAssertionsFile, TokenExchangeFile, policies
from service.cli.key_file import read_jwks
from service.cli.ledger import OPERATOR, with_ledger
from service.cli.opening import by_operator
from service.cli.output import Json, document, lines, note
from service.cli.ownership import Owner, check_owner, holder
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_of, speaking_of
from service.cli.request_options import (
    JAR_ALGS,
    DefaultMaxAge,
    JarAlg,
    JarmAlg,
    RequestUris,
    RequireAuthTime,
    RequireJar,
    RequirePar,
    at_creation,
)
from service.commands.handle import CLIENT, Ledger, handle
from service.configuration.settings import Settings
from service.crypto.credentials import Secret
from service.endpoints.client_schemas import CreateOAuthClientRequest

Bot = Annotated[
    str | None,
    typer.Option(
        "--bot", metavar="ID", help="The `sub` of its tokens; a machine client needs one.", show_default=False
    ),
]
Interactive = Annotated[
    bool,
    typer.Option("--interactive", help="People sign in through it; it needs --redirect-uri or --device-grant yes."),
]
Public = Annotated[bool, typer.Option("--public", help="It can keep no secret: a browser or native app. For ever.")]
SecretName = Annotated[
    str | None, typer.Option("--secret-name", metavar="TEXT", help="What people call its secret.", show_default=False)
]


def create(
    *,
    owner: Owner,
    bot: Bot = None,
    interactive: Interactive = False,
    name: Name = None,
    scope: Scopes = None,
    api: GrantedApis = None,
    public: Public = False,
    secret_name: SecretName = None,
    auth_method: AuthMethod = None,
    jwks: Jwks = None,
    jwks_uri: JwksUri = None,
    certificate_name: CertificateName = None,
    workload: Workloads = None,
    profile: Profile = None,
    access_token_alg: AccessTokenAlg = None,
    dpop_bound: DpopBound = None,
    certificate_bound: CertificateBound = None,
    token_exchange: TokenExchangeFile = None,
    identity_assertions: IdentityAssertionsFile = None,
    redirect_uri: RedirectUris = None,
    require_par: RequirePar = None,
    require_jar: RequireJar = None,
    jar_alg: JarAlg = None,
    jarm_alg: JarmAlg = None,
    userinfo_alg: UserinfoAlgOption = None,
    request_uri: RequestUris = None,
    default_max_age: DefaultMaxAge = None,
    require_auth_time: RequireAuthTime = None,
    device_grant: DeviceGrant = None,
    require_pkce: RequirePkce = None,
    first_party: FirstParty = None,
    id_token_alg: IdTokenAlg = None,
    post_logout_uri: LogoutUris = None,
    backchannel_logout_uri: BackchannelUri = None,
    id_token_claims: IdTokenClaims = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Register a client, and print its secret, once. It is a machine client, unless --interactive is given.

    Without --scope it may have api:public. --api grants it another API (muniment apis list).

    Example: `muniment clients create --owner crm-team --bot bot-abc123 --name "CRM sync" --scope crm:read`
    """
    asked = CreateOAuthClientRequest(
        m2m=not interactive,
        bot_user_id=bot,
        display_name=name,
        redirect_uris=uris_of(redirect_uri or []),
        scopes=None if scope is None else scopes_of(scope),
        secret_name=secret_name,
        public=public,
        require_pkce=None if require_pkce is None else PKCE[require_pkce],
        first_party=first_party == "yes",
        id_token_signed_response_alg=id_token_alg or USUAL_ID_TOKEN_ALG,
        post_logout_redirect_uris=uris_of(post_logout_uri or []),
        backchannel_logout_uri=backchannel_logout_uri,
        id_token_claims=id_token_claims or "scopes",
        access_token_signed_response_alg=None if access_token_alg is None else ALGS[access_token_alg],
        apis=granted_of(api or []),
        token_endpoint_auth_method=None if auth_method is None else AUTH_METHODS[auth_method],
        jwks=None if jwks is None else read_jwks(jwks),
        workload_identities=workloads_of(workload or []),
        jwks_uri=jwks_uri,
        security_profile=PROFILES[profile or "none"],
        dpop_bound_access_tokens=dpop_bound == "yes",
        tls_client_certificate_bound_access_tokens=certificate_bound == "yes",
        token_exchange=policies(token_exchange or ""),
        identity_assertions=policies(identity_assertions or ""),
        **names_of(certificate_name),
        require_pushed_authorization_requests=require_par == "yes",
        require_signed_request_object=require_jar == "yes",
        request_object_signing_alg=JAR_ALGS[jar_alg or "any"],
        authorization_signed_response_alg=jarm_alg or USUAL_RESPONSE_ALG,
        userinfo_signed_response_alg=USERINFO_ALGS[userinfo_alg or "none"],
        request_uris=uris_of(request_uri or []),
        default_max_age=at_creation(default_max_age),
        require_auth_time=require_auth_time == "yes",
        device_grant=device_grant == "yes",
    )
    check_owner(owner, "clients")
    meta = by_operator(reason)
    client_id, secret = with_ledger(lambda ledger, settings: _created(ledger, settings, asked, owner, meta))
    told = secret and secret.reveal()
    if as_json:
        document({"client_id": client_id, "client_secret": told})
        return
    lines([("client_id", client_id), *([("client_secret", told)] if told else [])])
    if told:
        note("the secret is shown this once, and kept nowhere")


async def _created(
    ledger: Ledger, settings: Settings, asked: CreateOAuthClientRequest, owner: str, meta: Meta
) -> tuple[str, Secret | None]:
    from service.endpoints import registration  # noqa: PLC0415 - it imports the hashes of other servers

    new = registration.prepared(await _checked(ledger.pool, settings, asked, owner), owner=owner, by=OPERATOR)
    with speaking_of(OPTIONS):
        await handle(ledger, CLIENT, new.stream, new.command, meta, fresh=True)
    return new.client_id, new.secret


async def _checked(
    connections: Pool, settings: Settings, asked: CreateOAuthClientRequest, owner: str
) -> CreateOAuthClientRequest:
    from service.endpoints import registration  # noqa: PLC0415
    from service.endpoints.bot_user import check_bot  # noqa: PLC0415

    fields = fields_of(asked)
    if (bot := fields.good("botUserId")) is not None:
        await check_bot(connections, holder(owner), bot, fields)
    registration.check(fields, settings)
    await api_options.check(connections, fields)
    return done(fields, OPTIONS)
