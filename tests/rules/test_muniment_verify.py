"""muniment-verify finds every change of what a log signed, names it, and says what it proves and what not."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events import muniment_verify
from events.muniment_verify import Case, Keys, Report, judge, keys_in
from events.transparency.notes import COSIGNATURE, ED25519, SignerKey
from tests.rules.signed_log import ORIGIN, SEEN_AT, WITNESS, SignedLog, as_lines, cosigned, signed, vkey

LOG = SignedLog([1, 3, 1, 2])
TOKENS = SignedLog([2, 1], issuance=True)
LARGE = SignedLog([100] * 6)
SMALL, SMALL_TOKENS = SignedLog([1, 1]), SignedLog([1, 1], issuance=True)


@pytest.fixture
def verified(tmp_path: Path) -> Callable[..., Report]:
    """Verifies files of this content, and returns the report."""

    def verify(*contents: bytes | Path, entries: Sequence[bytes] = (), quorum: int = 0) -> Report:
        files = [str(_file(tmp_path / f"given-{at}", content)) for at, content in enumerate(contents)]
        shown = [str(_file(tmp_path / f"entry-{at}", content)) for at, content in enumerate(entries)]
        keys = (*keys_in(vkey(ORIGIN), of_witness=False), *keys_in(vkey(f"{ORIGIN}/issuance"), of_witness=False))
        case = Case(Keys(keys, tuple(keys_in(vkey(WITNESS, 4), of_witness=True)), quorum))
        judge(case, files, shown)
        return case.report

    return verify


def _file(path: Path, content: bytes | Path) -> Path:
    if isinstance(content, Path):
        return content
    path.write_bytes(content)
    return path


def wrong_at(report: Report) -> int | None:
    (fault,) = report.wrong
    return fault.position


def changed(content: bytes) -> list[bytes]:
    """Returns the content once for each of its bytes, with that byte changed. A letter's case is easiest to overlook."""
    return [
        content[:at] + bytes([byte ^ (0x20 if chr(byte).isalpha() else 1)]) + content[at + 1 :]
        for at, byte in enumerate(content)
    ]


# Exports between checkpoints.


def test_an_export_and_two_checkpoints_prove_every_event_between_them(verified):
    report = verified(LOG.export(), LOG.checkpoint(1), LOG.checkpoint(7))
    assert report.status == 0
    assert any("the 7 events at positions 1 to 7 are exactly those" in sentence for sentence in report.proved)
    assert any("what happened after position 7" in sentence for sentence in report.unproved)


def test_an_export_from_the_middle_is_proved_by_the_chain(verified):
    report = verified(LOG.export(2, 5), LOG.checkpoint(1), LOG.checkpoint(5))
    assert report.status == 0
    assert any(
        "the 4 events at positions 2 to 5" in sentence and "(by the chain)" in sentence for sentence in report.proved
    )
    assert any("what was before position 2" in sentence for sentence in report.unproved)


def test_an_export_of_tokens_is_proved_by_the_checkpoints_of_the_issuance_log(verified):
    report = verified(TOKENS.export(), TOKENS.checkpoint(3), LOG.export(), LOG.checkpoint(7))
    assert report.status == 0
    assert any("the 3 tokens at positions 1 to 3" in sentence for sentence in report.proved)


def test_the_checkpoints_within_an_export_suffice(verified):
    report = verified(LOG.export(2, checkpoints=[4, 5]))
    assert report.status == 0
    assert any("the 4 events at positions 2 to 5" in sentence for sentence in report.proved)
    assert any("positions 6 to 7 come after the last checkpoint" in sentence for sentence in report.unproved)


def test_an_export_is_covered_by_the_one_that_follows_it(verified):
    report = verified(LOG.export(1, 4), LOG.export(5, 7), LOG.checkpoint(7))
    assert report.status == 0
    assert any("the 4 events at positions 1 to 4" in sentence for sentence in report.proved)


def test_every_changed_byte_of_an_export_is_refused(verified):
    export = (
        SignedLog([1]).export(checkpoints=[1]).replace(b'"position"', b'"origin":"%s","position"' % ORIGIN.encode(), 1)
    )
    assert verified(export).status == 0
    assert [bad for bad in changed(export) if verified(bad).status != 1] == []


