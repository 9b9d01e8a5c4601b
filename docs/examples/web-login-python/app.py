"""A web application that people log in to: Starlette, with Authlib as its OpenID Connect client."""

import os
import secrets
from html import escape

from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8000")

oauth = OAuth()
oauth.register(
    "muniment",
    # The discovery document names all endpoints and keys, so nothing else about the issuer stands here.
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    # Authlib uses PKCE only where it is told to: then a stolen code is worthless to anybody else.
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


async def home(request: Request) -> Response:
    user = request.session.get("user")
    if user is None:
        return HTMLResponse('<p>You are not signed in.</p><p><a href="/login">Sign in</a></p>')
    # Names and addresses are other people's text: they are escaped like any input.
    who = f"{escape(user['name'] or user['sub'])} ({escape(user['email'] or 'no e-mail address')})"
    # Sign-out is a POST, so that no link or image on another site can sign people out.
    return HTMLResponse(
        f'<p>Signed in as {who}.</p><form method="post" action="/logout"><button>Sign out</button></form>'
    )


async def login(request: Request) -> Response:
    # Authlib keeps state, nonce and the PKCE verifier in the session, which ties the login to this browser.
    return await oauth.muniment.authorize_redirect(request, request.url_for("callback"))


async def callback(request: Request) -> Response:
    try:
        # This checks the state, redeems the code, and verifies the ID token: signature, issuer, audience, expiry, nonce.
        token = await oauth.muniment.authorize_access_token(request)
    except OAuthError as error:  # the person said no, or the callback does not belong to a login of this browser
        why = escape(error.description or error.error)
        return HTMLResponse(f'<p>You are not signed in: {why}</p><p><a href="/login">Try again</a></p>', 400)
    claims = token["userinfo"]
    # `sub` is the key for your own tables: it never changes, while e-mail addresses and names do.
    request.session["user"] = {name: claims.get(name) for name in ("sub", "name", "email")}
    request.session["id_token"] = token["id_token"]
    return RedirectResponse("/", 303)


async def logout(request: Request) -> Response:
    id_token = request.session.get("id_token")
    request.session.clear()
    # The ID token proves which login is meant, so Muniment ends its own session too, without asking the person again.
    return await oauth.muniment.logout_redirect(request, request.url_for("home"), id_token)


app = Starlette(
    routes=[
        Route("/", home),
        Route("/login", login),
        Route("/callback", callback),
        Route("/logout", logout, methods=["POST"]),
    ],
    middleware=[
        Middleware(
            SessionMiddleware,
            # Set SESSION_SECRET where the application really runs: a random secret ends all sessions at each restart.
            secret_key=os.environ.get("SESSION_SECRET") or secrets.token_hex(32),
            # Outside of this machine everything is https, and the cookie never travels without it.
            https_only=ISSUER.startswith("https://"),
        )
    ],
)
