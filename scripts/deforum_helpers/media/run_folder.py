"""The folder of a run: named after its settings, claimed by its settings file, never shared with another run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ..errors import StorageError
from ..settings.files import dump_settings
from ..settings.schema import SETTINGS, Settings
from .naming import output_folder, timestring
from .store import ensure_folder, storage_error, write_text_atomic

_TRIES = 3600


@dataclass(frozen=True)
class RunFolder:
    """Identity of a run on disk.

    Attributes:
        path: the folder.
        timestring: 14 digits that start the name of every file of the run.
    """

    path: Path
    timestring: str

    def file(self, suffix: str) -> Path:
        """Path of the run's file ``{timestring}{suffix}``."""
        return self.path / f"{self.timestring}{suffix}"

    def remove_leftovers(self) -> None:
        """Remove half-written files of a run that was killed."""
        for folder in (self.path, self.file("_journal")):
            for path in (*folder.glob(f".{self.timestring}*.part"), *folder.glob(".key_*.part")):
                path.unlink(missing_ok=True)


def claim_run_folder(base: Path, settings: Settings, moment: datetime) -> RunFolder:
    """Make the folder of a run and write its settings file, which claims the timestring.

    Args:
        base: folder of all runs.
        settings: saved as ``{timestring}_settings.txt`` with the batch name filled in; its placeholders are names of
            settings and ``timestring``.
        moment: start of the run; where its second is taken by another run, the next free one is used.

    Raises:
        StorageError: the folder cannot be made or written to.
    """
    values = {key: settings.value(key) for key in SETTINGS}
    for seconds in range(_TRIES):
        stamp = timestring(moment + timedelta(seconds=seconds))
        path = output_folder(base, settings.run.batch_name, {**values, "timestring": stamp})
        run = RunFolder(ensure_folder(path.absolute()), stamp)
        if _claimed(run.file("_settings.txt")):
            save_run_settings(run, settings)
            return run
    raise StorageError(f"{base} already holds runs of every second from {timestring(moment)} on.")


def save_run_settings(run: RunFolder, settings: Settings) -> None:
    """Write the settings file of a run.

    Raises:
        StorageError: it cannot be written.
    """
    saved = settings.with_values({"batch_name": run.path.name})
    write_text_atomic(run.file("_settings.txt"), dump_settings(saved, kind="run"))


def _claimed(path: Path) -> bool:
    """Create ``path``, if no other run has it."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return False
    except OSError as error:
        raise storage_error(path, error) from error
    return True
