"""Where a logout token goes, and where it never goes, whatever a client's name means."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.configuration.upstream import Upstream
from service.oauth.upstream import Directory
from service.reactions.backchannel_delivery import Delivery, Looked
from service.reactions.backchannel_logout import NotTaken, NotWanted
from tests.flows.test_backchannel import Client, listening

PUBLIC, LOOPBACK = "https://auth.example.com", "http://127.0.0.1:8000"
NAME = "client.example"


@asynccontextmanager
async def delivering(issuer: str) -> AsyncGenerator[Delivery]:
    delivery = Delivery(issuer)
    try:
        yield delivery
    finally:
        await delivery.aclose()


def meaning(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """The name means these from here on; each look-up of it is in the list."""
    asked = list[str]()

    def look_up(host: str, port: int | None, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port or 0)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1", "0.0.0.0", "[::1]", "169.254.169.254", "[fe80::1]"],
)
async def test_a_server_on_the_network_never_goes_to_itself(host: str):
    client = Client()
    async with listening(client) as uri, delivering(PUBLIC) as delivery:
        with pytest.raises(NotWanted, match="not on the public network"):
            await delivery.send(uri.replace("127.0.0.1", host), "t")
    assert client.tokens == []


async def test_nor_by_a_name_that_means_itself(monkeypatch: pytest.MonkeyPatch):
    client = Client()
    async with listening(client) as uri, delivering(PUBLIC) as delivery:
        meaning(monkeypatch, "127.0.0.1")
        with pytest.raises(NotWanted):
            await delivery.send(uri.replace("127.0.0.1", NAME), "t")
    assert client.tokens == []


async def test_a_name_is_looked_up_once_and_that_address_is_gone_to_under_its_name(monkeypatch: pytest.MonkeyPatch):
    client = Client()
    async with listening(client) as uri, delivering(LOOPBACK) as delivery:
        asked = meaning(monkeypatch, "127.0.0.1")
        await delivery.send(uri.replace("127.0.0.1", NAME), "t")
    assert asked == [NAME]
    assert client.tokens == ["t"]
    assert f"\r\nhost: {NAME}:".encode() in client.heads[0].lower()


async def test_of_several_addresses_one_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch):
    client = Client()
    async with listening(client) as uri, delivering(LOOPBACK) as delivery:
        meaning(monkeypatch, "127.0.0.2", "127.0.0.1")
        await delivery.send(uri.replace("127.0.0.1", NAME), "t")
    assert client.tokens == ["t"]


async def test_a_name_that_nobody_knows_is_tried_again_later(monkeypatch: pytest.MonkeyPatch):
    def look_up(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    async with delivering(PUBLIC) as delivery:
        with pytest.raises(NotTaken, match="not known") as fault:
            await delivery.send("https://client.invalid/", "t")
    assert not isinstance(fault.value, NotWanted)


@pytest.mark.parametrize(("shown", "trusted"), [(NAME, True), ("other.example", False)])
async def test_the_certificate_is_held_against_the_name_and_not_the_address(
    shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
):
    pem = _certificate(tmp_path, shown)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(pem)
    client = Client()
    server = await asyncio.start_server(client.serve, "127.0.0.1", 0, ssl=server_side)
    port = server.sockets[0].getsockname()[1]
    meaning(monkeypatch, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    transport = Looked(local=True)
    async with server, httpx.AsyncClient(transport=transport) as http:
        sending = http.post(f"https://{NAME}:{port}/", data={"logout_token": "t"})
        if trusted:
            assert (await sending).status_code == 200
        else:
            with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
                await sending
    assert client.tokens == (["t"] if trusted else [])


def test_the_upstream_provider_s_certificate_is_held_against_the_same_authorities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(_certificate(tmp_path, "op.example")))
    directory = Directory(Upstream(issuer="https://op.example", client_id="c", client_secret="s"), PUBLIC)
    (authority,) = directory._trusted.get_ca_certs()
    assert authority["subject"] == ((("commonName", "op.example"),),)


def _certificate(directory: Path, name: str) -> Path:
    """Key and certificate of a server of this name, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    signed = builder.sign(key, hashes.SHA256())
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "server.pem"
    path.write_bytes(plain + signed.public_bytes(serialization.Encoding.PEM))
    return path
