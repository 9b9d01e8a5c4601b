"""Error responses of the OAuth endpoints (RFC 6749 section 5.2).

Refusal
├── Refused            an error of Authlib's, with its status and code
├── InvalidRequest     400
│   └── MissingVerifier     the code stays valid
├── InvalidTarget      400  (RFC 8707 section 2)
├── InvalidRedirectUri, InvalidClientMetadata   400  (RFC 7591 section 3.2.2)
├── InvalidSoftwareStatement, UnapprovedSoftwareStatement   400  (RFC 7591 section 3.2.2)
├── RegistrationOff    403  (RFC 7591 section 3)
├── InvalidToken       401  of a registration (RFC 6750 section 3.1, RFC 7592 section 3)
├── TooManyRegistrations   429
├── InvalidProof       400  (RFC 9449 section 5)
├── NonceNeeded        400  (RFC 9449 section 8)
├── TooLong            413
├── InvalidGrant       400  (at the revocation endpoint, RFC 7009: the token belongs to another client)
│   ├── OtherKey            the code or refresh token is bound to another key (RFC 9449 sections 5 and 10)
│   ├── RefreshedTooOften   the authorization has no room for one more refresh
│   └── Gone                one text for every reason, so that an attacker learns nothing from it
├── InvalidClient      401  one text for every reason, so that an attacker learns nothing from it
│   └── InvalidAssertion    says what is wrong with the assertion itself
├── TooManyFailures    429
├── TooManyPushed      429
├── TooManyRequests    429
└── ServerAway         503  nothing was issued
"""

from collections.abc import Mapping

CHALLENGE = {"WWW-Authenticate": 'Basic realm="muniment"'}
"""Only for a client that authenticates by the Authorization header: libraries that send the secret in the body would show this
challenge instead of the error."""


class Refusal(Exception):
    status: int = 400
    error: str = "invalid_request"
    headers: Mapping[str, str] = {}

    def __init__(self, description: str) -> None:
        """The description says what is wrong and what to do. It is never empty."""
        super().__init__(description)
        self.description = plain(description)


class Refused(Refusal):
    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error


class InvalidRequest(Refusal):
    pass


class MissingVerifier(InvalidRequest):
    """A code without a verifier is no sign of theft and gains an attacker nothing, so the code stays valid. A wrong verifier revokes it."""

    def __init__(self) -> None:
        super().__init__(
            "The parameter code_verifier is missing. Send the one that the code_challenge of the authorization request "
            "was made from; the code is still valid (RFC 7636 section 4.5)."
        )


class InvalidTarget(Refusal):
    error = "invalid_target"


class InvalidRedirectUri(Refusal):
    error = "invalid_redirect_uri"


class InvalidClientMetadata(Refusal):
    error = "invalid_client_metadata"


class InvalidProof(Refusal):
    error = "invalid_dpop_proof"


class NonceNeeded(Refusal):
    error = "use_dpop_nonce"

    def __init__(self, nonce: str) -> None:
        super().__init__("Send a new DPoP proof, whose nonce is the value of the header DPoP-Nonce of this response.")
        self.nonce = nonce
        self.headers = {"DPoP-Nonce": nonce}


class InvalidSoftwareStatement(Refusal):
    error = "invalid_software_statement"


class UnapprovedSoftwareStatement(Refusal):
    error = "unapproved_software_statement"


class RegistrationOff(Refusal):
    status = 403
    error = "access_denied"

    def __init__(self) -> None:
        super().__init__(
            "This server does not let clients register themselves. Ask its operator to register the client."
        )


class InvalidToken(Refusal):
    status = 401
    error = "invalid_token"
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="muniment", error="invalid_token"'}


class TooManyRegistrations(Refusal):
    status = 429
    error = "temporarily_unavailable"

    def __init__(self, description: str, seconds: int) -> None:
        super().__init__(description)
        self.headers = {"Retry-After": str(seconds)}


class TooLong(Refusal):
    status = 413


class InvalidGrant(Refusal):
    error = "invalid_grant"


class OtherKey(InvalidGrant):
    def __init__(self, what: str) -> None:
        super().__init__(
            f"This {what} is bound to another key than that of the DPoP proof. Sign the proof with the same key."
        )


class Gone(InvalidGrant):
    def __init__(self) -> None:
        super().__init__(
            "The authorization code or refresh token is not valid: it was used before, has expired, was revoked, or was "
            "issued to another client. Send the person to the authorization endpoint once more."
        )


class RefreshedTooOften(InvalidGrant):
    def __init__(self, most: int) -> None:
        super().__init__(
            f"The refresh token was used {most:,} times, which is the most. Send the person to the authorization endpoint once more;"
            " and refresh only when the access token is about to expire (expires_in)."
        )


class InvalidClient(Refusal):
    status = 401
    error = "invalid_client"

    def __init__(self) -> None:
        super().__init__(
            "Client authentication failed: check client_id and client_secret, and that neither the client nor its bot is disabled."
        )


class InvalidAssertion(InvalidClient):
    """RFC 7521 section 4.2.1. The text must not depend on the client unless the assertion proved to be the client's."""

    def __init__(self, text: str) -> None:
        Refusal.__init__(self, text)


class TooManyFailures(Refusal):
    status = 429
    error = "invalid_client"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed client authentications from here; try again in {seconds} s.")
        self.headers = {"Retry-After": str(seconds)}


class TooManyPushed(Refusal):
    status = 429
    error = "temporarily_unavailable"

    def __init__(self, most: int, seconds: int) -> None:
        super().__init__(
            f"More than {most} authorization requests were pushed in this minute; try again in {seconds} s."
        )
        self.headers = {"Retry-After": str(seconds)}


class TooManyRequests(Refusal):
    status = 429
    error = "temporarily_unavailable"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many requests of this kind in this minute; try again in {seconds} s.")
        self.headers = {"Retry-After": str(seconds)}


class ServerAway(Refusal):
    status = 503
    error = "temporarily_unavailable"
    headers: Mapping[str, str] = {"Retry-After": "1"}

    def __init__(
        self, description: str = "Nothing was issued: the database cannot be used for the moment. Try again."
    ) -> None:
        super().__init__(description)


def plain(text: str) -> str:
    """Replace each character that an error_description must not have: it allows printable ASCII except the quotation mark and the
    backslash (RFC 6749 section 5.2).
    """
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)


class Shown(Exception):
    """An error that must not be redirected to the client: a page shows it to the user (RFC 6749 section 4.1.2.1).

    `title` is a few words and each of `details` is a sentence. Neither contains a secret, or anything that only the client's owner
    may know.
    """

    def __init__(self, title: str, *details: str, status: int = 400) -> None:
        super().__init__(title)
        self.title = title
        self.details = details
        self.status = status


class UsedRequestUri(Shown):
    """A client learns no reason: whoever has found a `request_uri` learns nothing from it either."""

    def __init__(self) -> None:
        super().__init__(
            "The request_uri is not valid",
            "It was used, has expired, or is another client's. Push a new request for each sign-in (RFC 9126 section 4).",
        )
