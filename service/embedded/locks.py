"""Who uses a cluster and who may change it: two file locks, which the kernel lets go of when their holder dies, however it dies."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager

from service.embedded.directory import Directory, open_beside


@contextmanager
def in_use(place: Directory) -> Generator[int]:
    """Count as a user of this cluster. Yields the lock's descriptor; raises DirectoryRefused."""
    with open_file(place, "postgres.users") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield descriptor


@contextmanager
def changing(place: Directory) -> Generator[None]:
    """Be the only one who makes, starts or stops this cluster. Raises DirectoryRefused."""
    with open_file(place, "postgres.lock") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def is_last_user(descriptor: int) -> bool:
    """Whether nobody else uses the cluster; only asked by one who is `changing` it and then leaves."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def open_file(place: Directory, name: str) -> Generator[int]:
    """A file of ours beside the cluster, open for as long as it is needed. Raises DirectoryRefused."""
    descriptor = open_beside(place, name)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
