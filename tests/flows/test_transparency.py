"""The transparency log over HTTP and on the command line: what a stranger gets proves the log, and what is wrong is refused."""

import asyncio
import signal
from base64 import b64decode, b64encode
from pathlib import Path

import asyncpg
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.transparency import notes, proofs, tree
from events.transparency.checkpoints import TreeHead, tree_head
from events.transparency.entries import leaf_hash
from events.transparency.notes import COSIGNATURE, SignerKey, VerifierKey
from service.configuration.witnesses import Witness
from tests.flows.conftest import Live, new_database, refused, serving
from tests.flows.test_cli import MASTER_KEY_TEXT, on, said, start
from tests.patience import PATIENCE, until

TREES = pytest.mark.parametrize("prefix", ["/log", "/log/issuance"])


@pytest.fixture
async def auditor(live: Live) -> dict[str, str]:
    return await live.caller("auditor", "audit:read")


async def keys(live: Live) -> dict[str, VerifierKey]:
    answer = await live.http.get("/log/key")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return {key.name: key for key in map(notes.verifier_key, answer.text.splitlines())}


async def verified(live: Live, note: bytes) -> TreeHead:
    parsed = notes.parsed(note)
    head = tree_head(parsed)
    assert (await keys(live))[head.origin].verifies(parsed.signatures[0], parsed.text)
    return head


async def covered(live: Live, prefix: str, position: int) -> TreeHead:
    """The newest checkpoint, once it covers the position."""

    async def newest() -> TreeHead | None:
        answer = await live.http.get(f"{prefix}/checkpoint")
        if answer.status_code == 503:
            return None
        head = await verified(live, answer.content)
        return head if head.size >= position else None

    return await until(newest)


async def grown(live: Live, prefix: str) -> int:
    """The last position of a log that has just grown by a client, or by a token."""
    client_id, secret = await live.register()
    await live.access_token(client_id, secret)
    connection = await asyncpg.connect(live.database)
    batches = "log.batches" if prefix == "/log" else "log.issuance_batches"
    end = await connection.fetchval(f"select max(last_position) from {batches}")
    await connection.close()
    return end


