"""Checkpoints and witnesses over real sockets: our own witness, and those that are down, slow, wrong or lying."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from events.database import Connection, Pool
from events.transparency import kept, notes
from events.transparency.notes import COSIGNATURE, SignerKey, VerifierKey
from events.transparency.quorum import Quorum
from events.transparency.trees import BOTH, EVENTS, ISSUANCE
from projections import issuance_tiles, log_tiles
from service.configuration.witnesses import Witness
from service.transparency import checkpoints, proofs, witness_client
from service.transparency.checkpoints import CheckpointMaker
from service.transparency.log_key import LogKey
from service.transparency.submission import SIZE
from service.transparency.witnesses import Standing, Submitter
from service.witness import app as our_witness
from service.witness.state import State
from tests.conftest import fresh_database
from tests.patience import PATIENCE
from tests.tables.test_checkpoints import ISSUER, KEY, follow_both
from tests.tables.test_tiles import grow

Respond = Callable[[Request], Awaitable[Response]]


def signer(name: str) -> SignerKey:
    return SignerKey(f"witness.example/{name}", COSIGNATURE, Ed25519PrivateKey.generate())


@asynccontextmanager
async def answering(app: Starlette) -> AsyncGenerator[str]:
    """The URL of the application on a free port, in this process. Its socket takes connections before it runs."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def database(postgres: str) -> str:
    """Of its own, for the engine creates tables in it."""
    return await fresh_database(postgres)


@pytest.fixture
def maker(connections: Pool) -> CheckpointMaker:
    return CheckpointMaker(connections, LogKey(ISSUER, KEY))


async def logs(reader) -> dict[str, VerifierKey]:
    key = LogKey(ISSUER, KEY)
    return {signer.name: signer.verifier for signer in [await key.signer(reader, tree) for tree in BOTH]}


class Ours:
    """Our own witness, which knows both logs. `restart` is what a new process of it would have."""

    def __init__(self, file: Path) -> None:
        self.signer, self._file = signer("w1"), file
        self.state = State(file)
        self.url = ""

    @property
    def witness(self) -> Witness:
        return Witness(self.signer.verifier, self.url)

    def restart(self) -> None:
        self.state.close()
        self.state._database = State(self._file)._database


@pytest.fixture
async def ours(reader, place: Path) -> AsyncIterator[Ours]:
    ours = Ours(place / "heads.sqlite")
    async with answering(our_witness.create(ours.signer, await logs(reader), ours.state)) as url:
        ours.url = url
        yield ours
    ours.state.close()


class Submitting:
    """Makes submitters, and has what they said in the log."""

    def __init__(self, database: str, connections: Pool, caplog: pytest.LogCaptureFixture) -> None:
        self._database, self._connections, self._caplog = database, connections, caplog
        self.made: list[Submitter] = []

    def __call__(self, *witnesses: Witness) -> Submitter:
        self.made.append(Submitter(self._connections, self._database, witnesses))
        return self.made[-1]

    @property
    def said(self) -> list[str]:
        return [each.getMessage() for each in self._caplog.records if each.name == "muniment.witnesses"]


@pytest.fixture
async def submitting(database: str, connections: Pool, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Submitting]:
    submitting = Submitting(database, connections, caplog)
    with caplog.at_level(logging.WARNING, "muniment.witnesses"):
        yield submitting
    for each in submitting.made:
        await each.close()


@pytest.fixture
def grown(reader: Connection, maker: CheckpointMaker) -> Callable[[int], Awaitable[None]]:
    """Appends so many events, and makes a checkpoint."""

    async def grown(count: int) -> None:
        await grow(reader, log_tiles.PROJECTION, count)
        await follow_both(reader)
        await maker.look()

    return grown


async def asked(submitter: Submitter) -> None:
    """Every witness has been asked, whether or not one would wait after a fault."""
    for witness in submitter._witnesses:
        submitter._standing[witness].next_at = 0.0
    await submitter.look()
    await asyncio.gather(*submitter._under_way.values())


def cosigners(note: bytes, *keys: VerifierKey) -> list[str]:
    parsed = notes.parsed(note)
    return [key.name for key in keys for signature in parsed.signatures if key.verifies(signature, parsed.text)]


async def test_our_witness_cosigns_every_checkpoint_of_both_logs(reader, maker, grown, ours, submitting):
    submitter, key = submitting(ours.witness), ours.signer.verifier
    for count in (1, 300, 5):
        await grown(count)
        await grow(reader, issuance_tiles.PROJECTION, count)
        await follow_both(reader)
        await maker.look()
        await asked(submitter)
        for tree in BOTH:
            newest = await kept.newest(reader, tree)
            assert newest is not None
            assert cosigners(newest.note, key) == [key.name]
            assert await kept.last_cosigned(reader, tree, key) == newest.size
    before = await reader.fetchval("select count(*) from log.cosignatures")
    await asked(submitter)
    assert await reader.fetchval("select count(*) from log.cosignatures") == before, "nothing new is submitted"


