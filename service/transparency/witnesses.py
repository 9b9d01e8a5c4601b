"""Submits each new checkpoint to the witnesses, and keeps their cosignatures. One process at a time does it."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from events import locks
from events.database import LOST, Pool, Unavailable, read
from events.database_session import DatabaseSession
from events.election import Election
from events.transparency import kept, notes, proofs, tree
from events.transparency.kept import Kept
from events.transparency.notes import Signature
from events.transparency.proofs import Consistency
from events.transparency.trees import BOTH, Tree
from projections import tiles
from service.configuration.witnesses import Witness
from service.transparency.submission import Behind, WitnessFault, outcome

if TYPE_CHECKING:
    from service.transparency.witness_client import WitnessClient

LOCK = locks.in_session_if_free(locks.WITNESSES)
LONGEST_PAUSE_SECONDS = 60.0

log = logging.getLogger("muniment.witnesses")


class Standing(Struct):
    """How a witness does: its last fault, and (in monotonic seconds) when it is asked again."""

    fault: str = ""
    failures: int = 0
    next_at: float = 0.0


class Submitter:
    """One per process. Call `look` every second; each witness is asked in a task of its own, so that none waits for another."""

    def __init__(self, pool: Pool, url: str, witnesses: Sequence[Witness]) -> None:
        self._pool, self._witnesses = pool, witnesses
        self._session = DatabaseSession(url)
        self._election = Election(LOCK)
        self._standing = {witness: Standing() for witness in witnesses}
        self._under_way: dict[Witness, asyncio.Task[None]] = {}
        self._client: WitnessClient | None = None

    async def look(self) -> None:
        """Ask the witnesses that are not being asked, unless another process does. Raises Unavailable."""
        if not self._witnesses or not await self._is_ours():
            return
        for witness in self._witnesses:
            if witness not in self._under_way and self._standing[witness].next_at <= time.monotonic():
                self._under_way[witness] = asyncio.create_task(self._ask(witness))

    async def close(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        if self._client is not None:
            await self._client.close()
        await self._session.close()

    async def _is_ours(self) -> bool:
        async with self._session.using() as connection:
            return await self._election.is_won(connection)

    async def _ask(self, witness: Witness) -> None:
        try:
            for of in BOTH:
                await self._submit(witness, of)
        except WitnessFault as fault:
            self._failed(witness, str(fault))
        except (Unavailable, *LOST):
            pass  # the database is away, which others report; the next look tries again
        except Exception:
            log.exception("the witness %s cannot be asked", witness.key.name)
            self._failed(witness, "see the error above")
        else:
            self._succeeded(witness)
        finally:
            del self._under_way[witness]

    async def _submit(self, witness: Witness, of: Tree) -> None:
        """Submit the newest checkpoint, if the witness has not cosigned it; a second time, if it last saw another one. Raises WitnessFault."""
        newest = await read(self._pool, lambda connection: kept.newest(connection, of))
        old = await read(self._pool, lambda connection: kept.last_cosigned(connection, of, witness.key))
        if newest is None or newest.size <= old:
            return
        answer = await self._send(witness, of, newest, old)
        if isinstance(answer, Behind):
            answer = await self._send(witness, of, newest, answer.size)
        if isinstance(answer, Behind):
            raise WitnessFault("it names one size after another as the last one that it saw")
        cosignature = answer
        await read(self._pool, lambda connection: kept.keep_cosignature(connection, of, newest.size, cosignature))

    async def _send(self, witness: Witness, of: Tree, newest: Kept, old: int) -> Signature | Behind:
        if self._client is None:
            from service.transparency.witness_client import WitnessClient  # noqa: PLC0415 - only who has witnesses loads it

            self._client = WitnessClient()
        ranges = tree.consistency_ranges(old, newest.size)
        found = await read(self._pool, lambda connection: tiles.find(connection, of.tiles, tree.places(ranges)))
        body = proofs.consistency(Consistency(old, tuple(tree.hashes(ranges, found)), newest.note))
        answer = await self._client.add_checkpoint(witness.url, body)
        text = notes.parsed(newest.note).text
        return outcome(answer, key=witness.key, text=text, size=newest.size, now=time.time())

    def _failed(self, witness: Witness, fault: str) -> None:
        """Report each fault once, for it recurs."""
        standing = self._standing[witness]
        standing.failures += 1
        standing.next_at = time.monotonic() + min(2.0 ** (standing.failures - 1), LONGEST_PAUSE_SECONDS)
        if fault != standing.fault:
            standing.fault = fault
            log.warning("the witness %s does not cosign: %s", witness.key.name, fault)

    def _succeeded(self, witness: Witness) -> None:
        if self._standing[witness].fault:
            log.warning("the witness %s cosigns again", witness.key.name)
        self._standing[witness] = Standing()
