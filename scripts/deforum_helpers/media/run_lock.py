"""One program at a time makes a run, so that none goes on with what another one is at."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError
from .run_folder import RunFolder

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def held(run: RunFolder) -> Iterator[None]:
    """Hold the run. The lock is the system's, which takes it back however the process ends.

    Raises:
        StorageError: another program, or another job of this one, is making the run.
    """
    path = run.file("_lock")
    descriptor = _locked(path)
    try:
        yield
    finally:
        if descriptor is not None:
            _release(path, descriptor)


def _locked(path: Path) -> int | None:
    """The locked file ``path``; None where there are no locks, as on some network drives."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return None
        try:
            _lock(descriptor)
        except (BlockingIOError, PermissionError) as error:
            os.close(descriptor)
            hint = "Wait until it is done, or stop it there."
            raise StorageError(f"The run in {path.parent} is being made by another program. {hint}") from error
        except OSError:
            os.close(descriptor)
            return None
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)  # whoever had it has removed it meanwhile


def _release(path: Path, descriptor: int) -> None:
    with suppress(OSError):
        path.unlink()
    os.close(descriptor)
    if sys.platform == "win32":  # where no file can be removed that is open
        with suppress(OSError):
            path.unlink()


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
