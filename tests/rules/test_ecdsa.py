"""A signature by ES256 is the one that cryptography made, whatever the lengths of its two numbers."""

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import example, given
from hypothesis import strategies as st

from service.oauth.signing import fixed

LAST = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 - 1
"""The order of the curve P-256, less one (SEC 2 section 2.4.2)."""

numbers = st.integers(0, 255).flatmap(lambda bits: st.integers(1, min(2 ** (bits + 1), LAST)))


@given(numbers, numbers)
@example(1, LAST)
@example(LAST, 1)
@example(0x7F, 0x80)
@example(2**255, 2**255 - 1)
@example(2**247, 2**248)
def test_a_signature_is_its_two_numbers_in_32_bytes_each(r: int, s: int) -> None:
    assert fixed(encode_dss_signature(r, s)) == r.to_bytes(32, "big") + s.to_bytes(32, "big")
