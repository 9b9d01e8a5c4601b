# pyright: basic
"""The grants of the token endpoint (RFC 6749 sections 4.1, 4.4 and 6, RFC 8628) as classes for Authlib. They read facts that are already loaded."""

from datetime import datetime
from hmac import compare_digest
from typing import Any
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceCodeGrant
from msgspec import Struct

from events.authorization import Authorized, CodeIssued
from projections.clients import Row
from service.crypto.opaque_tokens import CODE, DEVICE_CODE, REFRESH_TOKEN, parsed
from service.oauth import identity_assertions, token_exchange
from service.oauth.errors import Gone, MissingVerifier, Refusal, Refused
from service.oauth.parameters import own_scopes_of_persons, with_commas
from service.values.scopes import IDENTITY, split

NO_SCOPES = "This client has no scopes; its owner can give it some."
OTHER_REDIRECT_URI = "The redirect_uri is not the one that the authorization request named. Send the same one in both."
NO_CHALLENGE = "The authorization request had no code_challenge, so the token request must not have a code_verifier. Send both or neither."
MALFORMED_VERIFIER = "The code_verifier must be 43 to 128 characters, of letters, digits and - . _ ~ (RFC 7636)."
OTHER_VERIFIER = (
    "The code_verifier is not the one that the code_challenge of the authorization request was made from. "
    "Keep it with the login that it belongs to."
)
DEVICE = DeviceCodeGrant.GRANT_TYPE
METHODS = ("presented",)
"""The one method name that `authenticate_client` serves; that function checks the real authentication methods for every grant."""


class AuthenticatedClient(Struct, frozen=True, kw_only=True):
    """A client that authenticated, with the interface that Authlib expects. `secret_id` is NO_SECRET for a public client."""

    row: Row
    secret_id: UUID
    method: str
    client_key: str | None = None
    """The thumbprint of a key or certificate that no event of the client has."""

    def check_grant_type(self, grant_type: str) -> bool:
        """A client of the code grant may also refresh. Whether it gets a refresh token depends on the scope that the user granted."""
        kind = self.row.grant_type
        if grant_type == DEVICE:
            return self.row.security.device_grant
        if grant_type == token_exchange.GRANT_TYPE:
            return (
                bool(self.row.security.token_exchange or self.row.security.identity_assertions) and not self.row.public
            )
        if grant_type == identity_assertions.GRANT_TYPE:
            return not self.row.public
        return grant_type == kind or (grant_type == "refresh_token" and kind == "authorization_code")

    def get_client_id(self) -> str:
        return str(self.row.stream_id)

    def __repr__(self) -> str:
        return f"AuthenticatedClient({self.row.client_id})"


class Code:
    """An authorization code with the interface that Authlib expects."""

    code_challenge_method = "S256"

    def __init__(self, authorized: Authorized, code: CodeIssued) -> None:
        self.authorized = authorized
        self.code_challenge = code.code_challenge
        self._redirect_uri = code.redirect_uri if code.named else None

    def get_redirect_uri(self) -> str | None:
        return self._redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.authorized.granted.scopes)


class Credential:
    """A refresh token with the interface that Authlib expects."""

    def __init__(self, authorized: Authorized) -> None:
        self.authorized = authorized

    def check_client(self, client: AuthenticatedClient) -> bool:
        return _is_of(self.authorized, client)

    def get_scope(self) -> str:
        return " ".join(self.authorized.granted.scopes)


class DeviceCode(Struct, frozen=True, kw_only=True):
    """A device code of this client (RFC 8628), with the interface that Authlib expects.

    `approved` is None until its user answers. `early` says that the device asks too often.
    """

    client: UUID
    expires_at: datetime
    now: datetime
    approved: bool | None
    early: bool
    authorized: Authorized | None = None

    def get_client_id(self) -> str:
        return str(self.client)

    def is_expired(self) -> bool:
        return self.now >= self.expires_at

    def get_user_code(self) -> "DeviceCode":
        """Authlib looks for the user's answer by it: this has the answer itself."""
        return self

    def get_scope(self) -> str:
        assert self.authorized is not None
        return " ".join(self.authorized.granted.scopes)


class Recorded:
    """A grant whose token is only noted in the request: the caller records it, and only then signs it."""

    request: Any

    def generate_token(self, user: UUID | str | None = None, scope: str | None = None, **_: Any) -> dict[str, str]:
        self.request.grant(user, scope)
        return {}

    def save_token(self, token: Any) -> None:
        """Nothing to save."""


