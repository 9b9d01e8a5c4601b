# pyright: basic
"""PKCE at the token endpoint (RFC 7636 section 4.6). Authlib decides; this module replaces its error texts."""

from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc7636 import CodeChallenge

from service.oauth.errors import MissingVerifier, Refusal, Refused

NO_CHALLENGE = "The authorization request had no code_challenge, so the token request must not have a code_verifier. Send both or neither."
MALFORMED = "The code_verifier must be 43 to 128 characters, of letters, digits and - . _ ~ (RFC 7636)."
MISMATCH = (
    "The code_verifier is not the one that the code_challenge of the authorization request was made from. "
    "Keep it with the login that it belongs to."
)


class CodeVerifier(CodeChallenge):
    def validate_code_verifier(self, grant: Any, result: Any) -> None:
        try:
            super().validate_code_verifier(grant, result)
        except OAuth2Error as error:
            request = grant.request
            raise _refusal(
                error, request.form.get("code_verifier"), request.authorization_code.code_challenge
            ) from error


def _refusal(error: OAuth2Error, verifier: str | None, challenge: str | None) -> Refusal:
    if verifier is None:
        return MissingVerifier()
    if challenge is None:
        return Refused(400, "invalid_request", NO_CHALLENGE)
    if error.error == "invalid_request":
        return Refused(400, "invalid_request", MALFORMED)
    return Refused(400, "invalid_grant", MISMATCH)
