"""The plan of a draft: as ``job.plan_job`` makes it, with the manifest remembered, so that typing stays quick."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ..errors import InputError
from ..settings.paths import resolve_path
from ..web import is_url
from .door import PlanView
from .values import Draft

if TYPE_CHECKING:
    from ..parseq.manifest import Manifest
    from ..rendering.data.render_data import RenderData

_REMEMBERED = 8
_STAND_IN_SEED = 1

Load = Callable[[str, tuple[Path, ...]], "Manifest"]


def own_manifest(text: str, folders: tuple[Path, ...]) -> Manifest:
    """Load a manifest for the user of this machine."""
    from ..parseq.loader import load_manifest

    return load_manifest(text, base_dirs=folders)


class Planner:
    """Plans drafts. Remembers manifests: files until they change, links until they are asked for anew.

    Args:
        load: where manifests come from.
    """

    def __init__(self, load: Load = own_manifest) -> None:
        self._load = load
        self._manifests: OrderedDict[tuple[str, float], Manifest] = OrderedDict()
        self._lock = Lock()

    def plan(self, draft: Draft, seconds: Callable[[RenderData], float | None]) -> PlanView:
        """What a run of ``draft`` would do.

        Args:
            draft: the settings.
            seconds: how long a plan is going to take, None if unknown.
        """
        # What plans is imported for the first plan: a web UI that starts does not wait for it.
        from ..job import Job, plan_job

        folders = (draft.folder,) if draft.folder else ()
        source = draft.settings.parseq.parseq_manifest.strip()
        try:
            manifest = self._manifest(source, folders) if source else None
            job = Job(draft.settings, manifest, draft.folder or Path(), draft.findings)
            data, findings = plan_job(job, seed=_STAND_IN_SEED, need_files=False)
        except InputError as error:
            return PlanView(None, error.findings)
        return PlanView(data, findings, seconds(data))

    def forget(self, source: str) -> None:
        """Ask for a manifest anew, next time."""
        with self._lock:
            for known in [known for known in self._manifests if known[0] == source.strip()]:
                del self._manifests[known]

    def _manifest(self, source: str, folders: tuple[Path, ...]) -> Manifest:
        known = (source, _changed(source, folders))
        with self._lock:
            if known in self._manifests:
                self._manifests.move_to_end(known)
                return self._manifests[known]
        manifest = self._load(source, folders)
        with self._lock:
            self._manifests[known] = manifest
            while len(self._manifests) > _REMEMBERED:
                self._manifests.popitem(last=False)
        return manifest


def public_manifest(text: str, folders: tuple[Path, ...]) -> Manifest:
    """Load a manifest for a stranger: no link may lead into the network this machine is in."""
    from ..parseq.loader import load_manifest

    return load_manifest(text, base_dirs=folders, allow_private=False)


def _changed(source: str, folders: tuple[Path, ...]) -> float:
    """When the file was last changed; 0 for text and links."""
    if source.startswith(("{", "[", "<")) or is_url(source):
        return 0.0
    try:
        return resolve_path(source, folders).stat().st_mtime
    except (OSError, ValueError):
        return 0.0


def expected_seconds(data: RenderData, report: Path | None) -> float | None:
    """How long a run of ``data`` takes if it is as fast as the one of ``report``; None if that is unknown."""
    try:
        said = json.loads(report.read_text("utf-8")) if report is not None else {}
        diffused, frames, seconds = int(said["diffused"]), int(said["frames"]), said["seconds"]
        per_key = float(seconds["diffusion"]) / diffused
        per_frame = max(float(seconds["total"]) - float(seconds["diffusion"]), 0.0) / frames
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return None
    return per_key * len(data.keys) + per_frame * data.max_frames
