"""A Postgres whose disk can be made slower: each fsync takes a millisecond more. It needs a C compiler."""

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from service.embedded import account
from service.embedded.cluster import running

SOURCE = Path(__file__).with_suffix(".c")


class SlowDisk:
    """`url` is the superuser's. Without a compiler, the disk cannot be made slower."""

    def __init__(self, url: str, switch: Path | None) -> None:
        self.url, self._switch = url, switch

    @property
    def can_be_slow(self) -> bool:
        return self._switch is not None

    @contextmanager
    def slow(self) -> Generator[None]:
        assert self._switch is not None
        self._switch.touch()
        try:
            yield
        finally:
            self._switch.unlink()


@contextmanager
def slow_disk(directory: Path) -> Generator[SlowDisk]:
    """A durable Postgres of its own in this directory, which its account can read."""
    library, switch = directory / "slow_disk.so", directory / "slow"
    compiler = shutil.which("cc")
    if compiler is None:
        with running(directory / "postgres-overload") as url:
            yield SlowDisk(url, None)
        return
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], check=True)
    clean = account.environment
    preloaded = {"LD_PRELOAD": str(library), "MUNIMENT_BENCH_SLOW_DISK": str(switch)}
    with (
        patch.object(account, "environment", lambda: {**clean(), **preloaded}),
        running(directory / "postgres-overload") as url,
    ):
        yield SlowDisk(url, switch)