def test_every_changed_byte_of_a_token_is_refused(verified):
    start, token, rest = SMALL_TOKENS.export().split(b"\n", 2)
    checkpoint = SMALL_TOKENS.checkpoint(2)
    exports = [b"\n".join((start, bad, rest)) for bad in (token, *changed(token))]
    assert [verified(export, checkpoint).status == 0 for export in exports] == [True] + [False] * len(token)


def lines_of(export: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export.splitlines()]


def rehashed(lines: list[dict[str, Any]]) -> bytes:
    """Computes the hashes of changed lines again, as somebody would who hides the change."""
    chain, leaves, first = bytes.fromhex(lines[0]["chain"]), b"", lines[0]["position"] + 1
    position = first - 1
    for line in lines[1:-1]:
        if line["line"] == "event":
            position += 1
            line["position"] = position
            leaves += bytes.fromhex(line["leaf"])
            continue
        at = muniment_verify.from_moment(line["recorded_at"])
        assert at is not None
        numbers = b"".join(number.to_bytes(8, "big") for number in (first, position, at))
        chain = sha256(chain + numbers + sha256(leaves).digest()).digest()
        line |= {"first_position": first, "last_position": position}
        line |= {"root": sha256(leaves).hexdigest(), "chain": chain.hex()}
        leaves, first = b"", position + 1
    lines[-1] |= {"position": position, "chain": chain.hex()}
    return as_lines(lines)


def test_a_changed_event_is_named_by_its_position(verified):
    bad = LOG.export().replace("café\\u0085 3".encode(), "café\\u0085 9".encode())
    assert wrong_at(verified(bad, LOG.checkpoint(7))) == 3


@pytest.mark.parametrize(
    ("change", "position", "says"),
    [
        pytest.param(
            lambda lines: lines.pop(4), 3, "the line of position 3 is missing before position 4", id="an event removed"
        ),
        pytest.param(
            lambda lines: lines.pop(5),
            4,
            "the line of position 4 is missing before the batch line of positions 2 to 4",
            id="the last event of a batch removed",
        ),
        pytest.param(
            lambda lines: lines.__delitem__(slice(3, 6)),
            2,
            "the lines of positions 2 to 4 are missing before the batch line",
            id="all events of a batch removed",
        ),
        pytest.param(lambda lines: lines.insert(4, lines[4]), 4, "it stands here twice", id="an event twice"),
        pytest.param(
            lambda lines: lines.insert(4, lines.pop(3)),
            2,
            "the line of position 2 is missing before position 3",
            id="two events reordered",
        ),
        pytest.param(
            lambda lines: lines.pop(2),
            1,
            "the batch line of positions 1 to 1 is missing before the batch line of positions 2 to 4",
            id="a batch line removed",
        ),
        pytest.param(
            lambda lines: lines.pop(-2),
            6,
            "the batch line of positions 6 to 7 is missing before the end line",
            id="the last batch line removed",
        ),
        pytest.param(
            lambda lines: lines.insert(3, lines[2]), 1, "is not that of the lines before it", id="a batch line twice"
        ),
        pytest.param(
            lambda lines: lines[4].update(recorded_at=lines[1]["recorded_at"]),
            3,
            "its time is not that of its batch",
            id="the time of an event changed",
        ),
        pytest.param(
            lambda lines: lines.__delitem__(slice(3, 7)),
            2,
            "the lines of positions 2 to 4 are missing",
            id="a whole batch removed",
        ),
        pytest.param(lambda lines: lines.pop(), 8, "no end line", id="the end line removed"),
        pytest.param(
            lambda lines: lines.__delitem__(slice(-4, -1)), 6, "the end line says", id="the last batch removed"
        ),
    ],
)
def test_an_export_is_not_what_was_signed_with(verified, change, position, says):
    lines = lines_of(LOG.export())
    change(lines)
    report = verified(as_lines(lines), LOG.checkpoint(7))
    assert (report.status, wrong_at(report)) == (1, position)
    assert says in report.wrong[0].what


