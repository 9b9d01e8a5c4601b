"""The public keys of clients as JSON Web Keys (RFC 7517): which are accepted, and the form in which they are kept."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import Struct, to_builtins

from events.client_key import PublicKey
from events.signing_key import PublicJwk
from service.crypto.base64url import as_text, of_text
from service.oauth.keys import Key
from service.values.malformed import MALFORMED

ES256, EDDSA, PS256, RS256 = "ES256", "EdDSA", "PS256", "RS256"
ALGORITHMS = (ES256, EDDSA, PS256, RS256)
"""The algorithms of assertions and proofs of clients. `none` and the symmetric ones are not among them (RFC 8725 section 3.1)."""

OF_KIND = {"EC": (ES256,), "OKP": (EDDSA,), "RSA": (PS256, RS256)}
MEMBERS = {"EC": ("x", "y"), "OKP": ("x",), "RSA": ("n", "e")}
NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
"""The name of each curve in a JWK (RFC 7518 section 6.2.1.1)."""
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth")
NOT_PUBLIC = frozenset((*PRIVATE, "k"))
"""Members of a JWK that is private or symmetric (RFC 7518 section 6)."""

FEWEST_BITS, MOST_BITS = 2048, 4096
LARGEST_EXPONENT = 2**32
LONGEST_KID = 200
MOST_IMPORTED = 2_000
"""Strangers can register keys, too, so this is bounded: an RSA key of 4096 bits takes 5 KB, so these take 10 MB at most. To import a key
again takes 0.03 to 0.1 ms.
"""


class Accepted(Struct, frozen=True, kw_only=True):
    """Which keys are accepted, by their `kty`: the curves, and the algorithms of those that verify. `uses` are the values of `use`."""

    curves: Mapping[str, Sequence[str]]
    algorithms: Mapping[str, Sequence[str]]
    uses: Sequence[str]
    in_words: str


OF_CLIENTS = Accepted(
    curves={"EC": ("P-256",), "OKP": ("Ed25519",)},
    algorithms=OF_KIND,
    uses=("sig",),
    in_words="Send an EC key on P-256 (ES256), an OKP key on Ed25519 (EdDSA), or an RSA key of 2048 to 4096 bits (PS256, RS256).",
)
HAS_PRIVATE = (
    "has its private part: send the public part only, and of a new key pair, because this one is no secret any more"
)
IS_SYMMETRIC = "is a symmetric key (kty oct), which is not offered."
OF_OTHER_KIND = "is of a kind that is not supported."
NO_POINT = "is not a valid key: its numbers are missing, are not base64url, or do not fit its kind"


class UnusableKey(Exception):
    """The text says what is wrong with the key, as the rest of a sentence that begins with it. It quotes nothing of the key."""


def parse(jwk: Mapping[str, object], accepted: Accepted = OF_CLIENTS) -> PublicKey:
    """Return the key in the form in which it is kept. Other members than those that count are ignored (RFC 7517 section 4).

    Raises UnusableKey, which names every fault.
    """
    kty = jwk.get("kty")
    if kty == "oct" or "k" in jwk:
        raise UnusableKey(f"{IS_SYMMETRIC} {accepted.in_words}")
    if not isinstance(kty, str) or kty not in MEMBERS or jwk.get("crv") not in accepted.curves.get(kty, (None,)):
        raise UnusableKey(f"{OF_OTHER_KIND} {accepted.in_words}")
    alg = EDDSA if jwk.get("alg") == "Ed25519" else jwk.get("alg", "")
    kid = jwk.get("kid", "")
    faults = [
        *([HAS_PRIVATE] if any(name in jwk for name in PRIVATE) else []),
        *_faults_of_use(jwk, accepted.algorithms[kty], accepted.uses, alg, kid),
    ]
    try:
        kept, fault = _kept(kty, jwk)
        thumbprint = "" if fault else _imported(kept).thumbprint()
    except (JoseError, *MALFORMED) as error:
        raise UnusableKey("; ".join([*faults, NO_POINT])) from error
    faults += [fault] if fault else []
    if faults:
        raise UnusableKey("; ".join(faults))
    return PublicKey(jwk=kept, thumbprint=thumbprint, kid=str(kid) or thumbprint, alg=str(alg))


def algorithms(key: PublicKey) -> tuple[str, ...]:
    """Return the algorithms whose signatures the key verifies."""
    return (key.alg,) if key.alg else OF_KIND[key.jwk.kty]


@lru_cache(maxsize=MOST_IMPORTED)
def imported(jwk: PublicJwk) -> Key:
    """Import a key that `parse` accepted, once for all of its signatures."""
    return _imported(jwk)


def _imported(jwk: PublicJwk) -> Key:
    builtins = to_builtins(jwk)
    match jwk.kty:
        case "EC":
            return ECKey.import_key(builtins)
        case "OKP":
            return OKPKey.import_key(builtins)
        case _:
            return RSAKey.import_key(builtins)


def of_public_key(key: object) -> PublicJwk | None:
    """Return the one JWK of a key of a supported kind, whatever its strength: equal keys have equal JWKs. None: another kind."""
    match key:
        case EllipticCurvePublicKey() if key.curve.name == "secp256r1":
            return _of_curve(key)
        case Ed25519PublicKey():
            return PublicJwk(kty="OKP", crv="Ed25519", x=as_text(key.public_bytes(Encoding.Raw, PublicFormat.Raw)))
        case RSAPublicKey():
            numbers = key.public_numbers()
            return PublicJwk(kty="RSA", n=_number(numbers.n), e=_number(numbers.e))
        case _:
            return None


def _faults_of_use(
    jwk: Mapping[str, object], algorithms: Sequence[str], uses: Sequence[str], alg: object, kid: object
) -> list[str]:
    operations = jwk.get("key_ops", ["verify"])
    faults: list[str] = []
    if alg != "" and alg not in algorithms:
        faults.append(f"has an alg that does not fit: it must be {' or '.join(algorithms)}, or left out")
    if jwk.get("use", "sig") not in uses:
        faults.append(f"is not for signatures: its use must be {' or '.join(uses)}, or left out")
    if not isinstance(operations, list) or "verify" not in operations:
        faults.append("is not for signatures: its key_ops must contain verify, or be left out")
    if not isinstance(kid, str) or len(kid) > LONGEST_KID or not (kid.isascii() and kid.isprintable()):
        faults.append(f"has a kid that is not a text of at most {LONGEST_KID} printable ASCII characters")
    return faults


def _kept(kty: str, jwk: Mapping[str, object]) -> tuple[PublicJwk, str | None]:
    """Return the key with each number in its one form, and what is wrong with its strength. Raises JoseError or one of MALFORMED."""
    numbers: dict[str, str] = {name: text for name in MEMBERS[kty] if isinstance(text := jwk.get(name), str)}
    if len(numbers) != len(MEMBERS[kty]) or any(len(each) > MOST_BITS for each in numbers.values()):
        raise ValueError(NO_POINT)
    if kty == "RSA":
        return _rsa(numbers["n"], numbers["e"])
    members: dict[str, str | list[str]] = {"kty": kty, "crv": str(jwk["crv"]), **numbers}
    key = ECKey.import_key(members) if kty == "EC" else OKPKey.import_key(members)
    kept = _of_curve(key.public_key)
    if kept is None:
        raise ValueError(NO_POINT)
    return kept, None


def _of_curve(key: object) -> PublicJwk | None:
    """Return the one JWK of a key of any curve that is accepted of somebody."""
    if not isinstance(key, EllipticCurvePublicKey):
        return of_public_key(key)
    numbers, octets = key.public_numbers(), (key.key_size + 7) // 8
    return PublicJwk(kty="EC", crv=NAMES[key.curve.name], x=_number(numbers.x, octets), y=_number(numbers.y, octets))


def _rsa(modulus: str, exponent: str) -> tuple[PublicJwk, str | None]:
    """Check the strength only. The key is imported afterwards: a library may refuse a weak one without a reason."""
    n, e = of_text(modulus), of_text(exponent)
    if n is None or e is None:
        raise ValueError(NO_POINT)
    key, odd = int.from_bytes(n, "big"), int.from_bytes(e, "big")
    kept = PublicJwk(kty="RSA", n=_number(key), e=_number(odd))
    if not FEWEST_BITS <= key.bit_length() <= MOST_BITS:
        return kept, f"is an RSA key of {key.bit_length()} bits: it must have {FEWEST_BITS} to {MOST_BITS}"
    if not 65537 <= odd < LARGEST_EXPONENT or odd % 2 == 0:
        return kept, "is an RSA key whose exponent e is not the usual 65537 (AQAB)"
    return kept, None


def _number(number: int, octets: int | None = None) -> str:
    """Base64urlUInt (RFC 7518 section 2), in the fewest octets or in as many as a coordinate has."""
    return as_text(number.to_bytes(octets or max(1, (number.bit_length() + 7) // 8), "big"))
