"""Everything that may be wrong with a JWT that would be accepted: its claims, its header, its signature, its form."""

import hashlib
import hmac
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from msgspec import Struct, json

from service.crypto.base64url import as_text

ES256 = JWSRegistry.algorithms["ES256"]
FOREIGN = ECKey.generate_key("P-256")
HOUR = 3600
LONG = "x" * 5000
NO_TEXTS = (None, True, 7, -1.5, [], {}, [[]], {"a": 1}, "", LONG, ["a", 7])
OTHER_TEXTS = ("other", "*", "https://evil.example", "é\u202e", "a\u0000b", "../..", "%00", "' or 1=1")
NO_TIMES = (None, True, "soon", "", [], {}, -1, 0, 1, 2**53, 2**64, 10**400, 1e300)
DEEP = 20_000


class Token(Struct, frozen=True, kw_only=True):
    """A JWT that would be accepted. `texts`, `names` and `times` are claims that it must have, except for the `optional` ones; of `names` any text is a good one.
    `carries_key`: the receiver knows the key only by the header.
    """

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    key: ECKey
    texts: tuple[str, ...]
    names: tuple[str, ...] = ("jti",)
    times: tuple[str, ...] = ("exp",)
    optional: tuple[str, ...] = ()
    carries_key: bool = False

    @property
    def text(self) -> str:
        return self.signed()

    def signed(
        self, header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None, key: ECKey | None = None
    ) -> str:
        head, said = {**self.header, **(header or {})}, {**self.claims, **(claims or {})}
        return _written(head, json.encode(said), key or self.key)

    def without(self, claim: str) -> str:
        said = {name: each for name, each in self.claims.items() if name != claim}
        return _written(self.header, json.encode(said), self.key)


Break = Callable[[Token, random.Random], str]


def _missing(token: Token, dice: random.Random) -> str:
    needed = [name for name in (*token.texts, *token.names, *token.times) if name not in token.optional]
    return token.without(dice.choice(needed))


def _wrong_type(token: Token, dice: random.Random) -> str:
    return token.signed(claims={dice.choice((*token.texts, *token.names)): dice.choice(NO_TEXTS)})


def _wrong_text(token: Token, dice: random.Random) -> str:
    return token.signed(claims={dice.choice(token.texts): dice.choice(OTHER_TEXTS)})


def _wrong_time(token: Token, dice: random.Random) -> str:
    value = dice.choice(NO_TIMES)
    claims = {**token.claims, dice.choice(token.times): value}
    return _by_hand(token, token.header, json.encode(claims) if value != 10**400 else _huge(claims))


def _huge(claims: Mapping[str, Any]) -> bytes:
    """A number of four hundred digits."""
    return json.encode({name: "HUGE" if each == 10**400 else each for name, each in claims.items()}).replace(
        b'"HUGE"', b"1" + b"0" * 400
    )


def _past_or_future(token: Token, dice: random.Random) -> str:
    now = int(time.time())
    past = {name: now - dice.randint(2, 1000) * HOUR for name in token.times}
    future = {name: now + dice.randint(200, 100_000) * HOUR for name in token.times}
    return token.signed(claims=dice.choice((past, future, {"nbf": now + HOUR * dice.randint(1, 100)})))


def _wrong_typ(token: Token, dice: random.Random) -> str:
    none = () if "typ" in token.optional else ("",)  # an empty typ says as much as none
    return token.signed(header={"typ": dice.choice(("secevent+jwt", "logout+jwt", *none, 7, None, [], "x" * 3000))})


def _no_signature(token: Token, dice: random.Random) -> str:
    alg = dice.choice(("none", "None", "NONE", "", None, 0, [], "ES256K", "RSA1_5"))
    return ".".join((_segment({**token.header, "alg": alg}), _segment(token.claims), dice.choice(("", "AAAA"))))


def _by_secret(token: Token, dice: random.Random) -> str:
    """The public key, which everybody knows, as the secret of HMAC."""
    head = _segment({**token.header, "alg": dice.choice(("HS256", "HS384", "HS512"))})
    known = dice.choice(
        (token.key.as_pem(private=False), json.encode(token.key.as_dict(private=False)), b"", b"secret")
    )
    said = f"{head}.{_segment(token.claims)}"
    return f"{said}.{as_text(hmac.new(known, said.encode(), hashlib.sha256).digest())}"


