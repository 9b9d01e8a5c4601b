"""The claims of a trusted issuer's token: what is wrong with them for a purpose (RFC 7519 section 4.1)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from events.trusted_issuer import Purpose
from service.clock import LATEST

LEEWAY_SECONDS = 60
SPIFFE = "spiffe"
EXPIRED = "it has expired"

LIVES: Mapping[Purpose, int | None] = {
    "workload": 24 * 3600,
    "id_jag": 600,
    "software_statement": None,
    "subject_token": 24 * 3600,
}
"""How many seconds ahead a token may expire; None: it need not expire."""


def faults_of(
    claims: Mapping[str, Any], issuer: str, purpose: Purpose, audiences: Sequence[str], now: float
) -> list[str]:
    """Return every fault of the claims: issuer, subject, audience, times and jti."""
    return [
        *_issuer_faults(claims, issuer),
        *_subject_faults(claims.get("sub"), purpose),
        *_audience_faults(claims.get("aud"), purpose, audiences),
        *_time_faults(claims, purpose, now),
        *_jti_faults(claims.get("jti"), purpose),
        *_confirmation_faults(claims.get("cnf")),
    ]


def trust_domain(subject: object) -> str | None:
    """Return the trust domain of a SPIFFE ID as a trusted issuer is named, such as spiffe://example.org."""
    try:
        parts = urlsplit(subject) if isinstance(subject, str) else None
    except ValueError:
        return None
    if parts is None or parts.scheme != SPIFFE or not parts.netloc or len(parts.path) < 2:
        return None
    return f"{SPIFFE}://{parts.netloc}"


def _issuer_faults(claims: Mapping[str, Any], issuer: str) -> list[str]:
    """A JWT-SVID need not have `iss`: its subject is in the trust domain."""
    if issuer.startswith(f"{SPIFFE}://"):
        return [] if trust_domain(claims.get("sub")) == issuer else ["its sub is not in the trust domain"]
    return [] if claims.get("iss") == issuer else ["its iss is another issuer"]


def _subject_faults(subject: object, purpose: Purpose) -> list[str]:
    if purpose == "software_statement":
        return [] if subject is None or isinstance(subject, str) else ["its sub must be a text"]
    return [] if isinstance(subject, str) and 0 < len(subject) <= 1024 else ["it has no sub"]


def _audience_faults(given: object, purpose: Purpose, accepted: Sequence[str]) -> list[str]:
    found = audiences_of(given)
    if purpose == "software_statement" and given is None:
        return []
    if found is None:
        return ["its aud must be a text or a list of texts"]
    if purpose == "id_jag" and found != tuple(accepted):
        return [f"its aud must be {accepted[0]} alone"]
    return [] if set(found) & set(accepted) else [f"its aud must be one of: {', '.join(accepted)}"]


def audiences_of(given: object) -> tuple[str, ...] | None:
    many = cast("list[object]", given) if isinstance(given, list) else [given]
    return tuple(map(str, many)) if many and all(isinstance(each, str) for each in many) else None


def _time_faults(claims: Mapping[str, Any], purpose: Purpose, now: float) -> list[str]:
    faults: list[str] = []
    wrong = [name for name in ("exp", "nbf", "iat") if name in claims and second(claims[name]) is None]
    faults += [f"its {name} must be a number of seconds since 1970" for name in wrong]
    longest, exp, iat = LIVES[purpose], second(claims.get("exp")), second(claims.get("iat"))
    if longest is not None and "exp" not in claims:
        faults.append("it has no exp")
    if exp is not None and exp + LEEWAY_SECONDS <= now:
        faults.append(EXPIRED)
    if exp is not None and longest is not None and exp > now + longest + LEEWAY_SECONDS:
        faults.append(f"its exp is more than {longest} seconds ahead")
    if (second(claims.get("nbf")) or 0) - LEEWAY_SECONDS > now:
        faults.append("it is not valid yet (nbf)")
    if iat is not None and iat - LEEWAY_SECONDS > now:
        faults.append("its iat is in the future")
    if purpose == "id_jag" and "iat" not in claims:
        faults.append("it has no iat")
    return faults


def _jti_faults(jti: object, purpose: Purpose) -> list[str]:
    if jti is None:
        return ["it has no jti"] if purpose == "id_jag" else []
    return [] if isinstance(jti, str) and 0 < len(jti) <= 256 else ["its jti must be a text of 1 to 256 characters"]


def _confirmation_faults(cnf: object) -> list[str]:
    if cnf is None or key_of(cnf) is not None:
        return []
    return ["its cnf must have jkt alone: a key of DPoP is the only one that this server can have proved"]


def key_of(cnf: object) -> str | None:
    """Return the thumbprint of the key of DPoP to which a token is bound (RFC 9449 section 6.1), or None."""
    found = cast("dict[str, object]", cnf) if isinstance(cnf, dict) else {}
    jkt = found.get("jkt")
    return jkt if isinstance(jkt, str) and len(found) == 1 else None


def second(given: object) -> int | None:
    """Return whole seconds of a NumericDate (RFC 7519 section 2), or None if it is none."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= LATEST:
        return None
    return int(given)