async def test_a_witness_that_saw_more_than_we_remember_says_so_and_cosigns(reader, grown, ours, submitting):
    """Such as another process's submission whose cosignature was lost on its way."""
    await grown(4)
    newest = await kept.newest(reader, EVENTS)
    assert newest is not None
    submitter = submitting(ours.witness)
    await submitter._send(ours.witness, EVENTS, newest, 0)
    await grown(3)
    await asked(submitter)
    assert await kept.last_cosigned(reader, EVENTS, ours.signer.verifier) == 7


async def test_a_witness_remembers_what_it_cosigned_and_refuses_a_log_that_was_rewritten(
    reader, superuser, grown, ours, submitting
):
    await grown(4)
    submitter = submitting(ours.witness)
    await asked(submitter)
    ours.restart()
    await superuser.execute(
        "set session_replication_role = replica; truncate log.cosignatures, log.checkpoints;"
        " update log.events set data = 'rewritten' where position = 2; truncate read.log_tiles;"
        " update read.checkpoints set position = 0, chain = (select chain from log.batches where last_position = 0) where name = 'log_tiles'"
    )
    await grown(3)
    await asked(submitter)
    await asked(submitter)
    assert submitting.said == [
        "the witness witness.example/w1 does not cosign: it answered 422: it finds that our log is not the one that it saw before"
    ]
    newest = await kept.newest(reader, EVENTS)
    assert newest is not None
    assert (newest.size, cosigners(newest.note, ours.signer.verifier)) == (7, [])


def says(body: bytes, status: int = 200, media: str = "text/plain") -> Respond:
    async def respond(_request: Request) -> Response:
        return Response(body, status, media_type=media)

    return respond


async def redirects(_request: Request) -> Response:
    return RedirectResponse("http://127.0.0.1:1/")


def liars(never: asyncio.Event) -> dict[str, tuple[Respond, str]]:
    """What each witness answers, and what is said of it."""
    cosignature = signer("another-log").cosign("https://other.example.com\n1\n" + "A" * 43 + "=\n", int(time.time()))

    async def waits(_request: Request) -> Response:
        await never.wait()
        return Response()

    return {
        "another-log": (says(cosignature.line.encode()), "no signature by the key"),
        "no-lines": (says(b"thank you"), "not made of lines of signatures"),
        "endless": (says(b"x" * 100_000), "longer than 64 KiB"),
        "bigger": (says(b"1000\n", 409, SIZE), "saw our log at size 1000, and it has 5 entries"),
        "undecided": (says(b"3\n", 409, SIZE), "one size after another"),
        "broken": (says(b"no", 500), "it answered 500"),
        "redirects": (redirects, "it answered 307"),
        "slow": (waits, "did not answer in time"),
    }


@pytest.fixture
async def lying(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[Witness, str]]:
    """What is to be said of each of these witnesses."""
    monkeypatch.setattr(witness_client, "TIMEOUT_SECONDS", 1.0)
    never = asyncio.Event()
    found = {Witness(signer("silent").verifier, "http://127.0.0.1:1"): "could not be connected to"}
    async with AsyncExitStack() as stack:
        for name, (respond, why) in liars(never).items():
            app = Starlette(routes=[Route("/add-checkpoint", respond, methods=["POST"])])
            url = await stack.enter_async_context(answering(app))
            found[Witness(signer(name).verifier, url)] = why
        yield found
        never.set()


async def test_witnesses_that_lie_fail_or_are_slow_are_named_once_and_hold_up_no_other(
    reader, grown, ours, submitting, lying
):
    await grown(5)
    submitter = submitting(ours.witness, *lying)
    for _ in range(2):
        await asked(submitter)
    for witness in lying:  # as if no time had passed since the slow one was asked
        submitter._standing[witness].next_at += PATIENCE
    await submitter.look()
    assert set(submitter._under_way) <= {ours.witness}, "those with a fault wait before they are asked again"
    await asyncio.gather(*submitter._under_way.values())
    # On a busy machine another one than the slow one may be late, too.
    said = [each for each in submitting.said if "/slow " in each or "in time" not in each]
    assert len(said) == len(lying), submitting.said
    for witness, why in lying.items():
        (about,) = [each for each in said if f"{witness.key.name} " in each]
        assert why in about
    newest = await kept.newest(reader, EVENTS)
    assert newest is not None
    assert cosigners(newest.note, ours.signer.verifier, *(each.key for each in lying)) == [ours.signer.verifier.name]
    assert await reader.fetchval("select count(*) from log.cosignatures") == 1


