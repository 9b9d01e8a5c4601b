"""A request to an OAuth endpoint: its form, its Authorization header and its client address; and the token response."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from service.oauth import certificates
from service.oauth.certificates import BadCertificate, ClientCertificate
from service.oauth.errors import InvalidRequest
from service.oauth.form import Form
from service.resources import Resources

UNREADABLE = "The client certificate, as the proxy passed it on, cannot be read. Send one, and have the proxy replace what clients write."


class OAuthRequest(Struct, frozen=True, kw_only=True):
    """`authorization` is the value of the Authorization header, `proofs` those of each DPoP header; `address` is the client's IP address.

    `agent` is its User-Agent.
    `path` is that of the endpoint. `certificates` are what a trusted proxy says of the client's certificate.
    `digest` is that of all that the request says, if another one that says the same may be answered in the same way.
    """

    resources: Resources
    form: Form
    authorization: str | None
    address: str
    proofs: Sequence[str] = ()
    agent: str = ""
    path: str = "/openid/token"
    certificates: Sequence[str] = ()
    digest: bytes | None = None

    @property
    def certificate(self) -> ClientCertificate | None:
        """Raises InvalidRequest."""
        if not self.certificates:
            return None
        try:
            return certificates.one(self.resources.settings.client_certificate_header, self.certificates)
        except BadCertificate as fault:
            raise InvalidRequest(UNREADABLE) from fault

    def recorded_audience(self, audience: str | tuple[str, ...]) -> str | None:
        """Return what the record of a token says of its audience: nothing of the default one, and several with spaces between them."""
        if audience == self.resources.settings.audience:
            return None
        return audience if isinstance(audience, str) else " ".join(audience)


class TokenResponse(Struct, frozen=True, kw_only=True):
    """The token response (RFC 6749 section 5.1, OpenID Connect Core 1.0 section 3.1.3.3)."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    refresh_token: str | UnsetType = UNSET
    id_token: str | UnsetType = UNSET

    def __repr__(self) -> str:
        return "TokenResponse(…)"


def required(form: Form, name: str) -> str:
    """Return the parameter. Raises InvalidRequest if it is missing."""
    value = form.get(name)
    if value is None:
        raise InvalidRequest(f"The parameter {name} is missing. Send it in the body.")
    return value
