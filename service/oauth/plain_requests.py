"""The token requests that are sent most and that nothing is wrong with: what Authlib says to them, in a fifth of its time.

Of anything else these functions say nothing, so Authlib alone refuses. A test of random requests holds that they agree with it.
"""

import re
from hashlib import sha256
from hmac import compare_digest

from events.authorization import Authorized
from service.crypto.base64url import as_text
from service.crypto.opaque_tokens import CHARACTERS, CODE, REFRESH_TOKEN, parsed
from service.oauth.authlib_grants import AuthenticatedClient
from service.oauth.form import Form
from service.oauth.targets import Target
from service.values.scopes import split

Plain = tuple[str, tuple[str, ...]]
"""The subject and the scopes of a token that may be issued."""

_is_refresh_token = re.compile(rf"{REFRESH_TOKEN}[A-Za-z0-9_-]{{{CHARACTERS}}}").fullmatch
_is_verifier = re.compile(r"[A-Za-z0-9\-._~]{43,128}").fullmatch


def of_machine(client: AuthenticatedClient, target: Target | None, form: Form) -> Plain | None:
    """A machine asks for scopes that it has, of the default audience."""
    row = client.row
    if target is not None or row.grant_type != "client_credentials" or row.bot_user_id is None or not row.scopes:
        return None
    granted = split(form.get("scope")) or row.scopes
    return (row.bot_user_id, granted) if set(granted).issubset(row.scopes) else None


def of_code(client: AuthenticatedClient, authorized: Authorized | None, form: Form) -> Plain | None:
    """A client exchanges its code, with the verifier of the challenge and with the redirect URI."""
    presented = parsed(CODE, form.get("code"))
    if presented is None or authorized is None or authorized.code is None or not _is_theirs(client, authorized):
        return None
    code, verifier = authorized.code, form.get("code_verifier", "")
    if not compare_digest(code.hash, presented.hash) or form.get("redirect_uri") != code.redirect_uri:
        return None
    if not _is_verifier(verifier) or as_text(sha256(verifier.encode()).digest()) != code.code_challenge:
        return None
    return _all_of(authorized)


def of_refresh_token(client: AuthenticatedClient, authorized: Authorized | None, form: Form) -> Plain | None:
    """A client exchanges its refresh token, for all scopes. Whether it is the current one is decided by the exchange itself."""
    if authorized is None or authorized.refresh is None or "scope" in form or not _is_theirs(client, authorized):
        return None
    return _all_of(authorized) if _is_refresh_token(form.get("refresh_token", "")) else None


def _is_theirs(client: AuthenticatedClient, authorized: Authorized) -> bool:
    return client.row.grant_type == "authorization_code" and authorized.granted.client == client.row.stream_id


def _all_of(authorized: Authorized) -> Plain:
    granted = authorized.granted
    return str(granted.user), tuple(dict.fromkeys(granted.scopes))
