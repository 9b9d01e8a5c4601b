"""Checkpoints are made from the tiles, signed, and kept: the same by every process, and never two roots of one size."""

import logging
import secrets
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from events.database import Connection, Pool
from events.transparency import kept, notes
from events.transparency.checkpoints import tree_head
from events.transparency.notes import COSIGNATURE, Note, SignerKey
from events.transparency.trees import BOTH, EVENTS, ISSUANCE
from events.verify import Fault
from projections import issuance_tiles, log_tiles
from service.transparency import verification
from service.transparency.checkpoints import CheckpointMaker
from service.transparency.log_key import LogKey
from service.transparency.verification import Verified
from service.vault import personal_data
from service.vault.private_keys import WrongMasterKey
from tests.conftest import fresh_database
from tests.rules.test_tree import mth
from tests.tables.conftest import column
from tests.tables.test_tiles import followed, grow, leaves

ISSUER = "https://auth.example.com"
KEY = b"k" * 32
KEEP = "select log.keep_checkpoint($1, $2, $3, $4, $5)"


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


@pytest.fixture
def maker(connections: Pool) -> CheckpointMaker:
    return CheckpointMaker(connections, LogKey(ISSUER, KEY))


async def follow_both(reader: Connection) -> None:
    for projection in (log_tiles.PROJECTION, issuance_tiles.PROJECTION):
        await followed(reader, projection)


async def test_a_checkpoint_has_the_root_and_the_chain_value_of_its_log(reader, maker):
    await maker.look()
    assert await kept.newest(reader, EVENTS) is None, "the tiles are not followed yet"
    await grow(reader, log_tiles.PROJECTION, 3, 300)
    await follow_both(reader)
    await maker.look()
    for tree, projection, origin in (
        (EVENTS, log_tiles.PROJECTION, ISSUER), (ISSUANCE, issuance_tiles.PROJECTION, f"{ISSUER}/issuance"),
    ):  # fmt: skip
        found = await kept.newest(reader, tree)
        assert found is not None
        note = notes.parsed(found.note)
        head, made = tree_head(note), await leaves(reader, projection)
        assert (head.origin, head.size, head.root) == (origin, len(made), mth(made))
        assert (found.size, found.root) == (head.size, head.root)
        chain = await reader.fetchval(f"select chain from {tree.batches} order by last_position desc limit 1")
        assert head.extensions == (f"chain {chain.hex()}",)
        key = (await LogKey(ISSUER, KEY).signer(reader, tree)).verifier
        assert key.verifies(note.signatures[0], note.text)


async def test_several_processes_make_the_same_checkpoints_and_only_when_a_log_has_grown(reader, connections, maker):
    await grow(reader, log_tiles.PROJECTION, 2)
    await follow_both(reader)
    for process in (maker, CheckpointMaker(connections, LogKey(ISSUER, KEY)), maker):
        await process.look()
    await grow(reader, log_tiles.PROJECTION, 1)
    await maker.look()
    assert await column(reader, "select size from log.checkpoints where tree = 'log'") == [2], "the tiles are behind"
    await follow_both(reader)
    await maker.look()
    sizes = await reader.fetch("select tree, size from log.checkpoints order by tree, size")
    assert [tuple(row) for row in sizes] == [("issuance", 0), ("log", 2), ("log", 3)]


async def test_a_checkpoint_is_found_by_size_and_by_time(reader, maker):
    for _ in range(3):
        await grow(reader, log_tiles.PROJECTION, 10)
        await follow_both(reader)
        await maker.look()
    second = await kept.of_size(reader, EVENTS, 20)
    assert second is not None
    assert await kept.of_size(reader, EVENTS, 19) is None
    assert await kept.upto_size(reader, EVENTS, 29) == await kept.from_size(reader, EVENTS, 11) == second
    assert await kept.upto_time(reader, EVENTS, second.made_at) == second
    assert await kept.upto_size(reader, EVENTS, 9) is await kept.from_size(reader, EVENTS, 31) is None


async def test_the_database_refuses_a_checkpoint_that_the_log_or_an_earlier_one_contradicts(reader, maker):
    await grow(reader, log_tiles.PROJECTION, 2)
    await follow_both(reader)
    await maker.look()
    chain = await reader.fetchval("select chain from log.batches where last_position = 2")
    for size, its_chain, why in ((1, chain, "no batch"), (2, b"c" * 32, "no batch"), (2, chain, "had another root")):
        with pytest.raises(asyncpg.InvalidParameterValueError, match=why):
            await reader.execute(KEEP, "log", size, its_chain, b"r" * 32, b"note")
    assert len(await column(reader, "select size from log.checkpoints where tree = 'log'")) == 1


async def test_tiles_that_are_missing_are_reported_once_and_make_no_checkpoint(reader, maker, caplog):
    await grow(reader, log_tiles.PROJECTION, 300)
    await follow_both(reader)
    await reader.execute("delete from read.log_tiles where height = 8")
    with caplog.at_level(logging.ERROR, "muniment.transparency"):
        for _ in range(3):
            await maker.look()
    assert [record.getMessage() for record in caplog.records] == [
        "no checkpoint of the event log can be made: row 0 at height 8 of its tree is missing; rebuild log_tiles"
    ]
    assert await kept.newest(reader, EVENTS) is None
    assert await kept.newest(reader, ISSUANCE) is not None


