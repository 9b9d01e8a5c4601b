"""The newest Java of this machine."""

import os
import re
import shutil
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, run

from tests.bench.alternatives.building import NotHere

LEAST = 21
WHERE = ("/usr/lib/jvm", "/opt", str(Path.home() / ".sdkman/candidates/java"), "/Library/Java/JavaVirtualMachines")


def home() -> tuple[Path, int]:
    """(JAVA_HOME, its version). Raises NotHere."""
    found = {each: _version(each) for each in _homes()}
    best = max(found, key=lambda each: found[each], default=None)
    if best is None or found[best] < LEAST:
        raise NotHere(f"no Java from {LEAST} on is on this machine (JAVA_HOME may name one)")
    return best, found[best]


def _homes() -> set[Path]:
    named = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = shutil.which("java")
    if on_path:
        named.append(Path(on_path).resolve().parents[1])
    kept = [each for folder in WHERE for each in Path(folder).glob("*")]
    return {each.resolve() for each in (*named, *kept) if (each / "bin/java").exists()}


def _version(java_home: Path) -> int:
    said = run([java_home / "bin/java", "-version"], stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, check=False).stdout
    number = re.search(rb'version "(\d+)', said)
    return int(number[1]) if number else 0
