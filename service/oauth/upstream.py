# pyright: basic
"""The client of the upstream OpenID provider, at which the users of a company's own directory sign in."""

import asyncio
import secrets
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import authlib.deprecate  # noqa: F401 - first, because it installs a warning filter that would override the next lines
import httpx
from authlib.common.errors import AuthlibBaseError
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct, convert, json

from service.configuration.upstream import Upstream
from service.network import hosts
from service.network.addresses import is_inside
from service.network.trust import trusted
from service.oauth.errors import plain
from service.oauth.federation import Begun, Identity, UpstreamAway, UpstreamRefused, joined, lacks
from service.oauth.upstream_token import fault_of, key_set, verified
from service.tracing.spans import outgoing
from service.values.malformed import MALFORMED

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Authlib warns that a later version will use another HTTP library
    from authlib.integrations.httpx_client import AsyncOAuth2Client

CALLBACK = "/signin/upstream/callback"
TIMEOUT_SECONDS = 5
REFRESH_SECONDS = 60
MOST_BYTES = 1024 * 1024

UNREADABLE = (JoseError, AttributeError, LookupError, *MALFORMED)
"""Authlib and joserfc also raise these, if they expect an object and get something else."""

Shape = TypeVar("Shape")


class Provider(Struct, frozen=True, kw_only=True):
    """The parts of the provider's metadata that this client uses (OpenID Connect Discovery 1.0 section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    @property
    def addresses(self) -> tuple[str, ...]:
        endpoints = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri, self.userinfo_endpoint)
        return tuple(filter(None, endpoints))


class Bounded(httpx.AsyncHTTPTransport):
    """Reads at most MOST_BYTES of any response, and refuses compressed ones, which could expand beyond that (a decompression bomb)."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with outgoing("upstream") as sent:
            request.headers.update({"Accept-Encoding": "identity", **sent.headers})
            answer = await self._bounded(request)
            sent.status = answer.status_code
            return answer

    async def _bounded(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        body = b""
        try:
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                raise httpx.DecodingError("packed, which nobody asked for", request=request)
            async for part in answer.aiter_raw():
                body += part
                if len(body) > MOST_BYTES:
                    raise httpx.ReadError("too long", request=request)
        finally:
            await answer.aclose()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=request)


