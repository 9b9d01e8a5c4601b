"""muniment clients edit: the settings that PATCH /api/v1/auth/clients/{clientId} changes, by its rules."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import UNSET, Struct, to_builtins

from events.envelope import Meta
from projections import clients
from service.cli import api_options
from service.cli.api_options import GrantedApis, LessApis, MoreApis
from service.cli.authentication_options import (
    AUTH_METHODS,
    PROFILES,
    AuthMethod,
    CertificateBound,
    CertificateName,
    DpopBound,
    JwksUri,
    Profile,
    Workloads,
    changed_names,
    workloads_of,
)
from service.cli.client_lookup import ClientId, carry_out, row_of
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
    text,
    uris_of,
    whole_list,
)
from service.cli.delegation_options import IdentityAssertionsFile, TokenExchangeFile, policies
from service.cli.histories import field_facts
from service.cli.ledger import OPERATOR, AtVersion, with_ledger
from service.cli.opening import Plainly, by_operator
from service.cli.output import Json, document, lines, note
from service.cli.reason_option import Reason
from service.cli.request_fields import done, fields_of, flag, speaking_of
from service.cli.request_options import (
    JAR_ALGS,
    DefaultMaxAge,
    JarAlg,
    JarmAlg,
    RequestUris,
    RequireAuthTime,
    RequireJar,
    RequirePar,
    seconds_of,
)
from service.commands.handle import ATTEMPTS, Handled, Ledger
from service.configuration.settings import Settings
from service.endpoints import client_settings
from service.endpoints.client_settings import ChangeOAuthClientRequest

if TYPE_CHECKING:
    from service.endpoints.differences import Difference

MoreScopes = Annotated[
    list[str] | None,
    typer.Option(
        "--add-scope", metavar="SCOPE", help="Besides those it has; may be a list or be repeated.", show_default=False
    ),
]
LessScopes = Annotated[
    list[str] | None,
    typer.Option(
        "--remove-scope", metavar="SCOPE", help="Of those it has; may be a list or be repeated.", show_default=False
    ),
]


class _Apis(Struct, frozen=True, kw_only=True):
    """`whole` is the whole list; the others are in relation to the APIs that the client has when it is carried out."""

    whole: list[str] | None = None
    more: list[str] = []
    less: list[str] = []


class _Edit(Struct, frozen=True, kw_only=True):
    """`added` and `removed` are in relation to the scopes that the client has when it is carried out: an older one may have a comma."""

    client_id: str
    asked: ChangeOAuthClientRequest
    added: list[str]
    removed: list[str]
    apis: _Apis
    at_version: int | None
    meta: Meta


class _Edited(Struct, frozen=True):
    before: clients.Row
    after: clients.Row


def edit(
    client_id: ClientId,
    *,
    name: Name = None,
    scope: Scopes = None,
    add_scope: MoreScopes = None,
    remove_scope: LessScopes = None,
    api: GrantedApis = None,
    add_api: MoreApis = None,
    remove_api: LessApis = None,
    auth_method: AuthMethod = None,
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
    at_version: AtVersion = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Change a client's settings, and show the difference. Only the named ones change; an empty value removes what there was.

    If somebody else changes the client at the same time, the change is made to what the client is then, unless --at-version is given.

    Example: `muniment clients edit oauth_client_0192f3a1c5d87cc4a1b2c3d4e5f60718 --add-scope crm:read --name "CRM sync"`
    """
    asked = ChangeOAuthClientRequest(
        display_name=text(name),
        redirect_uris=whole_list(redirect_uri, uris_of),
        scopes=whole_list(scope, scopes_of),
        access_token_signed_response_alg=UNSET if access_token_alg is None else ALGS[access_token_alg],
        token_endpoint_auth_method=UNSET if auth_method is None else AUTH_METHODS[auth_method],
        workload_identities=UNSET if workload is None else workloads_of(workload),
        jwks_uri=text(jwks_uri),
        security_profile=UNSET if profile is None else PROFILES[profile],
        dpop_bound_access_tokens=flag(dpop_bound),
        tls_client_certificate_bound_access_tokens=flag(certificate_bound),
        **changed_names(certificate_name),
        require_pushed_authorization_requests=flag(require_par),
        require_signed_request_object=flag(require_jar),
        request_object_signing_alg=UNSET if jar_alg is None else JAR_ALGS[jar_alg],
        authorization_signed_response_alg=jarm_alg or UNSET,
        userinfo_signed_response_alg=UNSET if userinfo_alg is None else USERINFO_ALGS[userinfo_alg],
        request_uris=whole_list(request_uri, uris_of),
        default_max_age=seconds_of(default_max_age),
        require_auth_time=flag(require_auth_time),
        device_grant=flag(device_grant),
        require_pkce=UNSET if require_pkce is None else PKCE[require_pkce],
        first_party=flag(first_party),
        id_token_signed_response_alg=id_token_alg or UNSET,
        post_logout_redirect_uris=whole_list(post_logout_uri, uris_of),
        backchannel_logout_uri=text(backchannel_logout_uri),
        id_token_claims=id_token_claims or UNSET,
        token_exchange=policies(token_exchange),
        identity_assertions=policies(identity_assertions),
    )
    added, removed = scopes_of(add_scope or []), remove_scope or []
    of_apis = _Apis(whole=api, more=add_api or [], less=remove_api or [])
    if asked == ChangeOAuthClientRequest() and not added and not removed and of_apis == _Apis():
        raise Plainly("say what to change; --help has the options")
    if scope is not None and (added or removed):
        raise Plainly("--scope is the whole list; give either it, or --add-scope and --remove-scope")
    if api is not None and (add_api or remove_api):
        raise Plainly("--api is the whole list; give either it, or --add-api and --remove-api")
    wanted = _Edit(
        client_id=client_id,
        asked=asked,
        added=added,
        removed=removed,
        apis=of_apis,
        at_version=at_version,
        meta=by_operator(reason),
    )
    _tell(client_id, with_ledger(lambda ledger, settings: _edited(ledger, settings, wanted)), as_json=as_json)


