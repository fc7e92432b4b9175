"""What a tool may read and write, asked for each file that somebody names in the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import AccessError
from ..settings.paths import resolve_path
from .access import Access, is_below, refused_place


@dataclass(frozen=True)
class Reach:
    """Where files may lie.

    Attributes:
        folder: of all runs; relative paths are looked up in it first.
        access: what strangers may reach; None if only the user of this machine asks.
    """

    folder: Path
    access: Access | None = None

    @property
    def allow_private(self) -> bool:
        """As in ``web.open_url``."""
        return self.access is None or self.access.allow_private

    def named(self, text: str, key: str) -> str:
        """``text``, a path or a link to be read, if that is allowed.

        Args:
            text: what somebody typed or uploaded.
            key: what names it, for messages.

        Raises:
            AccessError: it is not.
        """
        found = () if self.access is None else tuple(refused_place(text, key, self.folder, self.access))
        if found:
            raise AccessError(found)
        return text.strip().strip("\"'")

    def path(self, text: str, key: str) -> Path:
        """The local path that ``text`` means, if it may be read; it need not exist.

        Raises:
            AccessError: it may not.
        """
        return resolve_path(self.named(text, key), (self.folder,)).absolute()

    def check_output(self, folder: Path, key: str) -> None:
        """See that something may be written into ``folder``.

        Raises:
            AccessError: it lies elsewhere, and a stranger asks.
        """
        if self.access is not None and not is_below(str(folder), self.folder, (self.folder,)):
            raise AccessError(f"nothing may be written to {folder}; it lies outside {self.folder}.", key=key)
