"""base64url as the standard library has it, in fewer calls."""

import base64
import binascii

from hypothesis import given
from hypothesis import strategies as st

from service.crypto.base64url import as_text, encoded, of_text


@given(st.binary())
def test_bytes_are_encoded_without_padding_and_decoded_again(content: bytes):
    assert encoded(content) == base64.urlsafe_b64encode(content).rstrip(b"=")
    assert of_text(as_text(content)) == of_text(base64.urlsafe_b64encode(content).decode()) == content


@given(st.text(st.sampled_from("aZ09-_+/= \né\ud800")) | st.text())
def test_what_the_standard_library_refuses_is_refused(text: str):
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        decoded = None
    assert of_text(text) == decoded
