"""Names and secrets: made, kept as hashes, compared, and shown to nobody."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from events import ids
from events.ids import bot_id_of, bot_stream, client_id_of, client_stream, is_document, is_importable
from events.naming import is_named
from service.crypto.credentials import Secret, hash_secret, new_id, new_secret, proven, stored
from tests.rules.samples import AT, secret

KEPT = [
    secret(1),
    secret(2, expires_at=AT + timedelta(seconds=1)),
    secret(3).__replace__(hash=hash_secret("another")),
]


@pytest.mark.parametrize(
    "show", [repr, str, format, "{}".format, "%s".__mod__, "{!a}".format, lambda s: f"{s}", lambda s: f"{[s]}"]
)
def test_a_secret_shows_itself_to_nobody(show):
    made = new_secret()
    assert made.reveal() not in show(made)
    assert not hasattr(made, "__dict__")


def test_a_secret_has_256_random_bits_and_a_prefix_that_scanners_find():
    one, other = new_secret().reveal(), new_secret().reveal()
    assert one != other
    assert one.startswith("secret_")
    assert len(one) == len("secret_") + 43
    assert one.isascii()


def test_of_a_secret_its_hash_and_its_last_four_characters_are_kept():
    kept = stored(Secret("secret_abcdefgh"), name="first", at=AT)
    assert kept.hash == sha256(b"secret_abcdefgh").hexdigest()
    assert (kept.hint, kept.name, kept.created_at, kept.expires_at) == ("…efgh", "first", AT, None)
    assert "secret_abcdefgh" not in repr(kept)


@pytest.mark.parametrize(
    ("text", "kept", "seconds", "number"),
    [
        pytest.param("secret", KEPT, 0, 1, id="the first of several"),
        pytest.param("another", KEPT, 0, 3, id="the last of several"),
        pytest.param("secret", KEPT[1:], 0, 2, id="one that has not expired yet"),
        pytest.param("secret", KEPT[1:], 1, None, id="one that expires this moment"),
        pytest.param("secret", KEPT[1:], 2, None, id="one that has expired"),
        pytest.param("secret", [KEPT[1], KEPT[0]], 9, 1, id="the same text again, not expired"),
        pytest.param("Secret", KEPT, 0, None, id="another case"),
        pytest.param("secret ", KEPT, 0, None, id="with a space behind"),
        pytest.param("", KEPT, 0, None, id="empty"),
        pytest.param("secret", [], 0, None, id="of a client without secrets"),
        pytest.param("gehéim", KEPT, 0, None, id="not ASCII"),
        pytest.param("\x00", KEPT, 0, None, id="NUL"),
        pytest.param(KEPT[0].hash, KEPT, 0, None, id="the hash is not the secret"),
        pytest.param("x" * 100_000, KEPT, 0, None, id="endless"),
    ],
)
def test_a_text_proves_itself_by_being_a_live_secret(text, kept, seconds, number):
    found = proven(text, kept, AT + timedelta(seconds=seconds))
    assert (found and found.secret_id) == (number and UUID(int=number))


def test_a_secret_that_is_not_ascii_can_be_proven_too():
    kept = secret(1).__replace__(hash=hash_secret("gehéim"))
    assert proven("gehéim", [kept], AT) is kept


def test_ids_made_one_after_the_other_are_neighbours():
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 100
    assert {made.version for made in ids} == {7}


@given(st.uuids().filter(lambda stream: not is_named(stream)))
def test_a_client_id_and_a_bot_id_name_their_streams(stream):
    assert client_stream(client_id_of(stream)) == stream
    assert bot_stream(bot_id_of(stream)) == stream


NAME = "0192f000000070008000000000000001"


@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "oauth_client_",
        f"oauth_client_{NAME[:-1]}",
        f"oauth_client_{NAME}0",
        f"oauth_client_{NAME.upper()[:-1]}F",
        f"OAUTH_CLIENT_{NAME}",
        f"oauth_client_{UUID(NAME)}",
        f"oauth_client_{NAME[:-1]} ",
        f"oauth_client_{NAME[:-1]}\u0661",
        f"oauth_client_0x{NAME[2:]}",
        f"oauth_client_{NAME}\n",
        f" oauth_client_{NAME}",
        "crm/sync",
        "crm sync",
        "crm-sync\n",
        "crm-s\u0443nc",
        "x" * 256,
        f"oauth_client_{{{NAME[:30]}}}",
    ],
)
def test_a_client_id_of_another_form_names_nothing(client_id):
    assert client_stream(client_id) is None
    assert bot_stream(client_id.replace("oauth_client_", "bot_") if "bot" not in client_id else "bot-abc123") is None


def test_an_id_that_was_brought_along_names_a_stream_that_no_id_of_ours_names():
    stream = client_stream("crm-sync")
    assert stream is not None
    assert is_named(stream)
    others = ("CRM-sync", "crm-sync.", client_id_of(stream), f"oauth_client_{stream.hex}")
    assert stream not in {client_stream(other) for other in others}


@given(st.text())
@example("https://0")  # it has the form of a document's URL, and why it can be none is said to who asks for it
@example("https://app.example.com/client.json")
def test_no_text_at_all_makes_the_reading_of_an_id_fail(text):
    assert (client_stream(text) is None) != (is_importable(text) or is_document(text))
    assert bot_stream(text) is None
    assert client_stream("oauth_client_" + text) is None or len(text) == 32


def test_a_text_that_is_too_long_for_a_client_id_is_not_remembered():
    """A stranger may send thousands of them, of 64 KiB each."""
    ids._remembered_stream.cache_clear()
    assert client_stream("x" * 256) is None
    assert client_stream("https://" + "x" * 248) is None
    assert ids._remembered_stream.cache_info().currsize == 0
    assert client_stream("x" * 255) is not None