def test_a_batch_line_that_is_missing_before_a_checkpoint_is_named(verified):
    lines = lines_of(LOG.export(checkpoints=[4, 7]))
    lines.pop(6)
    report = verified(as_lines(lines))
    assert (report.status, wrong_at(report)) == (1, 2)
    assert "the batch line of positions 2 to 4 is missing before a checkpoint" in report.wrong[0].what


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda lines: lines.pop(4), id="an event removed"),
        pytest.param(lambda lines: lines.insert(4, dict(lines[4])), id="an event added"),
        pytest.param(lambda lines: lines.insert(4, lines.pop(3)), id="two events reordered"),
        pytest.param(lambda lines: lines.__delitem__(slice(3, 7)), id="a batch removed"),
        pytest.param(lambda lines: lines.__delitem__(slice(-4, -1)), id="the end cut off"),
    ],
)
def test_a_change_with_all_hashes_computed_again_is_found_by_a_checkpoint(verified, change):
    lines = lines_of(LOG.export())
    change(lines)
    report = verified(rehashed(lines), LOG.checkpoint(1), LOG.checkpoint(7))
    assert (report.status, report.proved and report.wrong[0].position) == (1, 7)


def test_a_checkpoint_that_an_export_does_not_reach_is_a_fault(verified):
    report = verified(LOG.export(2, 5), LOG.checkpoint(1), LOG.checkpoint(7))
    assert wrong_at(report) == 7
    assert "no export connects this checkpoint" in report.wrong[0].what
    linked = verified(LOG.export(2, 5), LOG.checkpoint(5), LOG.checkpoint(7), LOG.consistency(5, 7))
    assert linked.status == 0


@pytest.mark.parametrize(
    "line",
    [
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"line":"event"}',
        b'{"line":"other"}',
        b'{"line":["batch"]}',
        b'{"line":"checkpoint","note":1}',
        b'{"line":"checkpoint","note":"\\ud800"}',
        b'{"line":"checkpoint","note":"\\u001B"}',
        b'{"line":"end","position":NaN,"chain":""}',
        b'{"line":"end","position":1e400,"chain":""}',
        b'{"line":"end","position":' + b"9" * 5000 + b',"chain":""}',
        b'{"line":"end","line":"end","position":0,"chain":""}',
    ],
    ids=lambda line: line[:45].decode(errors="replace"),
)
def test_a_line_that_is_none_of_an_export_is_named_by_its_number(verified, line):
    report = verified(b"\n".join((LOG.export().split(b"\n")[0], line, b"")), LOG.checkpoint(7))
    assert (report.status, wrong_at(report)) == (1, 1)
    assert "line 2" in report.wrong[0].what


def test_an_export_without_a_checkpoint_proves_nothing(verified):
    report = verified(LOG.export())
    assert report.status == 2
    assert "anybody can compute the hashes" in report.unreadable[0].what


def test_a_log_that_signs_two_histories_is_named(verified):
    other = LOG.checkpoint(7, root=sha256(b"another").digest())
    report = verified(LOG.checkpoint(7), other)
    assert wrong_at(report) == 7
    assert "two different histories" in report.wrong[0].what


# Checkpoints, and witnesses.


def test_every_changed_byte_of_a_checkpoint_is_refused(verified):
    checkpoint = LOG.checkpoint(7, cosigned_by=WITNESS)
    report = verified(checkpoint, quorum=1)
    assert report.status == 0
    assert any(f"{WITNESS} cosigned it at 2026-02-02T02:40:00Z" in sentence for sentence in report.proved)
    assert [bad for bad in changed(checkpoint) if verified(bad, quorum=1).status == 0] == []


def test_a_quorum_that_is_missed_is_said(verified):
    assert wrong_at(verified(LOG.checkpoint(7), quorum=1)) == 7
    report = verified(LOG.export(checkpoints=[5]), quorum=1)
    assert (report.status, report.unreadable[0].what.count("that 1 of the witnesses cosigned")) == (2, 1)


def test_a_checkpoint_of_a_log_without_a_key_is_not_believed(verified):
    stranger = LOG.checkpoint(7).replace(ORIGIN.encode(), b"https://other.example")
    assert verified(stranger).status == 2