async def _edited(ledger: Ledger, settings: Settings, wanted: _Edit) -> _Edited:
    """Raises Plainly, and what `decide` raises. Added and removed scopes become a whole list, which is right for one version only."""
    before = await row_of(ledger, wanted.client_id)
    for _ in range(ATTEMPTS):
        fields = fields_of(_request(wanted, before))
        client_settings.check_changed(fields, settings)
        await api_options.check(ledger.pool, fields)
        command = client_settings.change(done(fields, OPTIONS), OPERATOR)
        relative = wanted.added or wanted.removed or wanted.apis.more or wanted.apis.less
        version = wanted.at_version or (before.version if relative else None)
        try:
            with speaking_of(OPTIONS):
                handled = await carry_out(ledger, wanted.client_id, command, wanted.meta, version)
        except Plainly:
            now = await row_of(ledger, wanted.client_id)
            if wanted.at_version is not None or now.version == before.version:
                raise
            before = now
        else:
            return _Edited(before, _after(before, handled))
    raise Plainly(f"Other requests change {wanted.client_id} all the time; try again.")


def _after(before: clients.Row, handled: Handled) -> clients.Row:
    row: Struct | None = before
    for event in handled.events:
        row = clients.TABLE.project(row, before.stream_id, event)
    assert isinstance(row, clients.Row), "an edit deletes no client"
    return row.__replace__(version=handled.version)


def _request(wanted: _Edit, row: clients.Row) -> ChangeOAuthClientRequest:
    apis = api_options.edited(wanted.apis.whole, wanted.apis.more, wanted.apis.less, row.apis)
    asked = wanted.asked.__replace__(apis=apis)
    if not wanted.added and not wanted.removed:
        return asked
    removed = {scope for text in wanted.removed for scope in ([text] if text in row.scopes else scopes_of([text]))}
    kept = [scope for scope in row.scopes if scope not in removed]
    return asked.__replace__(scopes=list(dict.fromkeys([*kept, *wanted.added])))


def _tell(client_id: str, edited: _Edited, *, as_json: bool) -> None:
    changes = _changes(edited)
    if as_json:
        document({"client_id": client_id, "version": edited.after.version, "changes": to_builtins(changes)})
        return
    lines(field_facts(changes))
    note(f"{client_id} is changed; it is at version {edited.after.version}" if changes else "nothing changes")


def _changes(edited: _Edited) -> Mapping[str, "Difference"]:
    from service.endpoints import differences  # noqa: PLC0415 - it imports Starlette

    return differences.difference(differences.of_client(edited.before), differences.of_client(edited.after))
