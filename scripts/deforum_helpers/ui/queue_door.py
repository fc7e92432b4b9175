"""The door with the job queue behind it: our own page's, and that of any host that runs jobs through the queue."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, SettingsError
from ..jobs.queue import JobQueue
from ..jobs.status import JobRequest, JobStatus
from ..jobs.workbench import ToolStatus, Workbench, Workplace
from ..media.store import ensure_folder, write_bytes_atomic, write_text_atomic
from ..settings.files import dump_settings, load_settings
from .door import PastRun, PlanView, Preset, Tooling
from .past_runs import newest_report, past_runs
from .planning import Planner, expected_seconds
from .thumbnails import thumbnail
from .uploads import keep_upload
from .values import Draft

if TYPE_CHECKING:
    from ..jobs.access import Access
    from ..tools.clips import Made, Watch

Workshop = Callable[[Path, bool], AbstractContextManager[Workplace]]
"""Opens the place where a tool works, given the folder of all runs and whether it uses networks."""

_LARGE = 20_000
"""Characters from which a pasted manifest is kept as a file, so that it need not travel with every change."""
_SUFFIXES = (".txt", ".json")
_AT_ONCE = 0.4
"""Seconds in which a tool that has nothing to do, or cannot do it, says so."""
_NAME = re.compile(r"[\w][\w .+-]{0,79}")


def _nowhere() -> Path | None:
    """Nothing is kept."""
    return None


@contextmanager
def _plain_workshop(out: Path, _networks: bool) -> Iterator[Workplace]:
    """Everything is where it is by default."""
    from ..run_options import RunOptions

    yield Workplace(RunOptions(out=out))


@dataclass(frozen=True)
class QueueDoor:
    """A ``Door``.

    Attributes:
        queue: runs the jobs.
        out: folder of all runs; settings files, presets and pasted manifests go there as well.
        examples: folder of presets that come with the program, one folder each.
        host_choices: texts on offer that depend on the host.
        access: what strangers may reach; None if only this machine can ask, which may read what its user may.
        planner: makes plans.
        keeps_in: says in which file the settings that were submitted last are kept; None for nowhere.
        bench: runs the tools.
        workshop: where they work.
    """

    queue: JobQueue
    out: Path
    examples: Path | None = None
    host_choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    access: Access | None = None
    planner: Planner = field(default_factory=Planner)
    keeps_in: Callable[[], Path | None] = _nowhere
    bench: Workbench = field(default_factory=Workbench)
    workshop: Workshop = _plain_workshop

    def choices(self) -> Mapping[str, Sequence[str]]:
        """As in ``Door``."""
        return self.host_choices

    def plan(self, draft: Draft) -> PlanView:
        """As in ``Door``."""
        if self.access is not None:
            from ..jobs.access import check_access

            try:
                check_access(draft.settings, draft.folder or self.out, self.access)
            except InputError as error:
                return PlanView(None, error.findings)
        return self.planner.plan(draft, lambda data: expected_seconds(data, newest_report(self.out)))

    def keep_manifest(self, text: str) -> str:
        """As in ``Door``."""
        self.planner.forget(text)
        if len(text) < _LARGE or not text.lstrip().startswith("{"):
            return text
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        folder = ensure_folder(self.out / "manifests")
        return str(write_text_atomic(folder / f"{name}.json", text).absolute())

    def keep_upload(self, upload: Path, key: str) -> Path:
        """As in ``Door``; it is kept below the folder of all runs."""
        return keep_upload(upload, key, self.out / "uploads")

    def submit(self, drafts: Sequence[Draft]) -> tuple[str, ...]:
        """As in ``Door``."""
        findings = [f for draft in drafts for f in self.plan(draft).findings if f.severity == "error"]
        if findings:
            raise InputError(findings)
        requests = [self._request(draft) for draft in drafts]
        jobs = self.queue.submit(requests).job_ids
        self._keep(drafts[-1])
        return jobs

    def job(self, job_id: str) -> JobStatus:
        """As in ``Door``."""
        return self.queue.job(job_id)

    def active(self) -> tuple[str, ...]:
        """As in ``Door``."""
        return tuple(job.id for job in self.queue.jobs() if not job.is_over)

    def latest_frame(self, job_id: str) -> bytes | None:
        """As in ``Door``."""
        return self.queue.latest_frame(job_id)

    def pause(self, job_id: str) -> None:
        """As in ``Door``."""
        self.queue.pause(job_id)

    def go_on(self, job_id: str) -> None:
        """As in ``Door``."""
        self.queue.go_on(job_id)

    def stop(self, job_id: str) -> None:
        """As in ``Door``."""
        self.queue.stop(job_id)

    def runs(self) -> tuple[PastRun, ...]:
        """As in ``Door``."""
        return past_runs(self.out)

    def resume(self, timestring: str) -> str:
        """As in ``Door``."""
        run = next((run for run in self.runs() if run.timestring == timestring), None)
        if run is None:
            raise InputError(f"there is no run {timestring or 'chosen'} in {self.out}.", key="resume_timestring")
        if not run.unfinished:
            raise InputError(f"the run {run.name} is complete; there is nothing to go on with.")
        for job in reversed(self.queue.jobs()):
            if job.timestring == timestring and job.resumable:
                return self.queue.resume(job.id).id
        # It was rendered by another door, such as the command line.
        draft = self.load_settings(run.settings)
        going_on = draft.settings.with_values({"resume_from_timestring": True, "resume_timestring": timestring})
        return self.queue.submit([self._request(Draft(going_on, draft.folder))]).job_ids[0]

    def load_settings(self, path: Path) -> Draft:
        """As in ``Door``."""
        file = self._readable(path)
        loaded = load_settings(file)
        return Draft(loaded.settings, loaded.folder, loaded.findings)

    def save_settings(self, draft: Draft, path: Path) -> Path:
        """As in ``Door``; only ``.txt`` and ``.json`` below the folder of all runs."""
        file = (self.out / path).resolve()
        if file.suffix.lower() not in _SUFFIXES or not file.is_relative_to(self.out.resolve()):
            hint = f"Give a name such as deforum_settings.txt; it is saved in {self.out.absolute()}."
            raise SettingsError(f"settings cannot be saved as {path}.", hint=hint)
        ensure_folder(file.parent)
        return write_text_atomic(file, dump_settings(draft.settings))

    def kept(self) -> Draft | None:
        """As in ``Door``."""
        file = self.keeps_in()
        if file is None or not file.is_file():
            return None
        loaded = load_settings(file)
        return Draft(loaded.settings, loaded.folder, loaded.findings)

    def presets(self) -> tuple[Preset, ...]:
        """As in ``Door``."""
        ours = sorted(self.examples.glob("*/deforum_settings.txt")) if self.examples is not None else []
        own = sorted((self.out / "presets").glob("*.txt"))
        return (
            *(Preset(path.parent.name.replace("_", " "), path, _beside(path)) for path in ours),
            *(Preset(path.stem, path, _beside(path)) for path in own),
        )

    def save_preset(self, draft: Draft, name: str, picture: bytes | None = None) -> Preset:
        """As in ``Door``; the picture lies beside the settings, small."""
        name = name.strip()
        if not _NAME.fullmatch(name):
            hint = "Use letters, digits, blanks, points and dashes, 80 at most, a letter or digit first."
            raise InputError(f"a preset cannot be called {name!r}.", hint=hint)
        file = self.save_settings(draft, Path("presets") / f"{name}.txt")
        if picture is not None:
            write_bytes_atomic(file.with_suffix(".jpg"), thumbnail(picture))
        return Preset(name, file, _beside(file))

    def start_tool(self, name: str, work: Callable[[Tooling], Made], *, networks: bool) -> None:
        """As in ``Door``."""
        from ..jobs.reach import Reach

        def at_work(watch: Watch) -> Made:
            with self.workshop(self.out, networks) as place:

                def should_stop() -> bool:
                    return watch.should_stop() or place.interrupted()

                tooling = Tooling(place.options, Reach(self.out, self.access), replace(watch, should_stop=should_stop))
                return work(tooling)

        self.bench.start(name, at_work)
        self.bench.wait(_AT_ONCE)

    def tool(self) -> ToolStatus | None:
        """As in ``Door``."""
        return self.bench.status

    def stop_tool(self) -> None:
        """As in ``Door``."""
        self.bench.stop()

    def shows(self, path: Path) -> bool:
        """As in ``Door``."""
        return path.resolve().is_relative_to(self.out.resolve())

    def _keep(self, draft: Draft) -> None:
        file = self.keeps_in()
        if file is not None:
            from ..job import with_whole_paths

            whole = with_whole_paths(draft.settings, draft.folder or Path())
            write_text_atomic(ensure_folder(file.parent) / file.name, dump_settings(whole))

    def _request(self, draft: Draft) -> JobRequest:
        settings = json.loads(dump_settings(draft.settings))
        return JobRequest(settings, base_dir=draft.folder, restricted=self.access is not None)

    def _readable(self, path: Path) -> Path:
        """A settings file that may be read; relative ones lie in the folder of all runs or the working folder."""
        inside = self.out / path
        file = inside if inside.is_file() else path
        roots = self.access.roots if self.access is not None else None
        if roots is not None and not any(file.resolve().is_relative_to(root.resolve()) for root in roots):
            raise SettingsError(
                f"{path} lies outside the folders that may be read.", hint="Open it from your computer."
            )
        return file


def _beside(settings: Path) -> Path | None:
    """The picture that has the name of a settings file."""
    picture = settings.with_suffix(".jpg")
    return picture if picture.is_file() else None
