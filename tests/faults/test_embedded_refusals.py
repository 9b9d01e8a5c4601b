"""What the embedded Postgres cannot do, said in a sentence that also says what to do."""

from pathlib import Path

import pytest

from service.embedded import account, postmaster
from tests.patience import PATIENCE


def test_a_cluster_of_another_major_version_is_refused_by_name(world):
    version = world.cluster / "PG_VERSION"
    made_by = version.read_text()
    version.write_text("14\n")
    kind, text = world.user().refused()
    version.write_text(made_by)
    assert kind == "OtherVersion"
    assert f"{world.cluster} was made by Postgres 14" in text
    assert "MUNIMENT_POSTGRES_BIN" in text


def test_a_directory_without_programs_is_refused_by_name(empty_world):
    kind, text = empty_world.user(binaries=str(empty_world.root)).refused()
    assert kind == "BinariesMissing"
    assert str(empty_world.root) in text
    assert "MUNIMENT_DATABASE_URL" in text


def test_a_full_directory_that_is_no_cluster_is_left_alone(world):
    version = world.cluster / "PG_VERSION"
    version.rename(world.root / "PG_VERSION")
    kind, text = world.user().refused()
    (world.root / "PG_VERSION").rename(version)
    assert kind == "DirectoryRefused"
    assert "neither empty nor a Postgres cluster" in text
    assert (world.cluster / "global" / "pg_control").exists()


def test_a_server_that_does_not_start_is_refused_with_its_own_words(world):
    kind, text = world.user(settings={"shared_buffers": "lots"}).refused()
    assert kind == "NotStarted"
    assert 'invalid value for parameter "shared_buffers": "lots"' in text
    assert str(world.data / "postgres.log") in text


def test_a_server_that_somebody_started_by_hand_is_left_alone(world, programs):
    command = [programs / "postgres", "-D", world.cluster, "-c", "listen_addresses=", "-k", "/tmp", "-p", "54321"]
    with (world.root / "log").open("wb") as log:
        account.detach(account.for_directory(world.data, world.cluster), command, log.fileno())
    assert postmaster.until(lambda: "ready" in (world.root / "log").read_text(), PATIENCE)
    kind, text = world.user().refused()
    assert kind == "InUseElsewhere"
    assert f"pid {world.postmaster().pid}" in text
    assert (world.root / "log").read_text().endswith("ready to accept connections\n")
    postmaster.stop(world.postmaster())


def test_a_place_that_cannot_be_written_is_refused(ordinary_world):
    closed = ordinary_world.root / "closed"
    closed.mkdir(mode=0o555)
    kind, text = ordinary_world.user(data=str(closed / "data")).refused()
    assert kind == "DirectoryRefused"
    assert f"{closed / 'data'} cannot be used: Permission denied" in text
    assert "MUNIMENT_DATA" in text


def test_a_file_in_the_place_of_the_directory_is_refused(empty_world):
    empty_world.data.write_text("")
    kind, text = empty_world.user().refused()
    assert kind == "DirectoryRefused"
    assert str(empty_world.data) in text


@pytest.mark.parametrize("world", ["root"], indirect=True)
def test_an_ordinary_user_is_refused_on_a_directory_that_root_made(world, programs):
    user = world.user()
    for state in ("in use", "at rest"):
        if state == "in use":
            user.up()
        else:
            user.leave()
        kind, text = world.user(uid=65534, gid=65534, binaries=str(programs)).refused()
        assert kind == "DirectoryRefused"
        assert "belongs to root and this process runs as nobody" in text


def test_a_user_id_without_a_name_is_told_of_the_database_url(root_world, programs):
    root_world.root.chmod(0o777)
    kind, text = root_world.user(uid=54321, gid=54321, binaries=str(programs)).refused()
    assert kind == "NoAccount"
    assert "54321" in text
    assert "MUNIMENT_DATABASE_URL" in text


def test_a_socket_directory_that_somebody_else_made_is_not_trusted(world):
    world.data = world.data.rename(world.root / ("long" * 30))
    user = world.user()
    socket = Path(user.up().split("host=")[1].split("&")[0])
    user.leave()
    socket.mkdir()
    socket.chmod(0o777)
    try:
        kind, text = world.user().refused()
    finally:
        socket.rmdir()
    assert kind == "DirectoryRefused"
    assert f"{socket} should be a private directory" in text
