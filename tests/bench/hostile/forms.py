"""Forms with one parameter wrong, bodies that are no form, and client metadata that nobody may register."""

import random
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import quote_plus, urlencode

from joserfc.jwk import ECKey
from msgspec import json

from tests.bench.hostile.asks import FORM, JSON, Ask, Pairs
from tests.flows.people import CALLBACK

ODD = ("%00", "%ff%fe", "%ed%a0%80", "%", "x%0d%0aSet-Cookie:+a=b", "%E2%80%AE", "[]", "{}", "-1", "null")
MANY = "&".join(f"p{n}=x" for n in range(3000))
LENGTHS = (3000, 20_000, 60_000)


def damaged(door: str, path: str, form: Pairs, dice: random.Random, *, may_miss: Collection[str] = ()) -> Ask:
    """The form, with a parameter twice, missing, empty, over-long, or of odd characters."""
    number = dice.randrange(len(form))
    name, value = form[number]
    encoded = [f"{each}={quote_plus(said)}" for each, said in form]
    wrongs: dict[str, list[str]] = {
        "parameter twice": [f"{name}={quote_plus(value)}", f"{name}={dice.choice((quote_plus(value), 'x'))}"],
        "parameter over-long": [f"{name}={'x' * dice.choice(LENGTHS)}"],
        "parameter of odd characters": [f"{name}={dice.choice(ODD)}"],
        "many parameters": [encoded[number], MANY],
    }
    if name not in may_miss:
        wrongs["parameter missing"] = []
        wrongs["parameter empty"] = [f"{name}="]
        wrongs["parameter as a list"] = [f"{name}[]={quote_plus(value)}"]
    if name == "resource":  # which may be there several times (RFC 8707 section 2)
        del wrongs["parameter twice"]
    how = dice.choice(list(wrongs))
    encoded[number : number + 1] = wrongs[how]
    body = "&".join(encoded).encode()
    return Ask(door=door, how=how, method="POST", path=path, headers=(("Content-Type", FORM),), body=body)


BAD_BODIES: Sequence[tuple[str | None, bytes]] = (
    (JSON, b'{"grant_type":"client_credentials"}'),
    (JSON, b'{"a":' * 10_000),
    (JSON, b"[" * 60_000),
    (JSON, b"\xff\xfe{}"),
    (None, b"grant_type=client_credentials"),
    ("text/plain", b"grant_type=client_credentials"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nx\r\n--x--\r\n',
    ),
    ("multipart/form-data", b"x" * 60_000),
    (FORM, b"&" * 60_000),
    (FORM, b"=" * 60_000),
    (FORM, b"%" * 60_000),
    (FORM, b"\xff" * 60_000),
    (FORM, b"\x00"),
    (FORM, b""),
    (FORM, b"a=b&" * 16_000),
    (FORM, b"grant_type=" + b"x" * 70_000),
    (f"{FORM}; charset=utf-16", urlencode({"grant_type": "client_credentials"}).encode("utf-16")),
)
_PRIVATE = ECKey.generate_key("P-256").as_dict(private=True)


def _metadata(**members: object) -> bytes:
    return json.encode({"redirect_uris": [CALLBACK], **members})


METADATA: Mapping[str, bytes] = {
    "deep JSON": b'{"a":' * 10_000,
    "deep in a good member": b'{"redirect_uris":["https://a.example/cb"],"jwks":' + b'{"keys":' * 9000,
    "64 KiB": _metadata(client_name="x" * 65_536),
    "a mark": b"\xef\xbb\xbf" + _metadata(),
    "UTF-16": _metadata().decode().encode("utf-16"),
    "half a character": b'{"redirect_uris":["https://a.example/cb"],"client_name":"\\ud800"}',
    "members twice": _metadata()[:-1] + b',"redirect_uris":[]}',
    "a list": b"[]",
    "NaN": b'{"redirect_uris":["https://a.example/cb"],"default_max_age":NaN}',
    "nothing": b"",
    "a form": b"redirect_uris=x",
    "no redirect URI": _metadata(redirect_uris=[]),
    "redirect URIs as a text": _metadata(redirect_uris=CALLBACK),
    "many redirect URIs": _metadata(redirect_uris=[CALLBACK] * 3000),
    "a script": _metadata(redirect_uris=["javascript:alert(1)"]),
    "data": _metadata(redirect_uris=["data:text/html,x"]),
    "plain http": _metadata(redirect_uris=["http://a.example/cb"]),
    "a wildcard": _metadata(redirect_uris=["https://*.example.com"]),
    "a fragment": _metadata(redirect_uris=["https://a.example/cb#x"]),
    "somebody's password": _metadata(redirect_uris=["https://u:p@a.example/cb"]),
    "a long redirect URI": _metadata(redirect_uris=["https://a.example/" + "x" * 5000]),
    "numbers": _metadata(client_name=7, scope=[], grant_types="x", contacts={}),
    "password grant": _metadata(grant_types=["password"]),
    "implicit grant": _metadata(response_types=["token"]),
    "HMAC": _metadata(token_endpoint_auth_method="client_secret_jwt"),
    "no keys": _metadata(token_endpoint_auth_method="private_key_jwt"),
    "a private key": _metadata(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [_PRIVATE]}),
    "a symmetric key": _metadata(
        token_endpoint_auth_method="private_key_jwt", jwks={"keys": [{"kty": "oct", "k": "x"}]}
    ),
    "keys here and there": _metadata(
        token_endpoint_auth_method="private_key_jwt", jwks={"keys": []}, jwks_uri="https://a.example/jwks"
    ),
    "keys of a cloud": _metadata(
        token_endpoint_auth_method="private_key_jwt", jwks_uri="http://169.254.169.254/latest"
    ),
    "pairwise": _metadata(subject_type="pairwise"),
    "an unsigned ID token": _metadata(id_token_signed_response_alg="none"),
    "a statement": _metadata(software_statement="eyJhbGciOiJub25lIn0.e30."),
    "a long statement": _metadata(software_statement="x" * 40_000),
    "no statement": _metadata(software_statement=7),
}
