"""A JWT whose header was read already is verified as joserfc verifies the whole text."""

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from msgspec import json

from service.crypto.base64url import of_text
from service.oauth.client_signatures import _REGISTRY, algorithm, verifies
from service.values.malformed import MALFORMED

KEY, OTHER = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
HEAD = {"alg": "ES256", "typ": "JWT"}
FIRST, SECOND, THIRD = jws.serialize_compact(HEAD, b'{"jti":"1"}', KEY).split(".")
OF_OTHER = jws.serialize_compact(HEAD, b'{"jti":"1"}', OTHER)
EXTENDED = jws.serialize_compact({**HEAD, "kid": "a"}, b"{}", KEY)
CRITICAL = jws.serialize_compact({**HEAD, "crit": ["kid"], "kid": "a"}, b"{}", KEY)

TEXTS = {
    "signed": f"{FIRST}.{SECOND}.{THIRD}",
    "with one more member": EXTENDED,
    "with a critical member": CRITICAL,
    "by another key": OF_OTHER,
    "of another payload": f"{FIRST}.{SECOND[:-4]}AAAA.{THIRD}",
    "of no payload": f"{FIRST}..{THIRD}",
    "of a payload that is no base64url": f"{FIRST}.{SECOND}A.{THIRD}",
    "without a signature": f"{FIRST}.{SECOND}.",
    "with half a signature": f"{FIRST}.{SECOND}.{THIRD[:43]}",
    "with a signature and more": f"{FIRST}.{SECOND}.{THIRD}{'!' * 1000}",
    "with a character that is no text": f"{FIRST}.{SECOND}.{THIRD}\ud800",
}


def _by_joserfc(text: str) -> bool:
    try:
        jws.deserialize_compact(text, KEY, registry=_REGISTRY)
    except (JoseError, *MALFORMED):
        return False
    return True


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_it_verifies_what_joserfc_verifies(text: str):
    head = json.decode(of_text(text.split(".", maxsplit=1)[0]) or b"")
    assert verifies(text, algorithm(head, _REGISTRY), KEY, _REGISTRY) == _by_joserfc(text)


def test_what_is_signed_verifies_and_nothing_else_does():
    heads = {name: json.decode(of_text(text.split(".")[0]) or b"") for name, text in TEXTS.items()}
    accepted = [
        name for name, text in TEXTS.items() if verifies(text, algorithm(heads[name], _REGISTRY), KEY, _REGISTRY)
    ]
    assert accepted[:2] == ["signed", "with one more member"]
    assert not {"by another key", "of another payload", "without a signature", "with a signature and more"} & {
        *accepted
    }
