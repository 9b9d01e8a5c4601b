"""A file with the public keys of a client: JSON (RFC 7517), or its certificate as PEM, of which only the key counts."""

from typing import Any
from urllib.parse import quote

from msgspec import to_builtins

from service.cli.fault import Plainly
from service.cli.json_file import json_of, read_text

PEM = "-----BEGIN CERTIFICATE-----"


def read_jwk(file: str) -> Any:
    """Return the JWK in the file. Whether it is one is checked with the request. Raises Plainly."""
    text = read_text(file)
    return _key_of(text, file) if PEM in text else json_of(text, file)


def read_jwks(file: str) -> Any:
    """Return the JWK Set in the file. Raises Plainly."""
    text = read_text(file)
    return {"keys": [_key_of(text, file)]} if PEM in text else json_of(text, file)


def _key_of(pem: str, file: str) -> dict[str, Any]:
    from service.oauth.certificates import ESCAPED_PEM, BadCertificate, read  # noqa: PLC0415 - they take ten megabytes

    try:
        key = read(ESCAPED_PEM, quote(pem)).key
    except BadCertificate as fault:
        raise Plainly(f"{file} has no certificate that can be read") from fault
    if key is None:
        raise Plainly(
            f"the certificate in {file} has a key of another kind than EC on P-256, Ed25519 and RSA; make one of these"
        )
    return to_builtins(key)
