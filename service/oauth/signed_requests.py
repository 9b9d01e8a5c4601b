"""Signed request objects (RFC 9101, OpenID Connect Core 1.0 section 6): the parameters of a request as a JWT of its client.

Only a registered key of the client verifies it. A key that the JWT itself names or contains is never used (RFC 8725 section 3.10).
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from msgspec import Struct, convert, json

from events.client_key import PublicKey
from projections.clients import Found
from service.commands.security_profile import FAPI
from service.oauth.client_keys import ALGORITHMS, RS256
from service.oauth.client_signatures import LONGEST, is_time, keys_for, members, signer_of
from service.oauth.form import LONGEST_NAME, REPEATABLE
from service.oauth.parameters import Fault, Params
from service.oauth.request_objects import BadRequestObject, unverified_parameters
from service.oauth.request_parameters import RequestParameters
from service.values.malformed import MALFORMED
from service.values.strict_json import NotAnObject

OF_FAPI = tuple(alg for alg in ALGORITHMS if alg != RS256)
"""FAPI 2.0 Security Profile section 5.4.1."""

TYPES = ("oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "jwt")
LEEWAY = 30
"""How many seconds the client's clock may be ahead or behind."""

LONGEST_LIFE = 3600
"""FAPI 2.0 Message Signing section 5.3.1: `exp` at most this many seconds after `nbf`, and `nbf` at most this many ago."""

OTHER_TYPE = (
    "The response_type of the request object is not the one outside of it. Send the same, or only the one inside."
)
FOREIGN_KEYS = ("jku", "jwk", "x5u", "x5c")
CLAIMS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti", "sub"})
MOST_PARAMETERS, MOST_AUDIENCES, MOST_KEYS = 50, 20, 20

NO_JWT = f"It must be one signed JWT of at most {LONGEST} characters, whose header and payload are JSON objects; encryption is not offered"


class Expected(Struct, frozen=True, kw_only=True):
    """What a request object must say. `timed`: its lifetime is required and bounded. `alg`: the only algorithm, if there is one.

    `addressed`: `iss` and `aud` are required (FAPI 2.0 Message Signing section 5.3.1). RFC 9101 section 4 only recommends them. A client
    that is a document has one client_id and one key everywhere: without `aud`, another server could use here what was meant for it.
    """

    client_id: str
    issuer: str
    now: float
    alg: str | None = None
    timed: bool = False
    addressed: bool = False


class Opened(Struct, frozen=True, kw_only=True):
    """The parameters inside, and the names of those that have several values."""

    params: Params
    twice: tuple[str, ...]


class _Header(Struct, frozen=True, kw_only=True):
    alg: str = ""
    kid: str | None = None
    typ: str | None = None


def opened(asked: RequestParameters, found: Found | None) -> RequestParameters:
    """Return the parameters of the request object, if there is one and its client has keys: no other parameter counts then (RFC 9101
    section 6.3). If the object is not valid, what it says only decides where its client gets to know.
    """
    text = asked.params.get("request")
    if text is None or found is None or not (asked.keys or asked.fault):
        return asked
    client_id, security = found.client.client_id, found.client.security
    expected = Expected(
        client_id=client_id,
        issuer=asked.issuer,
        now=asked.now,
        alg=security.request_object_signing_alg,
        timed=security.require_signed_request_object or security.security_profile == FAPI,
        addressed=security.security_profile == FAPI or found.client.document is not None,
    )
    try:
        if asked.fault is not None:
            raise asked.fault
        inside = verified(text, asked.keys, expected)
    except Fault as fault:
        unverified = unverified_parameters(text).params
        return asked.__replace__(params={**unverified, **asked.params}, fault=fault)
    outside = asked.params.get("response_type")
    same_type = outside in (None, inside.params.get("response_type"))
    twice = {*inside.twice, *({"request", "client_id"} & set(asked.twice))}
    return asked.__replace__(
        params={**inside.params, "client_id": client_id},
        twice=tuple(sorted(twice)),
        signed=True,
        fault=None if same_type else Fault("invalid_request", OTHER_TYPE),
    )


def verified(text: str, keys: Sequence[PublicKey], expected: Expected) -> Opened:
    """Verify a request object. Raises BadRequestObject, which names every fault of the header, or every fault of the claims."""
    given, claims = _parts(text)
    try:
        header = convert(given, _Header)
    except MALFORMED as fault:
        raise BadRequestObject("In its header, alg, kid and typ must be texts.") from fault
    _refuse(_faults_of_header(header, given, expected))
    _verify(text, header, given, keys)
    _refuse(_faults_of_claims(claims, expected))
    return _params(claims)


def kid_of(text: str) -> str | None:
    """Return the name of the key that the client signed with, unverified: where its keys must be fetched, this may be a new one."""
    try:
        return convert(_parts(text)[0], _Header).kid
    except (BadRequestObject, *MALFORMED):
        return None


