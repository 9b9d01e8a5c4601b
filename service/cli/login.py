"""muniment login, token, logout: a person signs in at a server by a code in their browser, and has a token for its APIs."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import segno

from service.cli import device_sign_in, login_file
from service.cli.device_sign_in import Codes, Metadata
from service.cli.fault import Plainly
from service.cli.login_file import SignedIn
from service.cli.output import document, note, say

USUAL_SCOPES = ("openid", "offline_access")

wait = time.sleep


def login(
    issuer: str | None, client_id: str | None, scopes: Sequence[str], resource: str | None, *, as_json: bool
) -> None:
    """Raises Plainly."""
    before = login_file.read()
    server, client = issuer or (before and before.issuer), client_id or (before and before.client_id)
    if not server or not client:
        raise Plainly("name the server and one of its clients: muniment login https://auth.example.com --client-id ID")
    metadata = device_sign_in.discovered(server)
    codes = device_sign_in.begun(metadata, _form(client, scopes, resource))
    _tell(codes)
    tokens = device_sign_in.awaited(metadata, client, codes, wait)
    signed_in = device_sign_in.with_tokens(_nothing_yet(metadata, client), tokens)
    login_file.keep(signed_in)
    if as_json:
        document({"issuer": signed_in.issuer, "scope": signed_in.scope, "file": str(login_file.path())})
    note(f"signed in at {metadata.issuer}, with {tokens.scope}; muniment token prints the token")


def token(*, as_json: bool) -> None:
    """Raises Plainly."""
    present = _present()
    now = device_sign_in.refreshed(present)
    if now is not present:
        login_file.keep(now)
    if as_json:
        document(
            {"issuer": now.issuer, "access_token": now.access_token, "scope": now.scope, "expires_at": now.expires_at}
        )
    else:
        say(now.access_token)


def logout(*, as_json: bool) -> None:
    """The file goes in any case: it must not stay because the server is away. Raises Plainly."""
    present = _present()
    login_file.forget()
    try:
        device_sign_in.revoked(present)
    except Plainly as fault:
        raise Plainly(f"signed out here, but {present.issuer} was not told: {fault}") from fault
    if as_json:
        document({"issuer": present.issuer})
    note(f"signed out of {present.issuer}")


def _present() -> SignedIn:
    present = login_file.read()
    if present is None:
        raise Plainly("nobody is signed in: muniment login")
    return present


def _form(client_id: str, scopes: Sequence[str], resource: str | None) -> Mapping[str, str]:
    form = {"client_id": client_id, "scope": " ".join(scopes or USUAL_SCOPES)}
    return form if resource is None else {**form, "resource": resource}


def _nothing_yet(metadata: Metadata, client_id: str) -> SignedIn:
    return SignedIn(
        issuer=metadata.issuer,
        client_id=client_id,
        token_endpoint=metadata.token_endpoint,
        revocation_endpoint=metadata.revocation_endpoint,
        access_token="",
        expires_at=0,
        scope="",
    )


def _tell(codes: Codes) -> None:
    """On stderr, and with a QR code only on a terminal."""
    note(f"open {codes.verification_uri} in a browser, and enter the code {codes.user_code}")
    if codes.verification_uri_complete and sys.stderr.isatty():
        with suppress(ValueError):  # too long for a QR code
            segno.make(codes.verification_uri_complete, micro=False).terminal(out=sys.stderr, compact=True)
