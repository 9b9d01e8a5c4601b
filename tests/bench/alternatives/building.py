"""Builds of other servers, kept in the user's cache from one run to the next, under the digest of what they were built from."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "muniment-bench"
Say = Callable[[str], None]


class NotHere(Exception):
    """Why a server is left out, in a sentence."""


def tool(name: str) -> str:
    """Where this program is. Raises NotHere."""
    found = shutil.which(name)
    if found is None:
        raise NotHere(f"{name} is not on this machine")
    return found


def built(
    name: str, *commands: Sequence[str], say: Say, environment: Mapping[str, str] | None = None, keep: str = ""
) -> Path:
    """A copy of the folder `name` in which these commands have run; `keep` tells builds of one folder apart. Raises NotHere."""
    source = HERE / name
    files = sorted(path for path in source.rglob("*") if path.is_file())
    digest = sha256(repr((commands, environment, keep)).encode())
    for path in files:
        digest.update(path.relative_to(source).as_posix().encode() + b"\0" + path.read_bytes())
    place = KEPT / f"{name}-{digest.hexdigest()[:16]}"
    if (place / "built").exists():
        return place
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place)
    for command in commands:
        _run(command, place, {**os.environ, **(environment or {})}, lambda line: say(f"building {name}: {line}"))
    (place / "built").touch()
    return place


def _run(command: Sequence[str], place: Path, environment: Mapping[str, str], say: Say) -> None:
    said: list[str] = []
    say(" ".join(command))
    with subprocess.Popen(
        command, cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if text := line.decode(errors="replace").strip():
                    said.append(text)
                    say(text[:100])
        except BaseException:
            process.kill()  # a build that nobody waits for would take the machine for minutes
            raise
    if process.returncode != 0:
        raise NotHere(f"`{' '.join(command)}` ended with {process.returncode}: {' '.join(said[-3:])[:500]}")