@pytest.mark.parametrize(
    "content",
    [LOG.checkpoint(7) + b"\n", b"", b"old 1\n", b"{}", b"c2sp.org/tlog-proof@v1\n", b'{"line":"start"}\n'],
    ids=lambda content: repr(content[:20]),
)
def test_a_file_that_is_not_of_its_form_is_not_what_was_signed(verified, content):
    assert verified(content).status == 1


# Proofs.


def test_every_changed_byte_of_an_inclusion_proof_is_refused(verified):
    proof, entry = LOG.inclusion(3, 7), LOG.entries[2]
    report = verified(proof, entries=[entry])
    assert report.status == 0
    assert any(
        "client.renamed, version 3" in sentence and "2026-03-03T14:02:01.004096Z" in sentence
        for sentence in report.proved
    )
    assert [bad for bad in changed(proof) if verified(bad, entries=[entry]).status == 0] == []
    assert [bad for bad in changed(entry) if verified(proof, entries=[bad]).status == 0] == []


def test_an_inclusion_proof_finds_its_entry_in_an_export_or_carries_it(verified):
    assert verified(LOG.inclusion(3, 7), LOG.export()).status == 0
    carries = LOG.inclusion(3, 7, with_entry=True)
    assert verified(carries).status == 0
    assert [bad for bad in changed(carries) if verified(bad).status == 0] == []
    assert verified(LOG.inclusion(3, 7)).status == 2
    assert verified(LOG.checkpoint(7), entries=[LOG.entries[2]]).status == 2


def test_a_proof_of_another_entry_is_refused(verified):
    assert wrong_at(verified(LOG.inclusion(3, 7).replace(b"index 2", b"index 3"), LOG.export())) == 4


def test_every_changed_byte_of_a_consistency_proof_is_refused(verified):
    proof, old = LOG.consistency(4, 7), LOG.checkpoint(4)
    report = verified(proof, old)
    assert report.status == 0
    assert any("is the beginning of that of" in sentence for sentence in report.proved)
    assert [bad for bad in changed(proof) if verified(bad, old).status == 0] == []


@pytest.mark.parametrize(("old", "new"), [*pairwise([1, 4, 5, 7]), (1, 7), (4, 4), (1, 5)])
def test_a_consistency_proof_of_any_sizes_is_verified(verified, old, new):
    assert verified(LOG.consistency(old, new), LOG.checkpoint(old)).status == 0
    forged = LOG.checkpoint(old, root=sha256(b"another").digest())
    assert verified(LOG.consistency(old, new), forged).status == 1


# Tiles and bundles.


def test_tiles_and_bundles_prove_each_entry(verified, tmp_path):
    home = tmp_path / "mirror"
    LARGE.write_tiles(home, 600)
    report = verified(home, LARGE.checkpoint(200), LARGE.inclusion(7, 600))
    assert report.status == 0
    assert any("600 entries in bundles" in sentence and "size 200" in sentence for sentence in report.proved)


@pytest.mark.parametrize(
    ("name", "at", "position"),
    [
        ("tile/0/000", 32 * 5, 6),
        ("tile/0/001", 32 * 5 + 3, 262),
        ("tile/0/002.p/88", 32 * 87, 600),
        ("tile/1/000.p/2", 40, 257),
        ("tile/entries/000", 100, 1),
        ("tile/entries/002.p/88", -1, 600),
    ],
)
def test_a_changed_tile_or_bundle_is_named_with_its_position(verified, tmp_path, name, at, position):
    home = tmp_path / "mirror"
    LARGE.write_tiles(home, 600)
    content = bytearray((home / name).read_bytes())
    content[at] ^= 1
    (home / name).write_bytes(content)
    assert wrong_at(verified(home)) == position


