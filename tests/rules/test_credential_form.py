"""What looks like a secret or token of this server is recognized, and no name that people make of the same words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.crypto import opaque_tokens
from service.crypto.credentials import new_id, new_secret
from service.values.credential_form import _in_the_form, has_credential

AROUND = st.sampled_from(["", " ", "id=", "(", "client_", "\n", "https://a.example/?x="])


@given(AROUND, AROUND, st.integers(0, 3))
def test_each_secret_code_and_token_is_recognized_in_any_text(before: str, after: str, which: int):
    made = (
        new_secret().reveal(),
        opaque_tokens.make(opaque_tokens.CODE, new_id()).reveal(),
        opaque_tokens.make(opaque_tokens.REFRESH_TOKEN, new_id()).reveal(),
        "eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiIwMWEyIn0.c2lnbmF0dXJl",
    )[which]
    assert has_credential(["fine", f"{before}{made}{after}"])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "secret_",
            "refresh_token_rotation_after_a_replay_of_the_old_one",
            "https://a.example/code_verification_callback",
        ),
        *("authorization.refresh_token_rotated,authorization.refresh_token_replayed", "olivia@example.com", "eyJ.x"),
        *(f"oauth_client_{'a1' * 16}", "client_secret_basic", "secret_of_the_invoice_service_in_the_staging_area"),
    ],
)
def test_names_ids_and_sentences_are_none(text: str):
    assert not has_credential([text])


PIECES = st.sampled_from(
    ["secret_", "code_", "initial_", "whsec", "eyJ", "_", ".", " ", "a" * 31, "aB" * 16, "eyJhbGci", "\n"]
)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_what_is_seen_at_once_to_be_none_is_none(text: str):
    assert has_credential([text]) == (_in_the_form(text) is not None)
