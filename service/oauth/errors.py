"""Refusals in OAuth's own dialect (RFC 6749 section 5.2).

Refusal
├── Refused            what Authlib says no to: its status, its error
├── InvalidRequest     400
│   └── MissingVerifier     the code stays as it was
├── InvalidTarget      400  (RFC 8707 section 2)
├── TooLong            413
├── InvalidGrant       400  (of RFC 7009: a token that is another client's)
│   └── Gone                one text for every reason: a thief learns nothing from it
├── InvalidClient      401  one text for every reason, so that nothing is learned from it
├── TooManyFailures    429
└── ServerAway         503  nothing was issued
"""

from collections.abc import Mapping

CHALLENGE = {"WWW-Authenticate": 'Basic realm="muniment"'}
"""For a client that authenticates by a header alone: libraries that send the secret in the body show a challenge, not the error."""


class Refusal(Exception):
    status: int = 400
    error: str = "invalid_request"
    headers: Mapping[str, str] = {}

    def __init__(self, description: str) -> None:
        """The description says what is wrong with what, and what to do; it is never empty."""
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
    """A code without any verifier proves no theft, and nobody gains by it: so it is not spent. With a wrong verifier it is."""

    def __init__(self) -> None:
        super().__init__(
            "The parameter code_verifier is missing. Send the one that the code_challenge of the authorization request "
            "was made from; the code is still valid (RFC 7636 section 4.5)."
        )


class InvalidTarget(Refusal):
    error = "invalid_target"


class TooLong(Refusal):
    status = 413


class InvalidGrant(Refusal):
    error = "invalid_grant"


class Gone(InvalidGrant):
    def __init__(self) -> None:
        super().__init__(
            "The authorization code or refresh token is not valid: it was used before, has expired, was revoked, or was "
            "issued to another client. Send the person to the authorization endpoint once more."
        )


class InvalidClient(Refusal):
    status = 401
    error = "invalid_client"

    def __init__(self) -> None:
        super().__init__(
            "Client authentication failed: check client_id and client_secret, and that neither the client nor its bot is disabled."
        )


class TooManyFailures(Refusal):
    status = 429
    error = "invalid_client"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed client authentications from here; ask again in {seconds} s.")
        self.headers = {"Retry-After": str(seconds)}


class ServerAway(Refusal):
    status = 503
    error = "temporarily_unavailable"
    headers: Mapping[str, str] = {"Retry-After": "1"}

    def __init__(self) -> None:
        super().__init__("Nothing was issued: the database cannot be used for the moment. Ask again.")


def plain(text: str) -> str:
    """The text in the characters that an error_description may have: printable ASCII but the quotation mark and the backslash."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)


class Shown(Exception):
    """What went wrong where nobody can be redirected to: a page tells the person in front of it (RFC 6749 section 4.1.2.1).

    `title` is a few words; each of `details` is a sentence. Neither repeats a secret, nor what only the client's owner may know.
    """

    def __init__(self, title: str, *details: str, status: int = 400) -> None:
        super().__init__(title)
        self.title = title
        self.details = details
        self.status = status