async def test_the_key_stays_the_same_under_a_new_master_key_and_a_process_with_the_former_one_adds_none(reader):
    before = await LogKey(ISSUER, KEY).verifiers(reader)
    new = secrets.token_bytes(32)
    await personal_data.rewrap(reader, personal_data.wrapping(KEY), personal_data.wrapping(new))
    assert await LogKey(ISSUER, new).verifiers(reader) == before
    with pytest.raises(WrongMasterKey):
        await LogKey(ISSUER, KEY).verifiers(reader)
    with pytest.raises(WrongMasterKey):
        await personal_data.own_key(reader, personal_data.wrapping(KEY), "another purpose")


def test_a_key_has_a_name_that_a_note_can_have():
    for tree in BOTH:
        origin = tree.origin("https://auth.example.com/a+b")
        assert notes.is_name(origin)
        assert origin.startswith("https://auth.example.com/a%2Bb")


WITNESS = SignerKey("witness.example/w1", COSIGNATURE, Ed25519PrivateKey.generate())
STRANGE = SignerKey("witness.example/w2", COSIGNATURE, Ed25519PrivateKey.generate())
"""Of this witness the key is not known."""


async def verified(connection: Connection, key: LogKey | None = None) -> Verified:
    nothing = Verified(signed=key is not None)
    return [nothing, *[each async for each in verification.verify(connection, EVENTS, key, [WITNESS.verifier])]][-1]


def resigned(note: bytes, *, root: bytes | None = None, key: Any = None) -> bytes:
    """The checkpoint with another root, or by another key."""
    head = tree_head(notes.parsed(note))
    text = head.__replace__(root=root or head.root).text
    return str(Note(text, (key.sign(text),))).encode()


TAMPERING = {
    "a root": ("update log.checkpoints set root = sha256('') where size = 20", 20, "another size or root"),
    "a size": ("update log.checkpoints set size = 19 where size = 20", 19, "another size or root"),
    "a note": ("update log.checkpoints set note = 'x' where size = 20", 20, "not a signed checkpoint"),
    "a chain value": ("update log.batches set chain = sha256('') where last_position = 20", 20, "its chain value"),
    "a batch": ("delete from log.batches where last_position = 30", 30, "no batch of the event log ends here"),
    "a tile": ("update read.log_tiles set hashes = overlay(hashes placing 'x' from 33)", 10, "its root is not that"),
    "all tiles": ("delete from read.log_tiles", 10, "rebuild log_tiles"),
    "a cosignature": (
        "update log.cosignatures c set line = (select line from log.cosignatures where size = 10 and name = c.name) where size = 20",
        20,
        "the cosignature of witness.example/w1 is not by its key",
    ),
    "a cosigned checkpoint": (
        "delete from log.checkpoints where size = 30",
        30,
        "witness.example/w1 cosigned a checkpoint that is gone",
    ),
    "the log's key": ("delete from vault.keys", 10, "gone from the vault"),
}


async def test_each_kept_checkpoint_is_verified_and_the_first_that_does_not_agree_is_named(
    reader, superuser, maker, monkeypatch
):
    monkeypatch.setattr(verification, "A_PAGE", 2)
    key = LogKey(ISSUER, KEY)
    assert await verified(reader, key) == Verified(signed=True), "there is no checkpoint, and no table of tiles"
    for size in (10, 20, 30):
        await grow(reader, log_tiles.PROJECTION, 10)
        await follow_both(reader)
        await maker.look()
        newest = await kept.of_size(reader, EVENTS, size)
        assert newest is not None
        for witness in (WITNESS, STRANGE):
            cosignature = witness.cosign(notes.parsed(newest.note).text, 1)
            await kept.keep_cosignature(reader, EVENTS, size, cosignature)
    assert await verified(reader, key) == Verified(checkpoints=3, signed=True, cosignatures=3, strange=3)
    assert await verified(reader) == Verified(checkpoints=3, signed=False, cosignatures=3, strange=3)

    note = await superuser.fetchval("select note from log.checkpoints where tree = 'log' and size = 20")
    ours = await key.signer(reader, EVENTS)
    theirs = ours.__replace__(private=Ed25519PrivateKey.generate())
    by_us, by_them = resigned(note, root=b"r" * 32, key=ours), resigned(note, key=theirs)
    notes_of = "update log.checkpoints set note = '\\x{}', root = '\\x{}' where size = 20"
    root = tree_head(notes.parsed(note)).root
    more = {
        "a root that we signed": (notes_of.format(by_us.hex(), (b"r" * 32).hex()), 20, "its root is not that"),
        "another key": (notes_of.format(by_them.hex(), root.hex()), 20, "its signature is not by our key"),
    }
    await superuser.execute("set session_replication_role = replica")
    for what, (statement, position, why) in (TAMPERING | more).items():
        transaction = superuser.transaction()
        await transaction.start()
        await superuser.execute(statement)
        if "gone from the vault" in why:
            await superuser.execute("set transaction read only")
        with pytest.raises(Fault, match=why) as fault:
            await verified(superuser, LogKey(ISSUER, KEY))
        await transaction.rollback()
        assert (fault.value.log, fault.value.position) == ("checkpoints of the event log", position), what
