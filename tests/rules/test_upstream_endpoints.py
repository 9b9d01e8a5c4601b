"""Where the metadata of the upstream provider may send us."""

from typing import Any

import pytest
from msgspec import json

from service.oauth.federation import UpstreamAway
from service.oauth.upstream import Provider, _read, _tried, is_safe
from service.oauth.upstream_token import key_set

REMOTE, LOOPBACK, PRIVATE = "https://op.example", "http://127.0.0.1:9", "https://10.0.0.5"


@pytest.mark.parametrize(
    ("address", "issuer", "safe"),
    [
        ("https://op.example/token", REMOTE, True),
        ("https://accounts.example/token", REMOTE, True),
        ("http://op.example/token", REMOTE, False),
        ("http://127.0.0.1:5432/jwks", REMOTE, False),
        ("https://127.0.0.1/jwks", REMOTE, False),
        ("https://localhost:8000/jwks", REMOTE, False),
        ("https://169.254.169.254/latest", REMOTE, False),
        ("https://[::1]/jwks", REMOTE, False),
        ("https://10.0.0.5/jwks", REMOTE, False),
        ("https://10.0.0.5[2606:4700::1]/jwks", REMOTE, False),
        ("ftp://op.example/jwks", REMOTE, False),
        ("https://10.0.0.5/jwks", PRIVATE, True),
        ("https://10.0.0.6/jwks", PRIVATE, False),
        ("http://10.0.0.5/jwks", PRIVATE, False),
        ("http://127.0.0.1:9/jwks", LOOPBACK, True),
        ("http://localhost:9/jwks", LOOPBACK, True),
        ("http://op.example/jwks", LOOPBACK, False),
    ],
)
def test_a_provider_may_name_public_hosts_and_its_own(address: str, issuer: str, *, safe: bool):
    assert is_safe(address, issuer) is safe


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"", b"\xff", b"{"])
def test_what_is_no_json_is_no_answer(body: bytes):
    with pytest.raises(UpstreamAway):
        _tried(json.decode, body)


@pytest.mark.parametrize("keys", [[], {}, {"keys": ["x"]}, {"keys": 7}, {"keys": [{"kty": "RSA"}]}, None], ids=repr)
def test_what_is_no_key_set_is_no_answer(keys: Any):
    with pytest.raises(UpstreamAway):
        _tried(key_set, keys)


@pytest.mark.parametrize("metadata", [[], None, {}, {"issuer": 7}], ids=repr)
def test_what_is_no_metadata_is_no_answer(metadata: Any):
    with pytest.raises(UpstreamAway):
        _read(metadata, Provider)