class ClientCredentials(Recorded, ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        """A client gets every scope that it requests, or is refused. A client that requests none gets all that it may have."""
        target = self.request.facts.target
        allowed = self.client.row.scopes if target is None else target.scopes
        asked = split(_payload(self).scope)
        unknown = [scope for scope in asked if scope not in allowed]
        if unknown:
            may_have = f"It may have: {' '.join(allowed)}." if allowed else NO_SCOPES
            if target is not None:
                may_have += " That is what it may have of every API that the request names."
            raise Refused(
                400, "invalid_scope", f"This client may not have: {' '.join(unknown)}. {may_have}{with_commas(unknown)}"
            )
        if not allowed and not (target and target.terms):
            raise Refused(400, "invalid_scope", NO_SCOPES)


class CodeGrant(Recorded, AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_authorization_code(self, code: str, client: AuthenticatedClient) -> Code:
        """Raises a Refusal, because Authlib's error texts say less.

        This does not check whether the code was redeemed or has expired: the redemption itself decides that, in one place for all
        concurrent requests.
        """
        authorized = self.request.facts.authorized
        presented = parsed(CODE, code)
        if authorized is None or authorized.code is None or presented is None or not _is_of(authorized, client):
            raise Gone
        if not compare_digest(authorized.code.hash, presented.hash):
            raise Gone
        found, payload = Code(authorized, authorized.code), _payload(self)
        if found.get_redirect_uri() not in (None, payload.redirect_uri):
            raise Refused(400, "invalid_grant", OTHER_REDIRECT_URI)
        return found

    def authenticate_user(self, authorization_code: Code) -> UUID:
        return authorization_code.authorized.granted.user

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing to delete: the caller records the redemption as an event."""


class CodeVerifier(CodeChallenge):
    """PKCE at the token endpoint (RFC 7636 section 4.6). Authlib decides; the error texts are this server's."""

    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        try:
            super().validate_code_verifier(grant, result)
        except OAuth2Error as error:
            request = grant.request
            raise _pkce_refusal(
                error, request.form.get("code_verifier"), request.authorization_code.code_challenge
            ) from error


def _pkce_refusal(error: OAuth2Error, verifier: str | None, challenge: str | None) -> Refusal:
    if verifier is None:
        return MissingVerifier()
    if challenge is None:
        return Refused(400, "invalid_request", NO_CHALLENGE)
    if error.error == "invalid_request":
        return Refused(400, "invalid_request", MALFORMED_VERIFIER)
    return Refused(400, "invalid_grant", OTHER_VERIFIER)


class Refreshing(Recorded, RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def _validate_token_scope(self, token: Credential) -> None:
        """A scope that the authorization endpoint left out is left out again, because applications repeat their first request here."""
        granted = token.authorized.granted.scopes
        may_ask_for = (*IDENTITY, *own_scopes_of_persons(_client(self).row.scopes))
        asked = split(_payload(self).scope)
        more = [scope for scope in asked if scope in may_ask_for and scope not in granted]
        if more or (asked and set(asked).isdisjoint(granted)):
            why = f"The person did not allow: {' '.join(more or asked)}. They allowed: {' '.join(granted)}."
            raise Refused(400, "invalid_scope", why)

    def issue_token(self, user: UUID, refresh_token: Credential) -> Any:
        granted, asked = refresh_token.authorized.granted.scopes, split(_payload(self).scope)
        return self.generate_token(user=user, scope=" ".join(scope for scope in asked or granted if scope in granted))

    def authenticate_refresh_token(self, refresh_token: str) -> Credential:
        """Raises Gone. The exchange itself decides whether this is the current refresh token."""
        authorized = self.request.facts.authorized
        if authorized is None or authorized.refresh is None or parsed(REFRESH_TOKEN, refresh_token) is None:
            raise Gone
        if not _is_of(authorized, _client(self)):
            raise Gone
        return Credential(authorized)

    def authenticate_user(self, refresh_token: Credential) -> UUID:
        return refresh_token.authorized.granted.user

    def revoke_old_credential(self, refresh_token: Credential) -> None:
        """Nothing to revoke: the caller records the exchange as an event."""


class DeviceGrant(Recorded, DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def query_device_credential(self, device_code: str) -> DeviceCode:
        """Raises Gone. The redemption itself decides whether the code was redeemed, as for an authorization code."""
        facts = self.request.facts
        device = facts.device
        if device is None or parsed(DEVICE_CODE, device_code) is None or device.client != facts.client.row.stream_id:
            raise Gone
        return device.__replace__(authorized=facts.authorized)

    def query_user_grant(self, user_code: DeviceCode) -> tuple[UUID | None, bool] | None:
        if user_code.approved is None:
            return None
        if user_code.approved and user_code.authorized is None:  # what the user approved was revoked since
            raise Gone
        return user_code.authorized and user_code.authorized.granted.user, user_code.approved

    def should_slow_down(self, credential: DeviceCode) -> bool:
        return credential.early


def _payload(grant: Any) -> Any:
    return grant.request.payload


def _client(grant: Any) -> AuthenticatedClient:
    return grant.request.client


def _is_of(authorized: Authorized, client: AuthenticatedClient) -> bool:
    return authorized.granted.client == client.row.stream_id


GRANTS: list[tuple[type, list[Any] | None]] = [
    (ClientCredentials, None),
    (CodeGrant, [CodeVerifier(required=True)]),
    (Refreshing, None),
    (DeviceGrant, None),
]
