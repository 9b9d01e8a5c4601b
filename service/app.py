"""The program on one page: routes, refusals, lifespan."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from events.database import Unavailable
from service import housekeeping, logs
from service.configuration.settings import Settings, read_settings
from service.endpoints import authorize, bots, clients, discovery, health, secrets, users
from service.endpoints.introspect import introspect
from service.endpoints.management import Action, Managed
from service.endpoints.oauth import OAuth, issue_token
from service.endpoints.responses import refusal
from service.endpoints.revoke import revoke
from service.endpoints.userinfo import userinfo
from service.http.asgi import Identified
from service.http.cors import CrossOrigin
from service.http.issuer_path import IssuerPath
from service.http.origin import below
from service.oauth.authorization_request import NoRequest
from service.oauth.errors import Shown
from service.pages import (
    account,
    assets,
    authenticator,
    consent,
    docs,
    errors,
    factor,
    home,
    logout,
    security,
    signed_out,
    signin,
    upstream,
)
from service.problems import Invalid, NotAllowed, NotFound, Problem, Unforeseen
from service.request_id import this_request
from service.resources import open_resources
from service.values.scopes import BOTS_READ, BOTS_WRITE, CLIENTS_READ, CLIENTS_WRITE, USERS_READ, USERS_WRITE

log = logging.getLogger("muniment.app")

CLIENT = clients.PATH + "/{client_id}"
BOT = bots.PATH + "/{bot_id}"
USER = users.PATH + "/{user_id}"

MANAGED = {
    clients.PATH: Managed(
        GET=Action(CLIENTS_READ, clients.list_clients, lists=True),
        POST=Action(CLIENTS_WRITE, clients.register),
        DELETE=Action(CLIENTS_WRITE, clients.delete_clients),
    ),
    CLIENT: Managed(
        GET=Action(CLIENTS_READ, clients.read_client),
        PATCH=Action(CLIENTS_WRITE, clients.change_client),
        DELETE=Action(CLIENTS_WRITE, clients.delete_client),
    ),
    f"{CLIENT}/disable": Managed(POST=Action(CLIENTS_WRITE, clients.disable_client)),
    f"{CLIENT}/enable": Managed(POST=Action(CLIENTS_WRITE, clients.enable_client)),
    f"{CLIENT}/secrets": Managed(
        GET=Action(CLIENTS_READ, secrets.list_secrets),
        POST=Action(CLIENTS_WRITE, secrets.add_secret),
    ),
    CLIENT + "/secrets/{secret_id}": Managed(DELETE=Action(CLIENTS_WRITE, secrets.revoke_secret)),
    bots.PATH: Managed(GET=Action(BOTS_READ, bots.list_bots, lists=True), POST=Action(BOTS_WRITE, bots.register)),
    BOT: Managed(GET=Action(BOTS_READ, bots.read_bot), DELETE=Action(BOTS_WRITE, bots.delete_bot)),
    f"{BOT}/disable": Managed(POST=Action(BOTS_WRITE, bots.disable_bot)),
    f"{BOT}/enable": Managed(POST=Action(BOTS_WRITE, bots.enable_bot)),
    users.PATH: Managed(GET=Action(USERS_READ, users.list_users, lists=True), POST=Action(USERS_WRITE, users.register)),
    USER: Managed(
        GET=Action(USERS_READ, users.read_user),
        PATCH=Action(USERS_WRITE, users.change_user),
        DELETE=Action(USERS_WRITE, users.erase_user),
    ),
    f"{USER}/disable": Managed(POST=Action(USERS_WRITE, users.disable_user)),
    f"{USER}/enable": Managed(POST=Action(USERS_WRITE, users.enable_user)),
}

SHARED = [Middleware(CrossOrigin)]
"""For routes that read no cookie: scripts of any site may call them."""

READ = ["GET", "OPTIONS"]

ROUTES = [  # for programs, and the browsers that they send here; /openapi.json lists them; tried in order, so the busiest come first
    Route("/openid/token", OAuth(issue_token), middleware=SHARED),
    Route("/openid/introspect", OAuth(introspect), middleware=SHARED),
    *(Route(path, managed, middleware=SHARED) for path, managed in MANAGED.items()),
    Route("/openid/revoke", OAuth(revoke), middleware=SHARED),
    Route("/openid/jwks", discovery.jwks, methods=READ, middleware=SHARED),
    Route("/openid/authorize", authorize.begin, methods=["GET", "POST"]),
    Route("/openid/userinfo", userinfo, methods=["GET", "POST", "OPTIONS"], middleware=SHARED),
    Route("/openid/logout", logout.logout, methods=["GET", "POST"]),
    Route("/.well-known/openid-configuration", discovery.metadata, methods=READ, middleware=SHARED),
    Route("/.well-known/oauth-authorization-server", discovery.metadata, methods=READ, middleware=SHARED),
    Route("/health/live", health.live, methods=READ, middleware=SHARED),
    Route("/health/ready", health.ready, methods=READ, middleware=SHARED),
    Route("/openapi.json", docs.openapi, methods=READ, middleware=SHARED),
    Route("/docs", docs.page),
    Route("/docs/{name}", docs.static),
]

LOGIN = [  # pages for users
    Route("/openid/continue", authorize.go_on),
    Route(authorize.FORM_POST_SCRIPT, authorize.form_post_script),
    Route("/signout", logout.SIGNOUT_PAGE),
    Route("/", home.HOME_PAGE),
    Route("/signin", signin.SIGNIN),
    Route("/signin/factor", factor.FACTOR),
    Route("/signin/account", signin.ACCOUNT),
    Route("/signin/upstream", upstream.UPSTREAM),
    Route("/signin/upstream/callback", upstream.CALLBACK),
    Route("/consent", consent.CONSENT_PAGE),
    Route("/account", account.APPLICATIONS_PAGE),
    Route("/account/sessions", account.SESSIONS_PAGE),
    Route("/account/security", security.SECURITY_PAGE),
    Route("/account/authenticator", authenticator.AUTHENTICATOR_PAGE),
    Route("/signed-out", signed_out.SIGNED_OUT_PAGE),
    Route(assets.PATH + "/{name}", assets.static),
]


def create() -> Starlette:
    """Create the application in each uvicorn worker, from the environment that `muniment serve` completed. Raises WrongSettings."""
    settings = read_settings(os.environ)
    logs.set_up(settings.log_level, settings.log_format)
    return app(settings)


def app(settings: Settings) -> Starlette:
    assert settings.database_url is not None
    assert settings.master_key is not None
    url, master_key = settings.database_url, settings.master_key

    @contextlib.asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncGenerator[None]:
        async with open_resources(settings, url, master_key) as resources:
            application.state.resources = resources
            with contextlib.suppress(
                Unavailable
            ):  # /health/ready reports it; a worker that ended here would end its siblings too
                await resources.lookup.be_current()
            housekeeping.leave_with_parent()
            tasks = [
                asyncio.create_task(resources.lookup.run(resources.outages)),
                asyncio.create_task(housekeeping.run(resources, url)),
            ]
            yield
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    shown = dict.fromkeys((Shown, NoRequest, Unavailable), errors.refuse)
    refusals = {**shown, HTTPException: _refused, Exception: _failed}
    routes = [*ROUTES, *LOGIN]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(Identified), *_issuer_path(settings.issuer, routes)],
        lifespan=lifespan,
        exception_handlers=refusals,
    )
    application.router.redirect_slashes = (
        False  # a redirect would go to the host of the Host header and lose the body of a POST
    )
    return application


def _issuer_path(issuer: str, routes: Sequence[Route]) -> list[Middleware]:
    """Return no middleware for most issuers, which have no path."""
    path = below(issuer)
    rooms = {route.path.split("/")[1] for route in routes}
    return [Middleware(IssuerPath, path=path, rooms=rooms)] if path else []


async def _refused(request: Request, fault: Exception) -> Response:
    """Return Starlette's own refusals in the format of all others. A user in a browser gets a page."""
    assert isinstance(fault, HTTPException)
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