def test_every_changed_byte_of_a_small_tree_s_files_is_refused(verified, tmp_path):
    home = tmp_path / "mirror"
    SMALL.write_tiles(home, 2)
    assert verified(home).status == 0
    passed: list[Path] = []
    for path in [path for path in home.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        for bad in changed(content):
            path.write_bytes(bad)
            passed += [path] if verified(home).status == 0 else []
        path.write_bytes(content)
    assert passed == []


def test_what_tiles_are_missing_is_said_and_what_bundles_alone_prove(verified, tmp_path):
    home = tmp_path / "mirror"
    LARGE.write_tiles(home, 600)
    (home / "tile/entries/001").unlink()
    report = verified(home)
    assert (report.status, any("entries/1" in sentence for sentence in report.unproved)) == (0, True)
    (home / "tile/0/001").unlink()
    assert any("0/1" in sentence for sentence in verified(home).unproved)
    (home / "tile/0/002.p/88").unlink()
    (home / "tile/0/000").unlink()
    report = verified(home)
    assert report.status == 0
    assert any("344 entries in bundles, and 344 hashes" in sentence for sentence in report.proved)


def test_single_tiles_are_taken_with_a_checkpoint(verified, tmp_path):
    home = tmp_path / "mirror"
    LOG.write_tiles(home, 7)
    report = verified(home / "tile/0/000.p/7", home / "tile/entries/000.p/7", LOG.checkpoint(7))
    assert report.status == 0


# The product and the definitions.


def test_what_the_product_signs_and_names_is_what_the_definitions_say():
    private = Ed25519PrivateKey.from_private_bytes(sha256(WITNESS.encode()).digest())
    witness, text = SignerKey(WITNESS, COSIGNATURE, private), "text\n"
    assert str(witness.verifier) == vkey(WITNESS, 4)
    assert witness.cosign(text, SEEN_AT).line == cosigned(text)
    assert SignerKey(WITNESS, ED25519, private).sign(text).line == signed(text, WITNESS)


# The program.


def test_the_verifier_imports_nothing_but_the_standard_library_and_cryptography():
    tree = ast.parse(Path(muniment_verify.__file__).read_text())
    names = [
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert {str(name).partition(".")[0] for name in names} <= sys.stdlib_module_names | {"cryptography"}


def test_a_copy_of_the_verifier_runs_alone(tmp_path: Path):
    copy = tmp_path / "copied.py"
    copy.write_bytes(Path(muniment_verify.__file__).read_bytes())
    (tmp_path / "log.vkey").write_text(f"{vkey(ORIGIN)}\n")
    (tmp_path / "log.jsonl").write_bytes(LOG.export(checkpoints=[7]))
    command = [sys.executable, "-I", str(copy), "--key", "log.vkey", "--json", "log.jsonl"]
    ended = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads(ended.stdout)["ok"] is True


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--key", vkey(ORIGIN), "good"], 0, "Proved:"),
        (["--key", vkey(ORIGIN), "bad"], 1, "NOT what was signed: bad, position 8"),
        (["--key", vkey(ORIGIN), "nothing"], 2, "Cannot be verified: nothing: No such file or directory"),
        (["--key", vkey(ORIGIN).replace("+", "+0", 1), "good"], 2, "the key id of the verifier key"),
        (["--key", vkey(ORIGIN), "--quorum", "1", "good"], 2, "--quorum: it is a number from 0 to 0"),
        (["--key", vkey(ORIGIN), "feed"], 2, "Cannot be verified: feed: this is no export but a list of the audit API"),
        (["--key", vkey(WITNESS, 4), "good"], 2, "give it by --witness"),
    ],
)
def test_the_exit_status_and_the_sentences_agree(written: Path, capsysbinary, words, status, says):
    assert muniment_verify.main(words) == status
    assert says in capsysbinary.readouterr().out.decode()


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory, which is the current one, with a checkpoint that was signed, and one whose size was changed."""
    (tmp_path / "good").write_bytes(LOG.checkpoint(7))
    (tmp_path / "bad").write_bytes(LOG.checkpoint(7).replace(b"\n7\n", b"\n8\n"))
    feed = {"position": 1, "recordedAt": "2026-01-02T03:04:05Z", "type": "client.disabled", "actor": {"by": "service"}}
    (tmp_path / "feed").write_text(f"{json.dumps(feed, separators=(',', ':'))}\n" * 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path
