"""A process that appends: `python -m tests.tables.appender URL SEED`. It waits for a line on stdin, and prints what it was answered."""

import asyncio
import random
import sys
from uuid import UUID

from msgspec import Struct, json

from events.log import Appended, Conflict, Duplicate, Log
from service.crypto.credentials import new_id
from tests.tables.items import item

HOT = [UUID(int=number) for number in range(1, 21)]
COMMANDS = [UUID(int=number) for number in range(1001, 1031)]
WORKERS, STEPS = 30, 15


class Answered(Struct, frozen=True, kw_only=True):
    """One append, and what its answer was."""

    request_id: str
    stream: UUID
    events: int
    command: UUID | None
    outcome: str
    position: int = 0
    version: int = 0


async def main(url: str, seed: str) -> None:
    log, dice, versions, answers = Log(url), random.Random(seed), dict.fromkeys(HOT, 0), list[Answered]()
    await log.append(item(new_id(), request_id=f"{seed} warm"))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()

    async def step(request_id: str) -> None:
        kind, count = dice.random(), dice.randint(1, 3)
        stream = dice.choice(HOT) if kind < 0.4 else new_id()
        command = dice.choice(COMMANDS) if kind > 0.85 else None
        outcome = await log.append(item(stream, versions.get(stream, 0), count, request_id=request_id, command=command))
        asked = Answered(
            request_id=request_id, stream=stream, events=count, command=command, outcome=type(outcome).__name__
        )
        match outcome:
            case Appended(position, version):
                answer = asked.__replace__(position=position, version=version)
            case Conflict(version):
                answer = asked.__replace__(version=version)
            case Duplicate(position):
                answer = asked.__replace__(position=position)
        versions[stream] = max(answer.version, versions.get(stream, 0))
        answers.append(answer)

    async def work(number: int) -> None:
        for turn in range(STEPS):
            await step(f"{seed} {number} {turn}")

    await asyncio.gather(*(work(number) for number in range(WORKERS)))
    await log.close()
    sys.stdout.buffer.write(json.encode(answers))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
