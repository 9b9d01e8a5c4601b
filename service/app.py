"""The program on one page: routes, refusals, lifespan."""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from copy import copy
from functools import partial
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from events.database import Unavailable
from events.transparency.trees import EVENTS, ISSUANCE, Tree
from service import housekeeping, logs
from service.configuration.settings import Settings, read_settings
from service.endpoints import (
    apis,
    audit,
    audit_tokens,
    authorize,
    blast_radius,
    bots,
    clients,
    credentials,
    device_authorizations,
    discovery,
    event_stream,
    grants,
    health,
    history,
    initial_access_tokens,
    keys,
    par,
    projections,
    provenance,
    rehearsals,
    resource_metadata,
    restoration,
    revocations,
    secrets,
    self_registration,
    signing_keys,
    transparency,
    trusted_issuers,
    unused,
    usage,
    user_consents,
    user_roles,
    user_sessions,
    users,
)
from service.endpoints.authentication import CALLER
from service.endpoints.introspect import introspect, introspect_again
from service.endpoints.management import Action, Managed
from service.endpoints.oauth import OAuth, issue_token, issue_token_again
from service.endpoints.responses import refusal
from service.endpoints.revoke import revoke
from service.endpoints.userinfo import UserInfo
from service.grants import client_credentials
from service.grants.device_authorization import authorize_device
from service.http.access_log import AccessLogged
from service.http.admission import ADMISSION, Admission
from service.http.asgi import Identified
from service.http.busy import Application, BusyPaths
from service.http.complete import Complete
from service.http.cors import CrossOrigin
from service.http.issuer_path import IssuerPath
from service.http.measured import MEASURED, Measured
from service.http.origin import below
from service.http.overload import Refusals
from service.http.protocol import CLOSING
from service.http.traced import Traced
from service.metrics import cells
from service.metrics.messages import count_messages
from service.metrics.process import ProcessMetrics
from service.oauth.authorization_request import NoRequest
from service.oauth.errors import Shown
from service.pages import (
    account,
    assets,
    authenticator,
    consent,
    device,
    docs,
    errors,
    factor,
    home,
    logo,
    logout,
    security,
    signed_out,
    signin,
    upstream,
)
from service.pages.page import Page
from service.problems import Invalid, NotAllowed, NotFound, Problem, Unforeseen
from service.request_id import this_request
from service.resources import open_resources
from service.tracing.opening import Tracing
from service.values.scopes import (
    AUDIT_READ,
    BOTS_READ,
    BOTS_WRITE,
    CLIENTS_READ,
    CLIENTS_WRITE,
    OPERATE,
    USERS_READ,
    USERS_WRITE,
)

log = logging.getLogger("muniment.app")

MOST_UNDER_WAY = 7_000
"""More objects than a hundred requests under way have: of these few are garbage, and looking through them every 700 objects, as Python
does, took a twentieth of the time under a high load, up to 50 ms at once.
"""

CLIENT = clients.PATH + "/{client_id}"
BOT = bots.PATH + "/{bot_id}"
USER = users.PATH + "/{user_id}"
INITIAL_ACCESS_TOKEN = initial_access_tokens.PATH + "/{token_id}"
API = apis.PATH + "/{api_id}"
DEVICE = device_authorizations.PATH + "/{device_id}"
TRUSTED_ISSUER = trusted_issuers.PATH + "/{issuer_id}"


async def _answer_to(request: Request, fault: Exception) -> Response:
    """Return the response to a fault that the path did not respond to itself."""
    match fault:
        case Shown() | NoRequest() | Unavailable():
            return await errors.refuse(request, fault)
        case HTTPException():
            return await _refused(request, fault)
        case _:
            return await _failed(request, fault)


async def _refused(request: Request, fault: Exception) -> Response:
    """Return Starlette's own refusals in the format of all others. A user in a browser gets a page."""
    assert isinstance(fault, HTTPException)
    if MEASURED not in request.scope:
        request.app.state.metrics.answered_nowhere(fault.status_code)
    if errors.is_person(request):
        return await errors.refuse(request, fault)
    problem: Problem
    match fault.status_code:
        case 404:
            problem = NotFound("There is nothing at this path; /docs lists all paths.")
        case 405:
            problem = NotAllowed(f"This path does not support {request.method}.")
        case _:
            problem = Invalid(fault.detail)
    problem.headers.update(fault.headers or {})
    return refusal(problem, this_request())


