"""Which account runs the Postgres of root: one that no other daemon runs as. Mount namespaces give each test an /etc of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from service.embedded.account import for_directory
from tests.faults.conftest import IS_ROOT, NOBODY

NAMESPACE = ["unshare", "--mount", "--propagation", "private"]
ACCOUNTS = ("passwd", "group", "shadow", "gshadow")
READ = ("login.defs", "nsswitch.conf", "ld.so.cache", "default", "pam.d", "security")

needs_namespace = pytest.mark.skipif(
    not IS_ROOT or not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], check=False).returncode != 0,
    reason="only root that may make a mount namespace can have an /etc of its own here",
)


@pytest.fixture
def etc(root_world) -> Path:
    """A copy of what Postgres and useradd read of /etc, with neither of the accounts in it."""
    etc = root_world.root / "etc"
    etc.mkdir()
    for file in (Path("/etc", name) for name in ACCOUNTS if Path("/etc", name).exists()):
        lines = file.read_text().splitlines(keepends=True)
        (etc / file.name).write_text(
            "".join(line for line in lines if line.split(":")[0] not in {"muniment", "postgres"})
        )
    for source in (Path("/etc", name) for name in READ):
        if source.is_dir():
            shutil.copytree(source, etc / source.name)
        elif source.exists():
            shutil.copy(source, etc)
    return etc


def below(etc: Path, *options: str) -> list[str]:
    """What runs a command with this /etc."""
    return [*NAMESPACE, "sh", "-c", f'mount --bind {" ".join(options)} {etc} /etc && exec "$@"', "sh"]


def entry(file: Path) -> list[str]:
    [line] = [line for line in file.read_text().splitlines() if line.startswith("muniment:")]
    return line.split(":")


@needs_namespace
def test_root_makes_an_account_of_its_own_for_a_new_cluster_where_there_is_none(root_world, etc):
    user = root_world.user(prefix=below(etc))
    user.up()
    _, _, uid, gid, _, _, shell = entry(etc / "passwd")
    identity = (root_world.postmaster().uids().real, root_world.postmaster().gids().real)
    assert identity == (int(uid), int(gid)) == (root_world.cluster.stat().st_uid, root_world.cluster.stat().st_gid)
    assert entry(etc / "group")[2] == gid
    assert shell == "/usr/sbin/nologin"
    assert "The system account muniment was made" in user.leave()
    again = root_world.user(prefix=below(etc))
    again.up()
    assert again.leave() == ""


@needs_namespace
def test_root_that_cannot_make_an_account_is_refused_with_the_reason_and_another_way(root_world, etc):
    kind, text = root_world.user(prefix=below(etc, "-o", "ro")).refused()
    assert kind == "NoAccount"
    assert "cannot be made: useradd: " in text
    assert "MUNIMENT_DATABASE_URL" in text
    assert not root_world.cluster.exists()


def test_a_cluster_that_an_earlier_version_made_as_nobody_stays_its_owner_s(root_world):
    root_world.cluster.mkdir(parents=True)
    os.chown(root_world.cluster, NOBODY.pw_uid, NOBODY.pw_gid)
    assert for_directory(root_world.data, root_world.cluster).uid == NOBODY.pw_uid
