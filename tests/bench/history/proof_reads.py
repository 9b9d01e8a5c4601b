"""Why there is a token, and proofs of both logs: over HTTP, their size, and how long a stranger takes to verify them."""

import io
import time
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path

from events import muniment_verify
from events.database import Connection
from events.transparency import trees
from events.transparency.trees import EVENTS, ISSUANCE
from tests.bench.history.asking import Asker
from tests.bench.history.audit_reads import TOKENS
from tests.bench.history.figures import Figure, Group, milliseconds, several
from tests.bench.history.samples import Samples
from tests.bench.machine import Failed

WHY, VERIFIED = 20, 10
"""The most milliseconds of a provenance, and of a verification."""

SIZE = 2000
"""The most bytes of a proof."""

CHECKPOINT_SECONDS = 30


async def measure(asker: Asker, samples: Samples, connection: Connection, directory: Path) -> Group:
    sizes = {path: _newest(asker, path, end) for path, end in _logs(samples)}
    figures = [
        *_why(asker, samples),
        *await _inclusions(asker, samples, connection, directory),
        *(
            asker.figure(
                f"consistency with the checkpoint, {path}",
                [f"{path}/proof/consistency/{old}/{sizes[path]}" for old in positions],
            )
            for path, positions in (("/log", samples.positions), ("/log/issuance", samples.token_positions))
        ),
        asker.figure("a tile, level 0", [f"/log/tile/0/{_number(each // 256)}" for each in _full(samples)]),
        asker.figure(
            "a bundle of 256 entries", [f"/log/tile/entries/{_number(each // 256)}" for each in _full(samples)]
        ),
    ]
    return Group(title="Provenance and proofs, over HTTP", figures=figures)


def _logs(samples: Samples) -> tuple[tuple[str, int], ...]:
    return ("/log", samples.events), ("/log/issuance", samples.tokens)


def _full(samples: Samples) -> list[int]:
    """Positions in tiles that are full."""
    return [min(each, samples.events // 256 * 256 - 1) for each in samples.positions if samples.events > 256]


def _number(number: int) -> str:
    """As C2SP tlog-tiles has it."""
    digits = f"{number:09d}" if number >= 1_000_000 else f"{number:06d}" if number >= 1000 else f"{number:03d}"
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])


def _newest(asker: Asker, path: str, end: int) -> int:
    """Returns the size of the newest checkpoint, once there is one of the whole history. Raises Failed."""
    until = time.monotonic() + CHECKPOINT_SECONDS
    while time.monotonic() < until:
        size = int(asker.get(f"{path}/checkpoint").body.split(b"\n")[1])
        if size >= end:
            return size
        time.sleep(0.1)
    raise Failed(f"no checkpoint of {path} covers position {end}")


def _why(asker: Asker, samples: Samples) -> Iterable[Figure]:
    for what, jtis in (("a machine's token", samples.jtis), ("a user's token", samples.login_jtis)):
        yield asker.figure(f"why there is {what}", [f"{TOKENS}/{jti}" for jti in jtis], WHY)
        yield asker.figure(f"the same with proofs, {what}", [f"{TOKENS}/{jti}?proof=true" for jti in jtis], WHY)


async def _inclusions(asker: Asker, samples: Samples, connection: Connection, directory: Path) -> list[Figure]:
    key, figures = directory / "log.vkey", list[Figure]()
    key.write_bytes(asker.get("/log/key").body)
    for path, tree, positions in (
        ("/log", EVENTS, samples.positions),
        ("/log/issuance", ISSUANCE, samples.token_positions),
    ):
        answers = [asker.get(f"{path}/proof/inclusion/{position}") for position in positions]
        proved = [await trees.entries(connection, tree, position - 1, position) for position in positions]
        taken = [_verified(key, directory, each.body, *entry) for each, entry in zip(answers, proved, strict=True)]
        figures += [
            milliseconds(f"an inclusion proof, {path}", [answer.seconds for answer in answers]),
            several(f"its size, {path}", "bytes", [float(len(answer.body)) for answer in answers], SIZE),
            milliseconds(f"its verification offline, {path}", taken, VERIFIED),
        ]
    return figures


def _verified(key: Path, directory: Path, proof: bytes, entry: bytes) -> float:
    """Returns the seconds that muniment-verify takes, once it is loaded. Raises Failed if the proof is not good."""
    files = directory / "a.tlog-proof", directory / "an.entry"
    for file, content in zip(files, (proof, entry), strict=True):
        file.write_bytes(content)
    said = io.TextIOWrapper(io.BytesIO())
    begun = time.perf_counter()
    with redirect_stdout(said):
        status = muniment_verify.main(["--key", str(key), "--entry", str(files[1]), str(files[0])])
    seconds = time.perf_counter() - begun
    if status:
        said.seek(0)
        raise Failed(f"an inclusion proof does not verify: {said.read()}")
    return seconds
