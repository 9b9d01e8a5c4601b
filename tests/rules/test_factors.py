"""Second factors: which codes an authenticator app may show, and what a passkey has to prove."""

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from service.pages import devices
from service.people import ceremonies, factors
from service.people.factors import NotProved, Owner, Passkey, Relying, Totp

NOW = datetime(2026, 3, 3, 14, 2, 10, tzinfo=UTC)
RFC = Totp(secret=base64.b32encode(b"12345678901234567890").decode())
US = Relying(id="login.example.com", origin="https://login.example.com")
ADA = Owner(user=UUID(int=7), email="ada@example.com", name="Ada")


# Codes


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")]
)
def test_the_codes_are_those_of_rfc_6238_appendix_b(at, code):
    moment = datetime.fromtimestamp(at, UTC)
    assert factors.step_of(RFC, code, moment) == at // 30


def code_at(moment: datetime) -> str:
    return factors.TOTP(RFC.secret).at(moment)


@pytest.mark.parametrize(("seconds", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_half_a_minute_off_and_no_more(seconds, good):
    shown = NOW + timedelta(seconds=seconds)
    assert factors.step_of(RFC, code_at(shown), NOW) == (int(shown.timestamp()) // 30 if good else None)


def test_spaces_are_as_people_write_them():
    code = code_at(NOW)
    assert factors.step_of(RFC, f" {code[:3]} {code[3:]} ", NOW) == int(NOW.timestamp()) // 30


@given(st.text())
def test_no_odd_text_is_a_code_or_an_accident(text):
    step = factors.step_of(RFC, text, NOW)
    assert step is None or "".join(text.split()).isdigit()


def test_a_new_secret_is_random_long_enough_and_shows_itself_to_nobody():
    one, other = factors.new_totp(), factors.new_totp()
    assert one != other
    assert len(base64.b32decode(one.secret)) >= 20
    assert one.secret not in repr(one)
    assert "ada" not in repr(ADA)


def test_what_the_app_reads_names_the_account_and_the_issuer():
    uri = factors.uri(RFC, "ada@example.com", "Muniment login.example.com")
    assert uri.startswith("otpauth://totp/Muniment%20login.example.com:ada%40example.com?secret=")


# Passkeys, by an authenticator made of a few lines


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Authenticator:
    """One credential; `flags` says what it did: 1 somebody was there, 4 it knew who."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)

    def creates(
        self, challenge: bytes, *, flags: int = 0x45, origin: str = US.origin, host: str = US.id, **more: Any
    ) -> str:
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(cose)
        said = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": _data(host, flags) + credential})
        return self._answer(
            attestationObject=b64(said), clientDataJSON=b64(_client("webauthn.create", challenge, origin, **more))
        )

    def proves(
        self,
        challenge: bytes,
        *,
        flags: int = 0x05,
        origin: str = US.origin,
        host: str = US.id,
        user: UUID = ADA.user,
        **more: Any,
    ) -> str:
        data, client = _data(host, flags), _client("webauthn.get", challenge, origin, **more)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            authenticatorData=b64(data),
            clientDataJSON=b64(client),
            signature=b64(signature),
            userHandle=b64(user.bytes),
        )

    def _answer(self, **response: str) -> str:
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})


def _data(host: str, flags: int) -> bytes:
    return hashlib.sha256(host.encode()).digest() + bytes([flags]) + bytes(4)


def _client(kind: str, challenge: bytes, origin: str, **more: Any) -> bytes:
    return json.dumps({"type": kind, "challenge": b64(challenge), "origin": origin, **more}).encode()


CHALLENGE = b"c" * 32
DEVICE = Authenticator()
PASSKEY = ceremonies.made(US, DEVICE.creates(CHALLENGE), CHALLENGE, "Chrome, Linux")


@pytest.mark.parametrize("more", [{"crossOrigin": True}, {"topOrigin": "https://evil.example"}, {"crossOrigin": "no"}])
def test_a_passkey_in_a_frame_of_another_site_is_neither_made_nor_used(more: dict[str, Any]):
    with pytest.raises(NotProved):
        ceremonies.made(US, DEVICE.creates(CHALLENGE, **more), CHALLENGE, "Chrome")
    with pytest.raises(NotProved):
        ceremonies.prove(US, [PASSKEY], DEVICE.proves(CHALLENGE, **more), CHALLENGE)
    ceremonies.prove(US, [PASSKEY], DEVICE.proves(CHALLENGE, crossOrigin=False), CHALLENGE)


def test_a_passkey_is_made_and_then_proves_its_owner():
    assert PASSKEY.credential_id == DEVICE.id
    answer = DEVICE.proves(b"another challenge")
    assert ceremonies.owner_of(answer) == ADA.user
    ceremonies.prove(US, [PASSKEY], answer, b"another challenge")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(DEVICE.creates(b"x" * 32), id="for another challenge"),
        pytest.param(DEVICE.creates(CHALLENGE, flags=0x41), id="without knowing who is there"),
        pytest.param(DEVICE.creates(CHALLENGE, origin="https://evil.example"), id="on another page"),
        pytest.param(DEVICE.creates(CHALLENGE, host="evil.example"), id="for another host"),
        pytest.param(DEVICE.proves(CHALLENGE), id="which is a proof, and no new one"),
        pytest.param("", id="of nothing"),
    ],
)
def test_no_passkey_is_made(answer):
    with pytest.raises(NotProved):
        ceremonies.made(US, answer, CHALLENGE, "x")


@pytest.mark.parametrize(
    ("answer", "has"),
    [
        pytest.param(DEVICE.proves(b"x" * 32), [PASSKEY], id="an answer to another challenge"),
        pytest.param(DEVICE.proves(CHALLENGE, flags=0x01), [PASSKEY], id="an authenticator that asked nobody who they are"),
        pytest.param(DEVICE.proves(CHALLENGE, origin="https://evil.example"), [PASSKEY], id="a page that looks like ours"),
        pytest.param(DEVICE.proves(CHALLENGE, host="evil.example"), [PASSKEY], id="a proof for another host"),
        pytest.param(DEVICE.proves(CHALLENGE), [], id="somebody who has none"),
        pytest.param(Authenticator().proves(CHALLENGE), [PASSKEY], id="another passkey"),
        pytest.param(
            DEVICE.proves(CHALLENGE),
            [Passkey(credential_id=DEVICE.id, public_key=ceremonies.made(US, Authenticator().creates(CHALLENGE), CHALLENGE, "x").public_key, name="x")],
            id="a passkey of this id and another key",
        ),
    ],
)  # fmt: skip
def test_nothing_is_proved_by(answer, has):
    with pytest.raises(NotProved):
        ceremonies.prove(US, has, answer, CHALLENGE)


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "rawId", "response", "type"]), inner),
    ).map(json.dumps)
)
def test_odd_answers_prove_nothing_and_fail_nobody(answer):
    assert ceremonies.owner_of(answer) is None
    with pytest.raises(NotProved):
        ceremonies.prove(US, [PASSKEY], answer, CHALLENGE)
    with pytest.raises(NotProved):
        ceremonies.made(US, answer, CHALLENGE, "x")


def test_a_new_passkey_is_one_that_knows_its_owner_and_can_be_found_without_a_name():
    options = json.loads(ceremonies.creation(US, ADA, [PASSKEY], CHALLENGE))
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["attestation"] == "none"
    assert options["user"]["id"] == b64(ADA.user.bytes)
    assert [each["id"] for each in options["excludeCredentials"]] == [b64(DEVICE.id)]
    assert json.loads(ceremonies.assertion(US, [], CHALLENGE))["userVerification"] == "required"


@pytest.mark.parametrize(
    ("issuer", "host"),
    [
        ("https://login.example.com", "login.example.com"),
        ("http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", None),
        ("http://[::1]:8000", None),
    ],
)
def test_passkeys_belong_to_hosts_with_a_name(issuer, host):
    us = factors.relying(issuer)
    assert (us and us.id) == host
    assert us is None or us.origin == issuer


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "Safari, Mac"),
        ("curl/8.5.0", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_device_has_the_name_that_its_owner_knows_it_by(agent, name):
    assert devices.named(agent) == name
