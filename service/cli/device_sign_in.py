"""The client's side of the device grant (RFC 8628), for the command line."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
from msgspec import DecodeError, Struct, json

from service.cli.fault import Plainly
from service.cli.login_file import SignedIn
from service.network import hosts

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SECONDS = 30
SOONER = 30
"""A token that expires within so many seconds is exchanged already."""

SLOWER = 5
LONGEST_WAIT = 60.0
OK = 200

Shape = TypeVar("Shape", bound=Struct)


class Metadata(Struct, frozen=True):
    issuer: str
    token_endpoint: str
    device_authorization_endpoint: str | None = None
    revocation_endpoint: str | None = None


class Codes(Struct, frozen=True):
    device_code: str
    user_code: str
    verification_uri: str
    expires_in: float
    verification_uri_complete: str | None = None
    interval: float = 5

    def __repr__(self) -> str:
        return "Codes(…)"


class Tokens(Struct, frozen=True):
    access_token: str
    expires_in: float
    scope: str = ""
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return "Tokens(…)"


class OAuthError(Struct, frozen=True):
    error: str
    error_description: str = ""


def discovered(issuer: str) -> Metadata:
    """RFC 8414 section 3: the metadata must be of this very issuer. Raises Plainly."""
    issuer = issuer.rstrip("/")
    parts = urlsplit(issuer)
    _must_be_safe(issuer)
    url = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
    metadata = _of(_asked("GET", url), Metadata)
    if metadata.issuer != issuer:
        raise Plainly(f"{url} is the metadata of another issuer; name that one")
    for endpoint in (metadata.token_endpoint, metadata.device_authorization_endpoint, metadata.revocation_endpoint):
        if endpoint is not None:
            _must_be_safe(endpoint)
    return metadata


def begun(metadata: Metadata, form: Mapping[str, str]) -> Codes:
    """Raises Plainly."""
    if metadata.device_authorization_endpoint is None:
        raise Plainly(f"{metadata.issuer} does not offer the device grant")
    response = _asked("POST", metadata.device_authorization_endpoint, form)
    if response.status_code != OK:
        raise _refused(response)
    return _of(response, Codes)


def awaited(metadata: Metadata, client_id: str, codes: Codes, wait: Callable[[float], None]) -> Tokens:
    """Ask until the person has answered (RFC 8628 section 3.5). Raises Plainly."""
    interval, ends = codes.interval, time.monotonic() + codes.expires_in
    form = {"grant_type": DEVICE_GRANT, "device_code": codes.device_code, "client_id": client_id}
    while time.monotonic() < ends:
        wait(min(interval, LONGEST_WAIT))
        try:
            response = _asked("POST", metadata.token_endpoint, form)
        except Plainly:  # a connection that failed is tried again, more slowly
            interval = min(2 * interval, LONGEST_WAIT)
            continue
        if response.status_code == OK:
            return _of(response, Tokens)
        match _error(response).error:
            case "authorization_pending" | "temporarily_unavailable":
                pass
            case "slow_down":
                interval += SLOWER
            case "access_denied":
                raise Plainly("access was denied in the browser")
            case "expired_token":
                break
            case _:
                raise _refused(response)
    raise Plainly("nobody answered in time; run muniment login again")


def refreshed(signed_in: SignedIn) -> SignedIn:
    """Return it with a token that is good for a while. Raises Plainly."""
    if time.time() < signed_in.expires_at - SOONER:
        return signed_in
    if signed_in.refresh_token is None:
        raise Plainly("the token has expired; sign in again: muniment login")
    form = {
        "grant_type": "refresh_token",
        "refresh_token": signed_in.refresh_token,
        "client_id": signed_in.client_id,
    }
    response = _asked("POST", signed_in.token_endpoint, form)
    if response.status_code != OK:
        raise Plainly(f"{_error(response).error_description or 'access has ended'} Sign in again: muniment login")
    return with_tokens(signed_in, _of(response, Tokens))


def with_tokens(signed_in: SignedIn, tokens: Tokens) -> SignedIn:
    return signed_in.__replace__(
        access_token=tokens.access_token,
        expires_at=time.time() + tokens.expires_in,
        scope=tokens.scope,
        refresh_token=tokens.refresh_token or signed_in.refresh_token,
    )


def revoked(signed_in: SignedIn) -> None:
    """RFC 7009. The refresh token takes all access tokens with it. Raises Plainly."""
    if signed_in.revocation_endpoint is None:
        return
    form = {"token": signed_in.refresh_token or signed_in.access_token, "client_id": signed_in.client_id}
    response = _asked("POST", signed_in.revocation_endpoint, form)
    if response.status_code != OK:
        raise _refused(response)


def _must_be_safe(url: str) -> None:
    parts = urlsplit(url)
    if not parts.hostname or not (
        parts.scheme == "https" or (parts.scheme == "http" and hosts.is_loopback(parts.hostname))
    ):
        raise Plainly("tokens are only sent over https (http for loopback alone)")


def _asked(method: str, url: str, form: Mapping[str, str] | None = None) -> httpx.Response:
    try:
        return httpx.request(method, url, data=form, timeout=SECONDS, headers={"User-Agent": "muniment-cli"})
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        raise Plainly(f"{url} cannot be reached: {fault or type(fault).__name__}") from fault


def _of(response: httpx.Response, shape: type[Shape]) -> Shape:
    try:
        return json.decode(response.content, type=shape)
    except DecodeError as fault:
        raise Plainly(f"{response.url} does not answer as an OAuth server does ({response.status_code})") from fault


def _error(response: httpx.Response) -> OAuthError:
    return _of(response, OAuthError)


def _refused(response: httpx.Response) -> Plainly:
    error = _error(response)
    return Plainly(f"{error.error}: {error.error_description}" if error.error_description else error.error)
