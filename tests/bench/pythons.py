"""The service on each Python that is here, and the plain ASGI program on uvicorn's other loop and parser. The service has neither choice."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.machine import Failed, free_port
from tests.bench.peers import MUNIMENT, service
from tests.bench.place import Place
from tests.bench.programs import ASGI, ceiling_program
from tests.bench.variants import Variants, measured

HERE = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
UV = MUNIMENT.with_name("uv")
LOOPS: Mapping[str, Sequence[str]] = {
    "uvloop, httptools": ("uvloop", "httptools"),
    "uvloop, h11": ("uvloop", "h11"),
    "asyncio, httptools": ("asyncio", "httptools"),
    "asyncio, h11": ("asyncio", "h11"),
}


def measure(place: Place) -> Iterable[tuple[str, Variants]]:
    yield "pythons", _pythons(place)
    yield "loops", _loops(place)


def _pythons(place: Place) -> Variants:
    found = {version: path for version in VERSIONS if (path := _found(version))}
    missing = [version for version in VERSIONS if version not in found]
    with ExitStack() as stack:
        peers = [
            stack.enter_context(
                service(
                    place.database(f"python{version.replace('.', '_')}"),
                    place.directory,
                    name=f"Python {version}",
                    more={"MUNIMENT_METRICS_ADDRESS": f"127.0.0.1:{free_port()}"},
                    program=_installed(version, path, place),
                )
            )
            for version, path in found.items()
        ]
        note = f"Not on this machine: {', '.join(missing)}." if missing else ""
        return Variants("The service by Python", note, measured(peers, place, "by Python"))


def _found(version: str) -> str:
    """The path of this Python; empty when there is none."""
    script = HERE / "tests" / "find_python.sh"
    return subprocess.run([script, version], capture_output=True, text=True, check=True).stdout.strip()


def _installed(version: str, python: str, place: Place) -> Path:
    """Its `muniment`, in the virtual environment that `make test-pythons` uses as well. Our own version has ours."""
    if version == ".".join(map(str, sys.version_info[:2])):
        return MUNIMENT
    place.say(f"installing for Python {version}")
    environment = HERE / f".venv-python{version}"
    into = ("--quiet", "--python", str(environment / "bin" / "python"))
    _uv("venv", "--quiet", "--allow-existing", "--python", python, str(environment))
    _uv("pip", "install", *into, "--require-hashes", "-r", "requirements.lock")
    _uv("pip", "install", *into, "--no-deps", "--no-build-isolation", "-e", ".")
    return environment / "bin" / "muniment"


def _uv(*arguments: str) -> None:
    trusting = {"UV_SYSTEM_CERTS": "true", **os.environ}
    done = subprocess.run([UV, *arguments], cwd=HERE, env=trusting, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"uv {' '.join(arguments)}: {done.stderr}")


def _loops(place: Place) -> Variants:
    with ExitStack() as stack:
        peers = [
            stack.enter_context(
                ceiling_program(
                    ASGI,
                    place.empty_database("_".join(("ceiling", *chosen))),
                    place.directory,
                    name=name,
                    more={"CEILING_LOOP": chosen[0], "CEILING_PARSER": chosen[1]},
                )
            )
            for name, chosen in LOOPS.items()
        ]
        note = "The service itself has uvloop and a protocol of its own on httptools."
        return Variants("The plain ASGI program by loop and parser", note, measured(peers, place, "by loop and parser"))