async def test_a_witness_that_cosigns_again_is_reported_too(submitting):
    witness = Witness(signer("w1").verifier, "http://127.0.0.1:1")
    submitter = submitting(witness)
    submitter._standing[witness] = Standing(fault="it answered 500", failures=9)
    submitter._succeeded(witness)
    submitter._succeeded(witness)
    assert submitting.said == ["the witness witness.example/w1 cosigns again"]


async def test_one_process_submits_and_another_takes_over(submitting):
    witness = Witness(signer("w1").verifier, "http://127.0.0.1:1")
    first, second = [submitting(witness) for _ in range(2)]
    await first.look()
    await asyncio.gather(*first._under_way.values())
    await second.look()
    assert (await first._is_ours(), await second._is_ours(), second._under_way) == (True, False, {})
    await first.close()
    async with asyncio.timeout(PATIENCE):
        while not await second._is_ours():
            await asyncio.sleep(0.05)


async def test_a_proof_leads_to_a_checkpoint_with_a_quorum_if_one_covers_it(reader, grown, monkeypatch):
    one, two = signer("w1"), signer("w2")
    quorum = Quorum((one.verifier, two.verifier), 2)
    sizes: list[int] = []
    for cosigned_by in ([one, two], [one], []):
        await grown(10)
        newest = await kept.newest(reader, EVENTS)
        assert newest is not None
        sizes.append(newest.size)
        for witness in cosigned_by:
            text = notes.parsed(newest.note).text
            await kept.keep_cosignature(reader, EVENTS, newest.size, witness.cosign(text, 1))

    has_quorum: list[bool | None] = []

    async def size_of(position: int, wanted: Quorum) -> int:
        proof = await proofs.inclusion(reader, EVENTS, position, wanted)
        has_quorum.append(proof.has_quorum)
        return int(proof.text.split(b"\n\n", 1)[1].split(b"\n")[1])

    assert [await size_of(position, quorum) for position in (3, 13)] == [10, 30]
    assert await size_of(3, Quorum(quorum.keys, 1)) == 20
    assert await size_of(3, Quorum()) == 30
    assert has_quorum == [True, False, True, None]
    assert (await proofs.inclusions(reader, EVENTS, [1, 3], quorum))[0].size == 10
    assert (await proofs.inclusions(reader, EVENTS, [3, 13], quorum))[0].size == 30
    served = [await checkpoints.served(reader, EVENTS, each) for each in (quorum, Quorum(quorum.keys, 1), Quorum())]
    assert [each and (each.size, each.has_quorum) for each in served] == [(10, True), (20, True), (30, None)]
    monkeypatch.setattr(kept, "MOST_LOOKED_AT", 2)
    assert [await size_of(3, quorum), await size_of(3, Quorum(quorum.keys, 1))] == [30, 20]


async def test_without_its_quorum_for_long_the_newest_checkpoint_is_served_all_the_same(reader, superuser, grown):
    witness = signer("w1")
    for size in (10, 20):
        await grown(10)
        newest = await kept.newest(reader, EVENTS)
        assert newest is not None
        if size == 10:
            await kept.keep_cosignature(reader, EVENTS, 10, witness.cosign(notes.parsed(newest.note).text, 1))
    await superuser.execute("set session_replication_role = replica; update log.checkpoints set made_at = made_at - interval '1 minute' where size = 10")  # fmt: skip
    served = await checkpoints.served(reader, EVENTS, Quorum((witness.verifier,), 1))
    assert served is not None
    assert (served.size, served.has_quorum) == (20, False)


async def test_a_cosignature_belongs_to_a_checkpoint_and_is_kept_once(reader, grown):
    await grown(1)
    cosignature = signer("w1").cosign("text\n", 1)
    for _ in range(2):
        await kept.keep_cosignature(reader, EVENTS, 1, cosignature)
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await kept.keep_cosignature(reader, ISSUANCE, 1, cosignature)
    with pytest.raises(asyncpg.CheckViolationError):
        await reader.execute("select log.keep_cosignature('log', 1, 'w', '\\x00000000', E'— w AAAA\\n\\n')")
    assert await reader.fetchval("select count(*) from log.cosignatures") == 1


def test_the_state_of_a_witness_is_shared_by_processes_and_a_refusal_changes_nothing(tmp_path: Path):
    one, two = State(tmp_path / "heads"), State(tmp_path / "heads")
    seen: list[object] = []
    one.advance("log", lambda last: seen.append(last) or last.__class__(3, b"r" * 32))
    with pytest.raises(ZeroDivisionError):
        two.advance("log", lambda last: last.__class__(1 // 0, b""))
    two.advance("log", lambda last: seen.append(last) or last)
    assert [(each.size, each.root) for each in seen][1] == (3, b"r" * 32)  # pyright: ignore[reportAttributeAccessIssue]
    one.close()
    two.close()