def _parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    segments = text.split(".") if len(text) <= LONGEST else []
    if len(segments) != 3:
        raise BadRequestObject(f"{NO_JWT}.")
    try:
        return members(segments[0], "its header"), members(segments[1], "its payload")
    except NotAnObject as fault:
        raise BadRequestObject(f"{NO_JWT}: {fault}.") from fault


def _refuse(faults: Iterator[str]) -> None:
    if found := " ".join(faults):
        raise BadRequestObject(found)


def _faults_of_header(header: _Header, given: dict[str, Any], expected: Expected) -> Iterator[str]:
    allowed = (expected.alg,) if expected.alg else OF_FAPI if expected.timed else ALGORITHMS
    if header.alg not in allowed:
        yield f"Its alg must be {' or '.join(allowed)}."
    if header.typ is not None and header.typ.lower() not in TYPES:
        yield f"Its typ must be {TYPES[0]}, or left out."
    if brought := [name for name in FOREIGN_KEYS if name in given]:
        yield f"Its header must not have {', '.join(brought)}: only a registered key of the client counts; name it by kid."
    if "crit" in given:
        yield "Its header must not have crit: no extension is offered."


def _verify(text: str, header: _Header, given: dict[str, Any], keys: Sequence[PublicKey]) -> None:
    possible = keys_for(header.alg, header.kid, keys)
    if not possible:
        named = "no kid" if header.kid is None else "this kid"
        raise BadRequestObject(f"The client has no key for {header.alg} with {named}. Register the public key first.")
    if signer_of(text, given, possible[:MOST_KEYS]) is None:
        raise BadRequestObject("Its signature does not verify with a registered key of the client.")


def _faults_of_claims(claims: dict[str, Any], expected: Expected) -> Iterator[str]:
    audience = claims.get("aud")
    audiences = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    if ("iss" in claims or expected.addressed) and claims.get("iss") != expected.client_id:
        yield "Its iss must be the client_id."
    if claims.get("client_id", claims.get("iss")) != expected.client_id:
        yield "Its client_id must be that of the request."
    if claims.get("sub") == expected.client_id:
        yield "Its sub must not be the client_id: else it could be taken for a client assertion (RFC 9101 section 10.8)."
    if ("aud" in claims or expected.addressed) and (
        expected.issuer not in audiences or len(audiences) > MOST_AUDIENCES
    ):
        yield f"Its aud must be {expected.issuer}, or a list with it."
    if brought := [name for name in ("request", "request_uri") if name in claims]:
        yield f"It must not contain {' or '.join(brought)} (RFC 9101 section 4)."
    yield from _faults_of_time(claims, expected)


def _faults_of_time(claims: dict[str, Any], expected: Expected) -> Iterator[str]:
    names = [name for name in ("nbf", "exp") if name in claims or expected.timed]
    if wrong := [name for name in names if not is_time(claims.get(name))]:
        yield f"It must have {' and '.join(wrong)}, as seconds since 1970."
        return
    now, begins, ends = expected.now, claims.get("nbf"), claims.get("exp")
    if ends is not None and ends + LEEWAY <= now:
        yield "It has expired (exp): sign a new one for each request."
    if begins is not None and begins > now + LEEWAY:
        yield "It is not valid yet (nbf): set the clock of the client."
    if expected.timed and begins is not None and ends is not None:
        if begins < now - LONGEST_LIFE - LEEWAY:
            yield f"Its nbf must be at most {LONGEST_LIFE} seconds ago."
        if ends - begins > LONGEST_LIFE:
            yield f"Its exp must be at most {LONGEST_LIFE} seconds after nbf."


def _params(claims: dict[str, Any]) -> Opened:
    """Return the claims as the parameters that they stand for: a number in digits, an object as JSON (RFC 9101 section 4)."""
    inside = {name: value for name, value in claims.items() if name not in CLAIMS and value is not None}
    if len(inside) > MOST_PARAMETERS:
        raise BadRequestObject(f"It has more than {MOST_PARAMETERS} parameters.")
    several = {name: cast("list[Any]", value) for name, value in inside.items() if isinstance(value, list)}
    single = {**inside, **{name: value[0] if value else "" for name, value in several.items()}}
    texts = {name: _text(name, value) for name, value in single.items()}
    for name in REPEATABLE & several.keys():
        texts[name] = " ".join(_text(name, each) for each in several[name][:MOST_PARAMETERS])
    twice = sorted(name for name, value in several.items() if len(value) > 1 and name not in REPEATABLE)
    return Opened(params={name: text for name, text in texts.items() if text}, twice=tuple(twice))


def _text(name: str, value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case dict():
            return json.encode(value).decode()
        case _:
            raise BadRequestObject(f"Its {name[:LONGEST_NAME]} must be a text, a whole number or an object.")
