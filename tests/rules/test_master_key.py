"""Files that only their owner can read: whole or not there, and never in the way of the next attempt."""

import os
import stat
from pathlib import Path

from service.configuration import master_key


def test_a_private_file_is_its_owner_s_alone(tmp_path: Path):
    master_key.write_private(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert [place.name for place in tmp_path.iterdir()] == ["file"]


def test_a_draft_that_a_killed_process_of_the_same_number_left_is_written_anew(tmp_path: Path):
    """In a container the service is process 1 each time."""
    draft = tmp_path / f".file.{os.getpid()}"
    draft.write_bytes(b"half of what it was to b")
    draft.chmod(0o644)
    master_key.write_private(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert not draft.exists()


def test_a_key_is_made_although_both_drafts_of_a_killed_process_are_there_and_then_stays(tmp_path: Path):
    draft = tmp_path / f".{master_key.FILE}.{os.getpid()}"
    for left in (draft, draft.with_name(f".{draft.name}.{os.getpid()}")):
        left.write_bytes(b"half")
    made = master_key.of_directory(tmp_path)
    assert len(made) == 32
    assert master_key.of_directory(tmp_path) == made
    assert [place.name for place in tmp_path.iterdir()] == [master_key.FILE]