async def _failed(request: Request, fault: Exception) -> Response:
    if errors.is_person(request):
        return await errors.refuse(request, fault)
    request_id = this_request()
    log.error("request %s failed", request_id, exc_info=fault)
    return refusal(
        Unforeseen(f"Something went wrong. The operator finds the details in the log under request id {request_id}."),
        request_id,
    )


def _tree(path: str, tree: Tree) -> Mapping[str, Managed]:
    return {
        f"{path}/tile/{{tile:path}}": Managed(GET=Action(AUDIT_READ, partial(transparency.tile, tree))),
        f"{path}/proof/inclusion/{{position}}": Managed(
            GET=Action(AUDIT_READ, partial(transparency.inclusion, tree), query=True)
        ),
        f"{path}/proof/consistency/{{old}}/{{new}}": Managed(
            GET=Action(AUDIT_READ, partial(transparency.consistency, tree))
        ),
    }


MANAGED = {
    clients.PATH: Managed(
        GET=Action(CLIENTS_READ, clients.list_clients, query=True),
        POST=Action(CLIENTS_WRITE, clients.register),
        DELETE=Action(CLIENTS_WRITE, clients.delete_clients),
    ),
    CLIENT: Managed(
        GET=Action(CLIENTS_READ, clients.read_client, query=True),
        PATCH=Action(CLIENTS_WRITE, clients.change_client),
        DELETE=Action(CLIENTS_WRITE, clients.delete_client),
    ),
    f"{CLIENT}/history": Managed(GET=Action(CLIENTS_READ, history.client_history, query=True)),
    f"{CLIENT}/usage": Managed(GET=Action(CLIENTS_READ, usage.client_usage, query=True)),
    f"{CLIENT}/disable": Managed(POST=Action(CLIENTS_WRITE, clients.disable_client)),
    f"{CLIENT}/enable": Managed(POST=Action(CLIENTS_WRITE, clients.enable_client)),
    f"{CLIENT}/restore": Managed(POST=Action(CLIENTS_WRITE, restoration.restore_client_asked)),
    f"{CLIENT}/secrets": Managed(
        GET=Action(CLIENTS_READ, secrets.list_secrets, query=True),
        POST=Action(CLIENTS_WRITE, secrets.add_secret),
    ),
    f"{CLIENT}/keys": Managed(
        GET=Action(CLIENTS_READ, keys.list_keys, query=True),
        POST=Action(CLIENTS_WRITE, keys.add_key),
    ),
    CLIENT + "/keys/{key_id}": Managed(DELETE=Action(CLIENTS_WRITE, keys.revoke_key)),
    CLIENT + "/secrets/{secret_id}": Managed(DELETE=Action(CLIENTS_WRITE, secrets.revoke_secret)),
    bots.PATH: Managed(GET=Action(BOTS_READ, bots.list_bots, query=True), POST=Action(BOTS_WRITE, bots.register)),
    BOT: Managed(GET=Action(BOTS_READ, bots.read_bot, query=True), DELETE=Action(BOTS_WRITE, bots.delete_bot)),
    f"{BOT}/history": Managed(GET=Action(BOTS_READ, history.bot_history, query=True)),
    f"{BOT}/disable": Managed(POST=Action(BOTS_WRITE, bots.disable_bot)),
    f"{BOT}/enable": Managed(POST=Action(BOTS_WRITE, bots.enable_bot)),
    f"{BOT}/restore": Managed(POST=Action(BOTS_WRITE, restoration.restore_bot_asked)),
    users.PATH: Managed(GET=Action(USERS_READ, users.list_users, query=True), POST=Action(USERS_WRITE, users.register)),
    USER: Managed(
        GET=Action(USERS_READ, users.read_user, query=True),
        PATCH=Action(USERS_WRITE, users.change_user),
        DELETE=Action(USERS_WRITE, users.erase_user),
    ),
    USER + "/roles/{role}": Managed(
        PUT=Action(OPERATE, user_roles.give_role), DELETE=Action(OPERATE, user_roles.take_role)
    ),
    f"{USER}/sessions": Managed(
        GET=Action(USERS_READ, user_sessions.list_sessions, query=True),
        DELETE=Action(USERS_WRITE, user_sessions.end_sessions),
    ),
    USER + "/sessions/{session_id}": Managed(DELETE=Action(USERS_WRITE, user_sessions.end_session)),
    USER + "/consents/{client_id}": Managed(DELETE=Action(USERS_WRITE, user_consents.withdraw_consents)),
    user_sessions.PATH: Managed(GET=Action(USERS_READ, user_sessions.list_all_sessions, query=True)),
    f"{USER}/history": Managed(GET=Action(USERS_READ, history.user_history, query=True)),
    f"{USER}/disable": Managed(POST=Action(USERS_WRITE, users.disable_user)),
    f"{USER}/enable": Managed(POST=Action(USERS_WRITE, users.enable_user)),
    apis.PATH: Managed(GET=Action(CLIENTS_READ, apis.list_apis, query=True), POST=Action(OPERATE, apis.register)),
    API: Managed(
        GET=Action(CLIENTS_READ, apis.read_api, query=True),
        PATCH=Action(OPERATE, apis.change_api),
        DELETE=Action(OPERATE, apis.delete_api),
    ),
    f"{API}/history": Managed(GET=Action(CLIENTS_READ, history.api_history, query=True)),
    trusted_issuers.PATH: Managed(
        GET=Action(AUDIT_READ, trusted_issuers.list_trusted_issuers, query=True),
        POST=Action(OPERATE, trusted_issuers.register),
    ),
    TRUSTED_ISSUER: Managed(
        GET=Action(AUDIT_READ, trusted_issuers.read_trusted_issuer, query=True),
        PATCH=Action(OPERATE, trusted_issuers.change_trusted_issuer),
        DELETE=Action(OPERATE, trusted_issuers.delete_trusted_issuer),
    ),
    f"{TRUSTED_ISSUER}/history": Managed(GET=Action(AUDIT_READ, history.trusted_issuer_history, query=True)),
    f"{TRUSTED_ISSUER}/disable": Managed(POST=Action(OPERATE, trusted_issuers.disable_trusted_issuer)),
    f"{TRUSTED_ISSUER}/enable": Managed(POST=Action(OPERATE, trusted_issuers.enable_trusted_issuer)),
    initial_access_tokens.PATH: Managed(
        GET=Action(CLIENTS_READ, initial_access_tokens.list_tokens, query=True),
        POST=Action(CLIENTS_WRITE, initial_access_tokens.issue),
    ),
    INITIAL_ACCESS_TOKEN: Managed(
        GET=Action(CLIENTS_READ, initial_access_tokens.read_token, query=True),
        DELETE=Action(CLIENTS_WRITE, initial_access_tokens.revoke),
    ),
    f"{INITIAL_ACCESS_TOKEN}/history": Managed(
        GET=Action(CLIENTS_READ, history.initial_access_token_history, query=True)
    ),
    **_tree(transparency.PATH, EVENTS),
    **_tree(transparency.ISSUANCE_PATH, ISSUANCE),
    blast_radius.PATH: Managed(GET=Action(AUDIT_READ, blast_radius.blast_radius, query=True)),
    provenance.PATH: Managed(GET=Action(AUDIT_READ, provenance.explain_token, query=True)),
    credentials.PATH: Managed(POST=Action(AUDIT_READ, credentials.recognize)),
    revocations.PATH: Managed(POST=Action(OPERATE, revocations.revoke)),
    rehearsals.PATH: Managed(POST=Action(AUDIT_READ, rehearsals.rehearse)),
    unused.PATH: Managed(GET=Action(AUDIT_READ, unused.list_unused, query=True)),
    audit_tokens.TOKENS_PATH: Managed(GET=Action(AUDIT_READ, audit_tokens.list_tokens, query=True)),
    audit.EVENTS_PATH: Managed(GET=Action(AUDIT_READ, audit.list_events, query=True)),
    grants.CONSENTS: Managed(GET=Action(USERS_READ, grants.list_consents, query=True)),
    device_authorizations.PATH: Managed(
        GET=Action(AUDIT_READ, device_authorizations.list_device_authorizations, query=True)
    ),
    DEVICE: Managed(GET=Action(AUDIT_READ, device_authorizations.read_device_authorization)),
    f"{DEVICE}/history": Managed(GET=Action(AUDIT_READ, history.device_authorization_history, query=True)),
    grants.GRANTS: Managed(GET=Action(USERS_READ, grants.list_grants, query=True)),
    signing_keys.PATH: Managed(GET=Action(CLIENTS_READ, signing_keys.list_signing_keys, query=True)),
    usage.PATH: Managed(GET=Action(AUDIT_READ, usage.issued_tokens)),
    projections.PATH: Managed(GET=Action(AUDIT_READ, projections.list_projections)),
    projections.PATH + "/{projection}": Managed(GET=Action(AUDIT_READ, projections.read_projection)),
    f"{signing_keys.PATH}/rotate": Managed(POST=Action(OPERATE, signing_keys.rotate_signing_keys)),
    event_stream.STREAM_PATH: Managed(GET=Action(AUDIT_READ, event_stream.stream_events, query=True)),
}

