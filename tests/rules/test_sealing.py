"""What is sealed can be opened with its key, for its purpose, by its owner, and not otherwise."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from service.crypto.sealing import NONCE_BYTES, CannotOpen, Seal, derived
from service.oauth.keys import generate
from service.vault.private_keys import WrongMasterKey, unwrap, wrapping
from tests.rules.samples import STREAM

KEY, PURPOSE, OWNER = b"k" * 32, "test", b"owner"


@given(st.binary(), st.binary())
def test_what_was_sealed_is_opened(plain, about):
    seal = Seal(KEY, PURPOSE)
    assert Seal(KEY, PURPOSE).open(seal.close(plain, about), about) == plain


@given(st.binary(min_size=1), st.text(st.characters(codec="utf-8")), st.binary())
def test_a_key_is_derived_as_rfc_5869_says(master, purpose, salt):
    assert derived(master, purpose, salt=salt) == HKDF(SHA256(), 32, salt, purpose.encode()).derive(master)


def test_the_same_bytes_are_never_sealed_to_the_same_bytes():
    seal = Seal(KEY, PURPOSE)
    assert seal.close(b"plain", OWNER) != seal.close(b"plain", OWNER)
    assert b"plain" not in seal.close(b"plain", OWNER)


@pytest.mark.parametrize(
    ("seal", "about"),
    [
        pytest.param(Seal(b"j" * 32, PURPOSE), OWNER, id="another key"),
        pytest.param(Seal(KEY, "another"), OWNER, id="another purpose"),
        pytest.param(Seal(KEY, PURPOSE, salt=b"s"), OWNER, id="another salt"),
        pytest.param(Seal(KEY, PURPOSE), b"another", id="moved to another owner"),
        pytest.param(Seal(KEY, PURPOSE), b"", id="moved to nobody"),
    ],
)
def test_it_cannot_be_opened_with(seal, about):
    sealed = Seal(KEY, PURPOSE).close(b"plain", OWNER)
    with pytest.raises(CannotOpen):
        seal.open(sealed, about)


@given(st.integers(min_value=0), st.integers(0, 7))
def test_a_changed_bit_is_seen(place, bit):
    sealed = bytearray(Seal(KEY, PURPOSE).close(b"plain", OWNER))
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(CannotOpen):
        Seal(KEY, PURPOSE).open(bytes(sealed), OWNER)


@given(st.binary(max_size=64))
def test_no_bytes_at_all_are_answered_with_another_exception(sealed):
    with pytest.raises(CannotOpen):
        Seal(KEY, PURPOSE).open(sealed, OWNER)


@pytest.mark.parametrize("length", [0, 1, NONCE_BYTES, NONCE_BYTES + 15])
def test_bytes_cut_short_are_seen(length):
    with pytest.raises(CannotOpen):
        Seal(KEY, PURPOSE).open(Seal(KEY, PURPOSE).close(b"plain", OWNER)[:length], OWNER)


def test_a_wrapped_signing_key_is_opened_with_its_master_key_for_its_own_stream():
    made = generate(wrapping(KEY), STREAM, "ES256")
    jwk = unwrap(wrapping(KEY), STREAM, made.wrapped)
    assert (jwk["x"], jwk["y"], set(jwk)) == (made.public_jwk.x, made.public_jwk.y, {"kty", "crv", "x", "y", "d"})
    for seal, stream in ((wrapping(b"j" * 32), STREAM), (wrapping(KEY), type(STREAM)(int=1))):
        with pytest.raises(WrongMasterKey):
            unwrap(seal, stream, made.wrapped)
    assert str(jwk["d"]) not in repr(made)