class Directory:
    """One for each process. It fetches the provider's metadata once, and the keys again when a token is signed with an unknown key."""

    def __init__(self, upstream: Upstream, issuer: str) -> None:
        self.upstream = upstream
        self._redirect_uri = issuer + CALLBACK
        self._fetching = asyncio.Lock()
        self._provider: Provider | None = None
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._trusted = trusted()

    async def begin(self, *, next_: str = "", parts: int = 0, max_age: int | None = None) -> tuple[str, Begun]:
        """Return the URL of the authentication request, and the state for the browser's cookie. Raises UpstreamAway.

        `max_age` is how many seconds ago the user may have authenticated at the provider; 0 requires a new login.
        """
        begun = Begun(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            at=time.time(),
            max_age=max_age,
            next=next_,
            parts=parts,
        )
        wishes = {"prompt": "login"} if max_age == 0 else {}
        async with self._client() as client:
            provider = await self._metadata(client)
            url, _ = client.create_authorization_url(
                provider.authorization_endpoint,
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
                **(wishes if max_age is None else {**wishes, "max_age": str(max_age)}),
            )
        return url, begun

    async def finish(self, begun: Begun, code: str) -> Identity:
        """Redeem the code and return the user who signed in. Raises UpstreamRefused and UpstreamAway."""
        async with self._client() as client:
            provider = await self._metadata(client)
            token = await self._redeem(client, provider, begun, code)
            claims = await self._claims(client, provider, token.get("id_token"), begun.nonce)
            since = claims.get("auth_time")
            if lacks(claims, self.upstream) and provider.userinfo_endpoint and token.get("access_token"):
                told = _read(await _get(client, provider.userinfo_endpoint, withhold_token=False), dict[str, Any])
                if told.get("sub") != claims.get("sub"):
                    raise UpstreamRefused("the userinfo response is about another user")
                claims = joined(claims, told, self.upstream.claims)
        return _read({"sub": claims.get("sub"), "auth_time": since, "claims": claims}, Identity)

    def _client(self) -> Any:
        """It uses no proxy of the environment and follows no redirect, so that it connects to the provider only."""
        methods = self._provider.token_endpoint_auth_methods_supported if self._provider else ()
        by_post = "client_secret_post" in methods and "client_secret_basic" not in methods
        return AsyncOAuth2Client(
            self.upstream.client_id,
            self.upstream.client_secret,
            token_endpoint_auth_method="client_secret_post" if by_post else "client_secret_basic",
            scope=self.upstream.scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            transport=Bounded(trust_env=False, verify=self._trusted),
            trust_env=False,
            follow_redirects=False,
            timeout=TIMEOUT_SECONDS,
        )

    async def _redeem(self, client: Any, provider: Provider, begun: Begun, code: str) -> Any:
        try:
            async with asyncio.timeout(2 * TIMEOUT_SECONDS):
                return await client.fetch_token(provider.token_endpoint, code=code, code_verifier=begun.verifier)
        except AuthlibBaseError as fault:
            raise UpstreamRefused(f"the token endpoint answered {plain(str(fault.error))[:80]}") from fault
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, *UNREADABLE) as fault:
            raise UpstreamAway("the token endpoint did not answer as it should") from fault

    async def _claims(self, client: Any, provider: Provider, id_token: Any, nonce: str) -> dict[str, Any]:
        """Return the claims of the ID token after every check of OpenID Connect Core 1.0 section 3.1.3.7. Raises UpstreamRefused."""
        if not isinstance(id_token, str):
            raise UpstreamRefused("there was no ID token")
        keys = await self._known_keys(client, provider)
        try:
            claims = verified(id_token, keys)
        except UNREADABLE:  # the provider may have rotated its keys
            claims = await self._verified_anew(client, provider, id_token)
        fault = fault_of(
            claims, issuer=provider.issuer, client_id=self.upstream.client_id, nonce=nonce, now=time.time()
        )
        if fault:
            raise UpstreamRefused(fault)
        return claims

    async def _verified_anew(self, client: Any, provider: Provider, id_token: str) -> dict[str, Any]:
        try:
            return verified(id_token, await self._known_keys(client, provider, seen=self._keys))
        except UNREADABLE as fault:
            raise UpstreamRefused("the ID token is not signed by a key of the provider") from fault

    async def _metadata(self, client: Any) -> Provider:
        async with self._fetching:
            if self._provider is None:
                url = self.upstream.issuer.removesuffix("/") + "/.well-known/openid-configuration"
                provider = _read(await _get(client, url), Provider)
                if provider.issuer != self.upstream.issuer:
                    raise UpstreamAway("the provider's issuer is not that of MUNIMENT_UPSTREAM_ISSUER")
                if not all(is_safe(address, provider.issuer) for address in provider.addresses):
                    raise UpstreamAway("the provider names endpoints without https, or in a private network")
                self._provider = provider
        return self._provider

    async def _known_keys(self, client: Any, provider: Provider, *, seen: KeySet | None = None) -> KeySet:
        """Return the provider's keys. If they are still those in `seen`, fetch them again, at most once in REFRESH_SECONDS."""
        async with self._fetching:
            stale = self._keys is seen and time.monotonic() > self._fetched_at + REFRESH_SECONDS
            if self._keys is None or stale:
                self._keys = _tried(key_set, await _get(client, provider.jwks_uri))
                self._fetched_at = time.monotonic()
        return self._keys


async def _get(client: Any, url: str, *, withhold_token: bool = True) -> Any:
    """Return the parsed JSON at this URL. Raises UpstreamAway."""
    try:
        async with asyncio.timeout(2 * TIMEOUT_SECONDS):
            answer = await client.request("GET", url, withhold_token)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, ValueError) as fault:
        raise UpstreamAway("the provider did not answer") from fault
    if answer.status_code != 200:
        raise UpstreamAway(f"the provider answered {answer.status_code}")
    return _tried(json.decode, answer.content)


def _tried(read: Callable[[Any], Shape], what: Any) -> Shape:
    try:
        return read(what)
    except UNREADABLE as fault:
        raise UpstreamAway("the provider's response does not have the expected form") from fault


def _read(what: Any, shape: type[Shape]) -> Shape:
    return _tried(lambda given: convert(given, shape), what)


def is_safe(address: str, issuer: str) -> bool:
    """Whether this server may send requests to an address from the provider's metadata: one on its own host or outside private networks.
    This prevents server-side request forgery.

    The scheme must be https. Plain http is allowed on loopback, and for the provider's own host if the configured issuer has it.
    """
    try:
        parts = hosts.split(address)
    except ValueError:
        return False
    host, own, scheme = parts.hostname or "", urlsplit(issuer).hostname, parts.scheme
    if hosts.is_loopback(own):
        return scheme == "https" or (scheme == "http" and hosts.is_loopback(host))
    if host == own:
        return scheme in ("https", urlsplit(issuer).scheme)
    return scheme == "https" and not is_inside(host)
