"""Client assertions (RFC 7521 section 4.2, RFC 7523 section 3): JWTs by which a client proves that it has a private key.

The audience is the issuer. A client may also name the endpoint that it sends the assertion to, or the token endpoint, for many libraries
do; an assertion of the explicit type of draft-ietf-oauth-rfc7523bis may not. It names one audience only, so that it is good for nothing
elsewhere.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from events.client_key import PublicKey
from events.refusal import WhyNot
from service.oauth.client_keys import ALGORITHMS, RS256
from service.oauth.client_signatures import header, is_time, keys_for, members, signer_of
from service.values.strict_json import NotAnObject

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_SPIFFE = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
"""The type of a JWT-SVID (draft-ietf-oauth-spiffe-client-auth), whose client is one by workload identity."""
EXPLICIT = "client-authentication+jwt"
TYPES = ("jwt", EXPLICIT)
OF_KEYS = ("jku", "x5u", "jwk", "crit", "b64")
"""Header parameters that bring a key, or change what is signed. An attacker chooses them."""

LIFETIME = 300
LEEWAY = 30
"""How many seconds the clock of a client may be fast or slow."""

LONGEST = 16 * 1024
LONGEST_JTI = 1024
_ID = re.compile(r"[\x20-\x7e]{1,255}")

NO_JWT = "The client_assertion is not a signed JWT in the compact form (RFC 7515 section 7.1) whose header and payload are JSON objects"
TOO_LONG = f"The client_assertion is longer than {LONGEST} characters."
NOT_PROVED = (
    "Client authentication failed: check that iss and sub of the client_assertion are the client_id, that it is signed with a live key of"
    " the client (kid), that its jwksUri, if it has one, answers with a JWK Set, that it is registered with tokenEndpointAuthMethod private_key_jwt, and that neither it nor its bot is disabled."
)
NOT_ITSELF = "iss and sub must both be the client_id, or, beside a parameter client_id, those of one of the workloadIdentities of this client"
REPLAYED = "This client_assertion was used before. Make a new one, with its own jti, for each request."


class BadAssertion(Exception):
    """`text` is for the client, and `why` for the log. The text quotes nothing of the assertion."""

    def __init__(self, why: WhyNot, text: str) -> None:
        super().__init__(text)
        self.why: WhyNot = why
        self.text = text


class Parsed(Struct, frozen=True):
    """The members of the header and of the payload. Nothing of them is checked."""

    head: Mapping[str, Any]
    claims: Mapping[str, Any]


class Assertion(Struct, frozen=True, kw_only=True):
    """An assertion whose claims are in order. Its signature is not verified yet."""

    text: str
    head: Mapping[str, Any]
    client_id: str
    alg: str
    kid: str | None
    audience: object
    jti: str
    exp: float

    def __repr__(self) -> str:
        return f"Assertion(client_id={self.client_id!r})"


def read(text: str, *, issuer: str, endpoint: str, now: float, said: Parsed | None = None) -> Assertion:
    """Check the header and the claims, which are `said` if they were parsed before. `endpoint` is where it was sent to.

    Raises BadAssertion, which names every fault.
    """
    said = said or parsed(text)
    head, claims = said.head, said.claims
    accepted = (
        (issuer,) if _typ(head) == EXPLICIT else tuple(dict.fromkeys((issuer, f"{issuer}/openid/token", endpoint)))
    )
    faults = [*_header_faults(head), *_claim_faults(claims, accepted, now)]
    if faults:
        raise BadAssertion("wrong_assertion", f"The client_assertion is not accepted: {'; '.join(faults)}.")
    if claims["exp"] + LEEWAY <= now:
        raise BadAssertion("expired_assertion", "The client_assertion has expired. Make a new one for each request.")
    return Assertion(
        text=text,
        head=head,
        client_id=claims["sub"],
        alg=head["alg"],
        kid=head.get("kid"),
        audience=claims["aud"],
        jti=claims["jti"],
        exp=claims["exp"],
    )


def client_of(said: Parsed | None) -> str:
    """Return the client_id that the claims name, or "" if they name none. Nothing about it is verified."""
    sub = said and said.claims.get("sub")
    return sub if isinstance(sub, str) and _ID.fullmatch(sub) else ""


def verify(assertion: Assertion, keys: Sequence[PublicKey]) -> PublicKey:
    """Return the key that signed the assertion. Raises BadAssertion; the text is the same for every reason."""
    fitting = keys_for(assertion.alg, assertion.kid, keys)
    signer = signer_of(assertion.text, assertion.head, fitting)
    if signer is None:
        raise BadAssertion("wrong_assertion" if fitting else "unknown_key", NOT_PROVED)
    return signer


def keeps_fapi(assertion: Assertion, issuer: str) -> None:
    """Check a verified assertion of a client of FAPI 2.0 (sections 5.3.2.1 and 5.4.1). Raises BadAssertion, which names every fault."""
    faults = [
        *([] if assertion.audience == issuer else [f"aud must be {issuer}, as a text"]),
        *([f"alg must not be {RS256}: sign with PS256, ES256 or EdDSA"] if assertion.alg == RS256 else []),
    ]
    if faults:
        raise BadAssertion("wrong_assertion", f"This client keeps FAPI 2.0 (securityProfile): {'; '.join(faults)}.")


def parsed_or_none(text: str) -> Parsed | None:
    """Return None for a text that `parsed` refuses."""
    try:
        return parsed(text)
    except BadAssertion:
        return None


def parsed(text: str) -> Parsed:
    """Read the members of a JWT. Raises BadAssertion."""
    if len(text) > LONGEST:
        raise BadAssertion("wrong_assertion", TOO_LONG)
    parts = text.split(".")
    if len(parts) != 3:
        raise BadAssertion("wrong_assertion", f"{NO_JWT}.")
    try:
        return Parsed(header(parts[0], "its header"), members(parts[1], "its payload"))
    except NotAnObject as fault:
        raise BadAssertion("wrong_assertion", f"{NO_JWT}: {fault}.") from fault


def _header_faults(head: Mapping[str, Any]) -> list[str]:
    faults: list[str] = []
    if head.get("alg") not in ALGORITHMS:
        faults.append(
            f"its alg must be one of {', '.join(ALGORITHMS)}; secrets do not sign (client_secret_jwt is not offered)"
        )
    faults += [f"its header must not have {name}: keys are registered" for name in OF_KEYS if name in head]
    if not isinstance(head.get("kid", ""), str):
        faults.append("its kid must be a text")
    if _typ(head) not in TYPES:
        faults.append(f"its typ must be {EXPLICIT} or JWT, or left out")
    return faults


def _typ(head: Mapping[str, Any]) -> str:
    typ = head.get("typ", "JWT")
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def _claim_faults(claims: Mapping[str, Any], accepted: Collection[str], now: float) -> list[str]:
    iss, sub, jti = claims.get("iss"), claims.get("sub"), claims.get("jti")
    faults: list[str] = []
    if not isinstance(sub, str) or not _ID.fullmatch(sub) or iss != sub:
        faults.append(NOT_ITSELF)
    if _audience(claims) not in accepted:
        faults.append(f"aud must be one text: {' or '.join(accepted)}")
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_JTI:
        faults.append(f"jti must be a text of at most {LONGEST_JTI} characters, a new one for each assertion")
    return faults + _time_faults(claims, now)


def _audience(claims: Mapping[str, Any]) -> str:
    """Return the one audience, also that of an array with one value; "" if there is none, or more."""
    match claims.get("aud"):
        case str(audience) | [str(audience)]:
            return audience
        case _:
            return ""


def _time_faults(claims: Mapping[str, Any], now: float) -> list[str]:
    exp, iat, nbf = (claims.get(name, now) for name in ("exp", "iat", "nbf"))
    if "exp" not in claims or not all(is_time(each) for each in (exp, iat, nbf)):
        return ["exp is required, and exp, iat and nbf must be numbers of seconds since 1970"]
    faults: list[str] = []
    if exp > now + LIFETIME + LEEWAY:
        faults.append(f"exp must be at most {LIFETIME} seconds ahead")
    if max(iat, nbf) > now + LEEWAY:
        faults.append("iat and nbf must not be in the future: check the clock")
    if "iat" in claims and iat > exp:
        faults.append("iat must not be after exp")
    return faults