def _foreign(token: Token, dice: random.Random) -> str:
    """Signed by another key, to which the header leads who follows it."""
    more: dict[str, Any] = {
        "jku": "https://evil.example/jwks",
        "x5u": "http://169.254.169.254/latest",
        "x5c": ["MIIB"],
        "kid": dice.choice(("../../etc/passwd", "' or 1=1", "x" * 3000, "é")),
    }
    if not token.carries_key:
        more["jwk"] = FOREIGN.as_dict(private=False)
    name = dice.choice(list(more))
    return token.signed(header={name: more[name]}, key=FOREIGN)


def _private(token: Token, _: random.Random) -> str:
    return token.signed(
        header={"jwk": (token.key if token.carries_key else FOREIGN).as_dict(private=True)}, key=FOREIGN
    )


def _critical(token: Token, dice: random.Random) -> str:
    return token.signed(header={"crit": dice.choice((["x"], ["exp"])), "x": 1, "exp": 1})


def _no_object(token: Token, dice: random.Random) -> str:
    deep = dice.choice((b'{"a":', b"[")) * DEEP
    said = json.encode(token.claims)
    payload = dice.choice(
        (deep, b"[]", b"null", b"7", b'"x"', b"", b"\xef\xbb\xbf" + said, b"\xff\xfe" + said, said[:-1])
    )
    return _by_hand(token, token.header, payload)


def _deep_header(token: Token, dice: random.Random) -> str:
    head = json.encode(token.header)[:-1] + b',"a":' + dice.choice((b"[", b'{"b":')) * dice.choice((500, DEEP))
    return ".".join((as_text(head), _segment(token.claims), "AAAA"))


def _twice(token: Token, dice: random.Random) -> str:
    """A claim twice, of which the second one is wrong."""
    said = json.encode(token.claims)[:-1] + f',"{dice.choice(token.texts)}":"https://evil.example"}}'.encode()
    return _by_hand(token, token.header, said)


def _long(token: Token, dice: random.Random) -> str:
    return token.signed(claims={"padding": "x" * dice.choice((48_000, 49_000, 64 * 1024))}, key=FOREIGN)


def _form(token: Token, dice: random.Random) -> str:
    head, said, by = token.text.split(".")
    return dice.choice(
        (
            f"{head}.{said}",
            f"{head}.{said}.",
            f"{head}.{said}.{by}.{by}",
            f"{head}.{said}.{by}.{by}.{by}",
            f"{head}.{said}.{by[:40]}",
            f"{head}.{said}.{'B' if by[0] == 'A' else 'A'}{by[1:]}",
            f"{head}.{as_text(b'{}')}.{by}",
            f"{head}.{said[:-2]}.{by}",
            f"{head}, {said}",
            "." * dice.choice((2, 7000)),
            "a" * 7000,
            "é.é.é",
            "null",
        )
    )


BREAKS: Mapping[str, Break] = {
    "claim missing": _missing,
    "claim of a wrong type": _wrong_type,
    "claim with another value": _wrong_text,
    "time of a wrong type": _wrong_time,
    "past or future": _past_or_future,
    "wrong typ": _wrong_typ,
    "no signature": _no_signature,
    "signed by HMAC": _by_secret,
    "by a foreign key": _foreign,
    "with a private key": _private,
    "critical header": _critical,
    "no JSON object": _no_object,
    "deep header": _deep_header,
    "claim twice": _twice,
    "64 KiB": _long,
    "no JWT": _form,
}


def broken(token: Token, dice: random.Random) -> tuple[str, str]:
    """What is wrong with it, and the JWT."""
    how = dice.choice(list(BREAKS))
    return how, BREAKS[how](token, dice)


def _segment(members: Mapping[str, Any]) -> str:
    return as_text(json.encode(members))


def _by_hand(token: Token, header: Mapping[str, Any], payload: bytes) -> str:
    return _written(header, payload, token.key)


def _written(header: Mapping[str, Any], payload: bytes, key: ECKey) -> str:
    """Signed, whatever it is: a library would refuse."""
    said = f"{_segment(header)}.{as_text(payload)}"
    return f"{said}.{as_text(ES256.sign(said.encode(), key))}"