SHARED = [Middleware(CrossOrigin)]
"""For routes that read no cookie: scripts of any site may call them."""

READ = ["GET", "OPTIONS"]

TOKEN, INTROSPECT, REVOKE, PAR = "/openid/token", "/openid/introspect", "/openid/revoke", "/openid/par"
DEVICE_AUTHORIZATION = "/openid/device_authorization"

ROUTES = [  # for programs, and the browsers that they send here; /openapi.json lists them; tried in order, so the busiest come first
    Route(
        TOKEN,
        OAuth(TOKEN, issue_token, again=issue_token_again, only_with=client_credentials.GRANT_TYPE.encode()),
        middleware=SHARED,
    ),
    Route(INTROSPECT, OAuth(INTROSPECT, introspect, again=introspect_again), middleware=SHARED),
    *(Route(path, managed, middleware=SHARED) for path, managed in MANAGED.items()),
    Route(REVOKE, OAuth(REVOKE, revoke), middleware=SHARED),
    Route(PAR, OAuth(PAR, par.push, success=201, any_text=True), middleware=SHARED),
    Route(DEVICE_AUTHORIZATION, OAuth(DEVICE_AUTHORIZATION, authorize_device), middleware=SHARED),
    Route("/openid/jwks", discovery.jwks, methods=READ, middleware=SHARED),
    Route("/openid/authorize", Complete(authorize.begin, _answer_to, ("GET", "POST"))),
    Route("/openid/userinfo", UserInfo(), middleware=SHARED),
    Route(self_registration.PATH, self_registration.register, methods=["POST", "OPTIONS"], middleware=SHARED),
    Route(
        self_registration.PATH + "/{client_id}",
        self_registration.configure,
        methods=["GET", "PUT", "DELETE", "OPTIONS"],
        middleware=SHARED,
    ),
    Route("/openid/logout", logout.logout, methods=["GET", "POST"]),
    Route("/.well-known/openid-configuration", discovery.openid_metadata, methods=READ, middleware=SHARED),
    Route("/.well-known/oauth-authorization-server", discovery.oauth_metadata, methods=READ, middleware=SHARED),
    Route(resource_metadata.WELL_KNOWN, resource_metadata.of_userinfo, methods=READ, middleware=SHARED),
    Route(
        f"{resource_metadata.WELL_KNOWN}{resource_metadata.MANAGEMENT_API}",
        resource_metadata.of_management,
        methods=READ,
        middleware=SHARED,
    ),
    Route(f"{transparency.PATH}/key", transparency.key, methods=READ, middleware=SHARED),
    *(
        Route(f"{path}/checkpoint", partial(transparency.checkpoint, tree), methods=READ, middleware=SHARED)
        for path, tree in ((transparency.PATH, EVENTS), (transparency.ISSUANCE_PATH, ISSUANCE))
    ),
    Route("/health/live", health.live, methods=READ, middleware=SHARED),
    Route("/health/ready", health.ready, methods=READ, middleware=SHARED),
    Route("/openapi.json", docs.openapi, methods=READ, middleware=SHARED),
    Route("/docs", docs.page),
    Route("/docs/{name}", docs.static),
]