async def entries_of(live: Live, prefix: str, head: TreeHead, auditor: dict[str, str]) -> list[bytes]:
    """From all bundles that the tree of the checkpoint has."""
    entries: list[bytes] = []
    for number in range(-(-head.size // 256)):
        width = min(256, head.size - number * 256)
        partial = "" if width == 256 else f".p/{width}"
        answer = await live.http.get(f"{prefix}/tile/entries/{number:03}{partial}", headers=auditor)
        assert answer.status_code == 200, answer.text
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["cache-control"].startswith("private")
        rest = answer.content
        while rest:
            length = int.from_bytes(rest[:2], "big")
            entries.append(rest[2 : 2 + length])
            rest = rest[2 + length :]
    return entries


def root_of(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return tree.node(root_of(leaves[:middle]), root_of(leaves[middle:]))


@TREES
async def test_the_entries_hash_to_the_tiles_and_to_the_root_of_the_checkpoint(live: Live, auditor, prefix):
    head = await covered(live, prefix, await grown(live, prefix))
    assert head.origin == live.url + ("" if prefix == "/log" else "/issuance")
    leaves = [leaf_hash(entry) for entry in await entries_of(live, prefix, head, auditor)]
    assert root_of(leaves) == head.root
    width = min(head.size, 256)
    path = f"{prefix}/tile/0/000" + (f".p/{width}" if width < 256 else "")
    tile = await live.http.get(path, headers=auditor)
    assert tile.headers["content-type"] == "application/octet-stream"
    assert tile.content == b"".join(leaves[:width])
    (extension,) = head.extensions
    connection = await asyncpg.connect(live.database)
    batches = "log.batches" if prefix == "/log" else "log.issuance_batches"
    chain = await connection.fetchval(f"select chain from {batches} where last_position = $1", head.size)
    await connection.close()
    assert extension == f"chain {chain.hex()}"


@TREES
async def test_a_proof_of_inclusion_leads_from_the_entry_to_a_signed_root(live: Live, auditor, prefix):
    position = await grown(live, prefix)
    answer = await live.http.get(f"{prefix}/proof/inclusion/{position}", headers=auditor)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) < 2000
    lines, checkpoint = answer.content.split(b"\n\n", 1)
    header, index, *hashes = lines.decode().splitlines()
    assert (header, index) == ("c2sp.org/tlog-proof@v1", f"index {position - 1}")
    head = await verified(live, checkpoint)
    entry = (await entries_of(live, prefix, head, auditor))[position - 1]
    assert tree.includes(head.root, head.size, position - 1, leaf_hash(entry), list(map(b64decode, hashes)))
    whole = await live.http.get(f"{prefix}/proof/inclusion/{position}?entry=true", headers=auditor)
    assert whole.text.splitlines()[1:3] == [f"extra {b64encode(entry).decode()}", index]
    wrong = await live.http.get(f"{prefix}/proof/inclusion/{position}?entry=1", headers=auditor)
    assert (wrong.status_code, wrong.json()["errors"]) == (400, {"entry": ["must be true or false"]})


@TREES
async def test_a_proof_of_consistency_leads_from_one_checkpoint_to_a_later_one(live: Live, auditor, prefix):
    old = await covered(live, prefix, await grown(live, prefix))
    new = await covered(live, prefix, await grown(live, prefix))
    assert new.size > old.size
    answer = await live.http.get(f"{prefix}/proof/consistency/{old.size}/{new.size}", headers=auditor)
    assert answer.status_code == 200, answer.text
    proof = proofs.parsed_consistency(answer.content)
    assert (proof.old, await verified(live, proof.checkpoint)) == (old.size, new)
    assert tree.extends(old.size, old.root, new.size, new.root, proof.hashes)


async def test_a_reader_who_has_the_newest_checkpoint_gets_none_again(live: Live):
    await covered(live, "/log", 1)
    answer = await live.http.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=1"

    async def unchanged() -> bool:
        again = await live.http.get("/log/checkpoint", headers={"If-None-Match": answer.headers["etag"]})
        return (again.status_code, again.content) == (304, b"") or again.headers["etag"] != answer.headers["etag"]

    assert await unchanged()


WRONG = [
    ("tile/0", 400, "A tile's path is LEVEL/NUMBER"),
    ("tile/0/0", 400, "groups of three digits"),
    ("tile/64/000", 400, "from 0 to 63"),
    ("tile/0/000.p/256", 400, "from 1 to 255"),
    ("tile/0/x000/001", 400, "no needless zeroes: 0/001"),
    ("tile/0/999", 404, "no such tile yet"),
    ("tile/0/x999/x999/x999/x999/x999/999", 404, "no such tile yet"),
    ("tile/0/x999/x999/x999/x999/x999/x999/999", 400, "groups of three digits"),
    ("tile/63/000", 404, "no such tile yet"),
    ("tile/entries/x999/x999/x999/x999/x999/999", 404, "ends at position"),
    ("tile/entries/999.p/1", 404, "ends at position"),
    ("proof/inclusion/x", 400, "a whole number"),
    ("proof/inclusion/-1", 400, "a whole number"),
    ("proof/inclusion/0", 400, "first position of the"),
    ("proof/inclusion/01", 400, "a whole number"),
    ("proof/inclusion/9223372036854775808", 400, "a whole number"),
    ("proof/inclusion/9223372036854775807", 404, "ends at position"),
    ("proof/consistency/2/1", 400, "is larger than the second"),
    ("proof/consistency/1/x", 400, "a whole number"),
    ("proof/consistency/1/9223372036854775807", 404, "No checkpoint of the"),
]


@TREES
async def test_what_names_nothing_is_refused_and_the_refusal_says_what_to_do(live: Live, auditor, prefix):
    await covered(live, prefix, await grown(live, prefix))
    for path, status, detail in WRONG:
        answer = await live.http.get(f"{prefix}/{path}", headers=auditor)
        assert detail in refused(answer, status)["detail"], path


async def test_a_partial_tile_that_is_not_there_yet_is_not_found_and_says_how_many_hashes_there_are(
    live: Live, auditor
):
    head = await covered(live, "/log", 1)
    if head.size < 255:
        answer = await live.http.get("/log/tile/0/000.p/255", headers=auditor)
        assert "ask for .p/" in refused(answer, 404)["detail"]
    assert (await live.http.get("/log/tile/0/000.p/1", headers=auditor)).content == (
        await live.http.get(f"/log/tile/0/000.p/{min(head.size, 255)}", headers=auditor)
    ).content[:32]


async def test_the_command_line_gives_the_same_proofs(live: Live, auditor, place: Path):
    position = await grown(live, "/log")
    old = await covered(live, "/log", position)
    new = await covered(live, "/log", await grown(live, "/log"))
    proof, chosen, extended, vkeys, none = await asyncio.gather(
        on(live.database, "log", "prove", str(position), "-o", str(place / "proof"), "--entry", str(place / "entry")),
        on(live.database, "log", "checkpoint", "--at", str(new.size), "--json"),
        on(live.database, "log", "consistency", str(old.size), str(new.size)),
        on(live.database, "log", "key", MUNIMENT_MASTER_KEY=MASTER_KEY_TEXT, MUNIMENT_ISSUER="https://other.example"),
        on(live.database, "log", "prove", "9000000000"),
    )
    over_http: httpx.Response = await live.http.get(f"/log/proof/inclusion/{position}", headers=auditor)
    assert (place / "proof").read_bytes().startswith(over_http.content.split(b"\n")[0])
    assert proof.status == 0
    assert (place / "entry").read_bytes() == (await entries_of(live, "/log", new, auditor))[position - 1]
    assert chosen.json["root"] == new.root.hex()
    assert proofs.parsed_consistency(extended.out.encode()).old == old.size
    assert vkeys.out == (await live.http.get("/log/key")).text
    assert (none.status, "ends at position" in none.err) == (1, True)


async def test_a_witness_that_is_its_own_program_cosigns_what_the_service_serves(postgres: str, place: Path):
    database, issuer, name = await new_database(postgres), "https://auth.example.com", "witness.example/w1"
    vkeys, own = await asyncio.gather(
        on(database, "log", "key", "--json", MUNIMENT_ISSUER=issuer),
        said("witness", "key", name, "--data", str(place / "witness"), "--json"),
    )
    logs = [word for vkey in vkeys.json.values() for word in ("--log", vkey)]
    process = await start("witness", "serve", name, *logs, "--data", str(place / "witness"), "--port", "0")
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            first = (await process.stdout.readline()).decode()
        assert first.startswith(f"The witness {name} answers on http://127.0.0.1:")
        key = notes.verifier_key(own.json["key"])
        witness = Witness(key, first.split()[-1])
        async with serving(database, issuer=issuer, witnesses=(witness,), witness_quorum=1) as live:

            async def cosigned() -> bool:
                answer = await live.http.get("/log/checkpoint")
                if answer.status_code != 200:
                    return False
                note = notes.parsed(answer.content)
                return any(key.verifies(signature, note.text) for signature in note.signatures)

            assert await until(cosigned)
            auditor = await live.caller("auditor", "audit:read")
            proof = await live.http.get("/log/proof/inclusion/1", headers=auditor)
            assert f"\n\N{EM DASH} {name} " in proof.text
            assert proof.headers["muniment-quorum"] == "met"
            another = SignerKey("witness.example/w2", COSIGNATURE, Ed25519PrivateKey.generate()).verifier
            none = f"{another} https://witness.example"
            ended = await on(database, "log", "prove", "1", "--json", MUNIMENT_ISSUER=issuer, MUNIMENT_WITNESSES=none)
            assert ended.json["quorum"] is False
            assert "does not have its quorum of witnesses" in ended.err
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


async def test_a_witness_that_cannot_run_says_why(place: Path):
    data = str(place / "witness")
    own = (await said("witness", "key", "w.example/1", "--data", data, "--json")).json["key"]
    again, other, spaced, no_key, a_witness = [
        await said("witness", *words, "--data", data)
        for words in (
            ("key", "w.example/1"), ("key", "w.example/2"), ("key", "w 1"),
            ("serve", "w.example/1", "--log", "x"), ("serve", "w.example/1", "--log", own),
        )
    ]  # fmt: skip
    assert again.out == f"{own}\n"
    assert oct((place / "witness" / "witness.key").stat().st_mode & 0o777) == "0o600"
    for ended, why in (
        (other, "is the key of the witness w.example/1"), (spaced, "cannot be the name of a witness"),
        (no_key, "has the form NAME+HEX+BASE64"), (a_witness, "is the key of a witness, and not of a log"),
    ):  # fmt: skip
        assert (ended.status, why in ended.err) == (1, True), ended.err
