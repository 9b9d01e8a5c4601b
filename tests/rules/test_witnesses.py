"""Witnesses, without I/O: what one cosigns, what counts as an answer of one, and the setting that names them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.transparency import notes, proofs
from events.transparency.checkpoints import TreeHead
from events.transparency.notes import COSIGNATURE, ED25519, Note, SignerKey
from events.transparency.proofs import Consistency
from service.configuration import witnesses
from service.transparency.submission import SIZE, Answer, Behind, WitnessFault, outcome
from service.witness.app import create
from service.witness.decision import NOTHING, Head, Refused, decide, submission
from service.witness.state import State
from tests.rules.test_tree import leaves, mth, subproof

ORIGIN = "https://auth.example.com"
LOG = SignerKey(ORIGIN, ED25519, Ed25519PrivateKey.from_private_bytes(b"l" * 32))
STRANGER = SignerKey(ORIGIN, ED25519, Ed25519PrivateKey.from_private_bytes(b"s" * 32))
WITNESS = SignerKey("witness.example/w1", COSIGNATURE, Ed25519PrivateKey.from_private_bytes(b"w" * 32))
OTHER = SignerKey("witness.example/w1", COSIGNATURE, Ed25519PrivateKey.from_private_bytes(b"o" * 32))
D = leaves(20)
FORK = [b"f" * 32, *D[1:]]
NOW = 1_700_000_000


def text_of(size: int, d: list[bytes] = D, origin: str = ORIGIN) -> str:
    return TreeHead(origin=origin, size=size, root=mth(d[:size])).text


def request(old: int, new: int, d: list[bytes] = D, key: SignerKey = LOG, proof: list[bytes] | None = None) -> bytes:
    text = text_of(new, d, key.name)
    if proof is None:
        proof = subproof(old, d[:new]) if 0 < old < new else []
    return proofs.consistency(Consistency(old, tuple(proof), str(Note(text, (key.sign(text),))).encode()))


def head_of(size: int, d: list[bytes] = D) -> Head:
    return Head(size, mth(d[:size]))


def cosigned(given: bytes, last: Head = NOTHING) -> Head:
    return decide(submission(given, {ORIGIN: LOG.verifier}), last)


def test_a_witness_cosigns_a_first_checkpoint_a_later_one_and_the_same_one_again():
    assert cosigned(request(0, 7)) == head_of(7)
    assert cosigned(request(7, 20), head_of(7)) == head_of(20)
    assert cosigned(request(7, 7), head_of(7)) == head_of(7)


@pytest.mark.parametrize(
    ("given", "last", "status", "body"),
    [
        pytest.param(b"", NOTHING, 400, "not a proof", id="nothing"),
        pytest.param(b"old 0\n\nno note\n", NOTHING, 400, "not a proof", id="no note"),
        pytest.param(request(0, 7, key=STRANGER), NOTHING, 403, "by the key of its log", id="another key"),
        pytest.param(request(9, 7), NOTHING, 400, "larger than", id="an old size beyond the checkpoint"),
        pytest.param(request(3, 7), head_of(5), 409, "5\n", id="another old size"),
        pytest.param(request(0, 7), head_of(5), 409, "5\n", id="an old size of nothing"),
        pytest.param(request(5, 7), NOTHING, 409, "0\n", id="a log that it never saw"),
        pytest.param(request(7, 7, FORK), head_of(7), 409, "another root", id="another root for the same size"),
        pytest.param(request(7, 20, FORK), head_of(7), 422, "does not show", id="a fork"),
        pytest.param(request(7, 20, proof=[]), head_of(7), 422, "does not show", id="no proof"),
        pytest.param(request(0, 7, proof=[b"p" * 32]), NOTHING, 422, "does not show", id="a proof from nothing"),
    ],
)
def test_a_witness_refuses_what_does_not_extend_what_it_saw(given, last, status, body):
    with pytest.raises(Refused, match=body) as refused:
        cosigned(given, last)
    assert refused.value.status == status
    assert (refused.value.media == SIZE) == (status == 409 and body.strip().isdigit())


def test_a_witness_knows_logs_by_their_origin():
    elsewhere = SignerKey("https://other.example.com", ED25519, LOG.private)
    with pytest.raises(Refused) as refused:
        submission(request(0, 7, key=elsewhere), {ORIGIN: LOG.verifier})
    assert refused.value.status == 404


TEXT = text_of(7)
LINE = WITNESS.cosign(TEXT, NOW).line.encode()


async def test_a_witness_refuses_a_body_that_is_cut_short_or_too_long(tmp_path: Path):
    state = State(tmp_path / "heads.sqlite")
    for message, status in (
        ({"type": "http.disconnect"}, 400),
        ({"type": "http.request", "body": b"x" * 65537, "more_body": True}, 413),
    ):
        arrives, sent = iter([{"type": "http.request", "body": b"old", "more_body": True}, message]), []

        async def receive(arrives: Iterator[Any] = arrives) -> Any:
            return next(arrives)

        async def send(said: Any, sent: list[Any] = sent) -> None:
            sent.append(said)

        scope = {"type": "http", "method": "POST", "path": "/add-checkpoint", "headers": []}
        await create(WITNESS, {}, state)(scope, receive, send)
        assert sent[0]["status"] == status
    state.close()


def answered(status: int, body: bytes, media: str = "text/plain", key: SignerKey = WITNESS) -> object:
    answer = Answer(status=status, media=media, body=body)
    return outcome(answer, key=key.verifier, text=TEXT, size=7, now=float(NOW))


def test_a_cosignature_counts_among_those_of_others_and_a_smaller_size_is_what_the_witness_saw():
    assert answered(200, OTHER.cosign(TEXT, NOW).line.encode() + LINE) == WITNESS.cosign(TEXT, NOW)
    assert answered(409, b"5\n", SIZE) == Behind(5)
    assert answered(409, b"7", SIZE) == Behind(7)


@pytest.mark.parametrize(
    ("status", "body", "media", "why"),
    [
        (200, b"", "text/plain", "not made of lines"),
        (200, b"\xff\n", "text/plain", "not made of lines"),
        (200, LINE[:-1], "text/plain", "not made of lines"),
        (200, OTHER.cosign(TEXT, NOW).line.encode(), "text/plain", "no signature by the key"),
        (200, LOG.sign(TEXT).line.encode(), "text/plain", "no signature by the key"),
        (200, WITNESS.cosign(text_of(6), NOW).line.encode(), "text/plain", "does not verify"),
        (200, WITNESS.cosign(text_of(7, FORK), NOW).line.encode(), "text/plain", "does not verify"),
        (200, WITNESS.cosign(text_of(7, origin="https://b"), NOW).line.encode(), "text/plain", "does not verify"),
        (200, WITNESS.cosign(TEXT, NOW + 3600).line.encode(), "text/plain", "time in the future"),
        (409, b"8\n", SIZE, "saw our log at size 8, and it has 7"),
        (409, b"-1\n", SIZE, "names no size"),
        (409, b"\xff", SIZE, "names no size"),
        (409, b"7\n", "text/plain", "another root for this size"),
        (403, b"", "text/plain", "does not know our key"),
        (404, b"", "text/plain", "does not know our log"),
        (422, b"", "text/plain", "not the one that it saw"),
        (302, b"", "text/plain", "it answered 302"),
        (500, b"", "text/plain", "it answered 500"),
    ],
)
def test_what_a_witness_answers_otherwise_is_a_fault_with_a_reason(status, body, media, why):
    with pytest.raises(WitnessFault, match=why):
        answered(status, body, media)


def test_every_byte_of_a_cosignature_counts():
    raw = WITNESS.cosign(TEXT, NOW)
    for at in range(len(raw.value)):
        changed = raw.value[:at] + bytes([raw.value[at] ^ 1]) + raw.value[at + 1 :]
        line = notes.Signature(raw.name, raw.key_id, changed).line.encode()
        with pytest.raises(WitnessFault, match=r"does not verify|in the future"):
            answered(200, line)


def test_witnesses_are_pairs_of_a_key_and_a_url_between_commas():
    text = f" {WITNESS.verifier}  https://witness.example/w1/ ,{OTHER.verifier} http://127.0.0.1:8100"
    found, faults = witnesses.read(text, frozenset())
    assert faults == []
    assert [(each.key, each.url) for each in found] == [
        (WITNESS.verifier, "https://witness.example/w1"),
        (OTHER.verifier, "http://127.0.0.1:8100"),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{WITNESS.verifier}", "is not a verifier key, a space and a URL"),
        ("https://witness.example", "is not a verifier key, a space and a URL"),
        (f"{str(WITNESS.verifier)[:-2]} https://a.example", "base64|incompletely|Ed25519"),
        (f"{LOG.verifier} https://a.example", "signs as a log"),
        (f"{WITNESS.verifier} http://a.example", "must be https"),
        (f"{WITNESS.verifier} https://u:pa55@a.example", "a URL that is not a URL"),
        (f"{WITNESS.verifier} https://u:pa55@a.example x", "has a part that is not"),
        (f"{WITNESS.verifier} https://a.example, {WITNESS.verifier} https://b.example", "names a witness twice"),
    ],
)
def test_what_names_no_witness_is_refused_with_the_reason(text, why):
    _, (fault,) = witnesses.read(text, frozenset())
    assert any(part in fault for part in why.split("|")), fault
    assert "pa55" not in fault