LOGIN = [  # pages for users
    Route("/openid/continue", Complete(authorize.go_on, _answer_to, ("GET",))),
    Route(authorize.FORM_POST_SCRIPT, authorize.form_post_script),
    Route("/signout", logout.SIGNOUT_PAGE),
    Route("/", home.HOME_PAGE),
    Route("/signin", signin.SIGNIN),
    Route("/signin/factor", factor.FACTOR),
    Route("/signin/account", signin.ACCOUNT),
    Route("/signin/upstream", upstream.UPSTREAM),
    Route("/signin/upstream/callback", upstream.CALLBACK),
    Route("/consent", consent.CONSENT_PAGE),
    Route(logo.PATH, logo.LOGO),
    Route(device.DEVICE, device.DEVICE_PAGE),
    *(Route(path, page) for path, page in device.ANSWERED_PAGES.items()),
    Route("/account", account.APPLICATIONS_PAGE),
    Route("/account/sessions", account.SESSIONS_PAGE),
    Route("/account/security", security.SECURITY_PAGE),
    Route("/account/authenticator", authenticator.AUTHENTICATOR_PAGE),
    Route("/signed-out", signed_out.SIGNED_OUT_PAGE),
    Route(assets.PATH + "/{name}", assets.static),
]


class Console:
    """The console is imported at its first request, so that a worker that serves none has no memory for it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from service.console.site import site  # noqa: PLC0415

        await site(_answer_to)(scope, receive, send)


CONSOLE = [Route("/console", Console()), Route("/console/{rest:path}", Console())]
"""Pages for operators, auditors and owners, over the management API."""

ALL_ROUTES = [*ROUTES, *LOGIN, *CONSOLE]


def create() -> Application:
    """Create the application in each uvicorn worker, from the environment that `muniment serve` completed. Raises WrongSettings."""
    settings = read_settings(os.environ)
    logs.set_up(settings.log_level, settings.log_format)
    application = app(settings, cells.directory())
    count_messages(application.state.metrics.messages)
    return application


def app(settings: Settings, directory: Path | None = None) -> Application:
    """Metrics are counted in a file of the directory. Without one nobody reads them, and responses are not even measured."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    url, master_key = settings.database_url, settings.master_key
    is_measured = directory is not None
    paths = [route.path for route in ALL_ROUTES] if is_measured else []
    metrics, tracing = ProcessMetrics(paths, directory), Tracing()

    @contextlib.asynccontextmanager
    async def lifespan(application: Application) -> AsyncGenerator[dict[str, object]]:
        async with (
            tracing.open(settings.traces),
            open_resources(settings, url, master_key, metrics) as resources,
        ):
            application.resources = resources
            with contextlib.suppress(
                Unavailable
            ):  # /health/ready reports it; a worker that ended here would end its siblings too
                await resources.lookup.be_current()
            housekeeping.leave_with_parent()
            tasks = [
                asyncio.create_task(resources.lookup.run(resources.outages)),
                asyncio.create_task(housekeeping.run(resources, url)),
            ]
            gc.freeze()  # what is there for good is not searched for garbage: that took tens of milliseconds at a time
            gc.set_threshold(MOST_UNDER_WAY)
            admission = Admission(Refusals(below(settings.issuer)).of, resources.issuance.may_wait)
            yield {CLOSING: resources.streams.closing, ADMISSION: admission}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await housekeeping.finish(resources)

    refusals = dict.fromkeys((Shown, NoRequest, Unavailable, HTTPException, Exception), _answer_to)
    routes = [_counted(route, metrics) for route in ALL_ROUTES] if is_measured else ALL_ROUTES
    application = Application(
        routes=routes,
        middleware=[
            Middleware(Identified),
            *_issuer_path(settings.issuer, ALL_ROUTES),
            *_observed(settings, tracing),
        ],
        lifespan=lifespan,
        exception_handlers=refusals,
    )
    application.router.redirect_slashes = (
        False  # a redirect would go to the host of the Host header and lose the body of a POST
    )
    application.state.metrics, application.state.tracing = metrics, tracing
    if not settings.traces and not settings.access_log:  # these two see each response on its way out
        application.busy = BusyPaths(filter(is_busy, routes))
    return application


def is_busy(route: Route) -> bool:
    """Whether its application responds to every fault itself, and needs nothing of Starlette but the parameters of its path."""
    return isinstance(route.endpoint, OAuth | Managed | UserInfo | Complete | Page | Console)


def _counted(route: Route, metrics: ProcessMetrics) -> Route:
    if isinstance(route.endpoint, OAuth):  # these count by themselves, which costs less
        return route
    counted = copy(route)
    counted.app = Measured(route.app, metrics.routes[route.path], inner=CALLER)
    return counted


def _issuer_path(issuer: str, routes: Sequence[Route]) -> list[Middleware]:
    """Return no middleware for most issuers, which have no path."""
    path = below(issuer)
    rooms = {route.path.split("/")[1] for route in routes}
    return [Middleware(IssuerPath, path=path, rooms=rooms)] if path else []


def _observed(settings: Settings, tracing: Tracing) -> list[Middleware]:
    """They come last, where the scope is the one that the router names the route in."""
    access_log = [Middleware(AccessLogged)] if settings.access_log else []
    return [Middleware(Traced, tracing=tracing), *access_log] if settings.traces else access_log
