"""Signed notes, checkpoints, proofs and the paths of tiles, in the forms that C2SP gives them."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from events.transparency import notes, proofs, tile_path
from events.transparency.checkpoints import BadCheckpoint, TreeHead, chain_line, tree_head
from events.transparency.notes import COSIGNATURE, ED25519, BadKey, BadNote, SignerKey
from events.transparency.tile_path import BadPath, Tile
from events.transparency.tree import Place

LOG = SignerKey("https://auth.example.com", ED25519, Ed25519PrivateKey.from_private_bytes(b"l" * 32))
WITNESS = SignerKey("witness.example/w1", COSIGNATURE, Ed25519PrivateKey.from_private_bytes(b"w" * 32))
HEAD = TreeHead(origin=LOG.name, size=109482, root=b"r" * 32, extensions=(chain_line(b"c" * 32),))
NOTE = notes.Note(HEAD.text, (LOG.sign(HEAD.text), WITNESS.cosign(HEAD.text, 1679315147)))

GO_S_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_S_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""


def test_the_note_in_the_documentation_of_go_is_verified_by_its_key():
    key, note = notes.verifier_key(GO_S_KEY), notes.parsed(GO_S_NOTE.encode())
    assert str(key) == GO_S_KEY
    assert str(note) == GO_S_NOTE
    assert [key.verifies(signature, note.text) for signature in note.signatures] == [True]
    assert not key.verifies(note.signatures[0], note.text.replace("problem", "question"))


def test_a_note_is_read_as_it_was_written():
    assert notes.parsed(str(NOTE).encode()) == NOTE
    assert tree_head(NOTE) == HEAD
    for key in (LOG, WITNESS):
        assert notes.verifier_key(str(key.verifier)) == key.verifier


def test_a_cosignature_signs_its_time_before_the_text():
    (_, cosignature), key = NOTE.signatures, WITNESS.verifier
    assert key.verifies(cosignature, NOTE.text)
    assert notes.time_of(cosignature) == 1679315147
    signed = b"cosignature/v1\ntime 1679315147\n" + NOTE.text.encode()
    WITNESS.private.public_key().verify(cosignature.value[8:], signed)
    later = cosignature.value[:7] + bytes([cosignature.value[7] + 1]) + cosignature.value[8:]
    assert not key.verifies(notes.Signature(cosignature.name, cosignature.key_id, later), NOTE.text)


def test_a_signature_counts_for_its_own_key_only():
    log, witness = NOTE.signatures
    assert not LOG.verifier.verifies(witness, NOTE.text)
    assert not WITNESS.verifier.verifies(log, NOTE.text)
    renamed = SignerKey("https://other.example.com", ED25519, LOG.private)
    assert not renamed.verifier.verifies(log, NOTE.text)
    assert not LOG.verifier.verifies(renamed.sign(NOTE.text), NOTE.text)


@given(st.data())
def test_no_byte_of_a_checkpoint_can_be_changed(data):
    text = str(NOTE).encode()
    at = data.draw(st.integers(0, len(text) - 1))
    changed = text[:at] + bytes([text[at] ^ data.draw(st.integers(1, 255))]) + text[at + 1 :]
    try:
        note = notes.parsed(changed)
    except BadNote:
        return
    valid = [key.verifies(s, note.text) for key in (LOG.verifier, WITNESS.verifier) for s in note.signatures]
    assert valid.count(True) < 2


@pytest.mark.parametrize(
    ("note", "why"),
    [
        (b"", "no empty line"),
        (b"a\n", "no empty line"),
        (b"a\n\n", "does not end with a line"),
        (b"\n\n" + NOTE.signatures[0].line.encode(), "no empty line"),
        (b"a\n\n" + NOTE.signatures[0].line.encode()[:-1], "does not end with a line"),
        (b"a\r\n\n" + NOTE.signatures[0].line.encode(), "control character"),
        (b"a\xff\n\n", "not UTF-8"),
        (b"a\n\n- a AAAAAAAA\n", "form: em dash, name, base64"),
        ("a\n\n— a+b AAAAAAAA\n".encode(), "form: em dash, name, base64"),
        ("a\n\n— a AAA\n".encode(), "not base64"),
        ("a\n\n— a AAB=\n".encode(), "one base64 form"),
        ("a\n\n— a AAAA\n".encode(), "shorter than the id"),
        (b"a\n\n" + "— a AAAAAAAA\n".encode() * 65, "more than 64 signatures"),
        (b"a" * 70000, "longer than 64 KiB"),
    ],
)
def test_what_is_no_note_is_refused_with_the_reason(note, why):
    with pytest.raises(BadNote, match=why):
        notes.parsed(note)


def test_what_is_no_verifier_key_is_refused():
    name, key_id, key = str(LOG.verifier).split("+", 2)
    other_kind = b64encode(b"\x02" + LOG.verifier.public).decode()
    for text in (
        "",
        name,
        f"{name}+{key_id}",
        f"+{key_id}+{key}",
        f"a b+{key_id}+{key}",
        f"{name}+{key_id}+{key[:-4]}",
    ):
        with pytest.raises(BadKey):
            notes.verifier_key(text)
    for text in (f"{name}x+{key_id}+{key}", f"{name}+{key_id}+{other_kind}", f"{name}+{key_id}+!"):
        with pytest.raises(BadKey):
            notes.verifier_key(text)


@pytest.mark.parametrize(
    "text",
    ["a\n", "a\n1\n", "a\n01\nr\n", "a\n-1\nr\n", "a\n1\nAAAA\n", "a\n1\n" + b64encode(b"r" * 32).decode() + "\n\nb\n"],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(BadCheckpoint):
        tree_head(notes.Note(text, ()))


def test_an_inclusion_proof_has_the_form_of_c2sp():
    proof = proofs.Inclusion(73894, (b"a" * 32, b"b" * 32), str(NOTE).encode())
    lines = proofs.inclusion(proof).decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 73894"]
    assert lines[2:5] == [b64encode(b"a" * 32).decode(), b64encode(b"b" * 32).decode(), ""]
    assert "\n".join(lines[5:]) == str(NOTE)


@pytest.mark.parametrize("hashes", [(), (b"a" * 32,), (b"a" * 32, b"b" * 32)])
def test_a_consistency_proof_is_read_as_it_was_written(hashes):
    proof = proofs.Consistency(0 if not hashes else 7, hashes, str(NOTE).encode())
    assert proofs.parsed_consistency(proofs.consistency(proof)) == proof


@pytest.mark.parametrize("text", [b"", b"old 1", b"old 01\n\n", b"new 1\n\n", b"old 1\nAAAA\n\n", b"old -1\n\n"])
def test_what_is_no_consistency_proof_is_refused(text):
    with pytest.raises(proofs.BadProof):
        proofs.parsed_consistency(text)


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/000", Tile(Place(0, 0))),
        ("0/x001/x234/067", Tile(Place(0, 1234067))),
        ("1/999.p/1", Tile(Place(8, 999), 1)),
        ("63/x001/000.p/255", Tile(Place(504, 1000), 255)),
        ("entries/x001/x234/067.p/8", Tile(Place(0, 1234067), 8, entries=True)),
    ],
)
def test_a_tile_has_one_path(path, tile):
    assert tile.path == path
    assert tile_path.parsed(path) == tile


@pytest.mark.parametrize(
    "path",
    ["", "0", "0/", "0/0", "00/000", "64/000", "0/x000/001", "0/001/002", "0/x001", "0/000.p/0", "0/000.p/256",
     "0/000.p/01", "0/000.p/", "0/000.p/1/", "-1/000", "entries", "entries/1", "data/000", "0/\u0660\u0660\u0660", "0/000\n", "/0/000"],
)  # fmt: skip
def test_what_is_no_path_of_a_tile_is_refused(path):
    with pytest.raises(BadPath):
        tile_path.parsed(path)
