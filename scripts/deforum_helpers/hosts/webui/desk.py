"""One job queue for everybody who asks the web UI for a render: the tab and the routes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from ...jobs.workbench import Workbench, Workplace
from .host import open_host, part
from .options import PERSISTENT, PERSISTENT_PATH, option_values, run_options
from .samplers import sampler_names, scheduler_names

if TYPE_CHECKING:
    from ...jobs.access import Access
    from ...jobs.queue import JobQueue
    from ...ui.door import Door

TOKEN_VARIABLE = "DEFORUM_TOKEN"  # noqa: S105 - where it is found, not what it is
_UNITS = range(1, 6)


class Desk:
    """The queue, opened when it is asked for first.

    Args:
        root: folder of this extension.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._queue: JobQueue | None = None
        self._opening = Lock()
        self._started = Event()
        self._bench = Workbench()

    @property
    def queue(self) -> JobQueue:
        """The job queue of this web UI.

        Raises:
            StorageError: its database cannot be used, or another web UI uses it.
        """
        from ...jobs.queue import DATABASE, JobQueue
        from ...media.store import ensure_folder
        from .runner import WebuiRunner

        with self._opening:
            if self._queue is None:
                out = ensure_folder(output_folder())
                self._queue = JobQueue(out / DATABASE, WebuiRunner(out, self._access(), self._started.wait))
            return self._queue

    def door(self) -> Door:
        """What the tab asks."""
        from ...ui.queue_door import QueueDoor

        public = bool(getattr(part("shared").cmd_opts, "webui_is_non_local", False))
        access = self._access() if public else None
        examples, choices = self._root / "examples", host_choices()
        return QueueDoor(
            self.queue,
            output_folder(),
            examples,
            choices,
            access,
            keeps_in=persistent_settings,
            bench=self._bench,
            workshop=workshop,
        )

    def add_routes(self, app: Any, *, batches: bool, simple: bool) -> None:
        """Add the REST API to the web UI's server.

        Args:
            app: the server, a FastAPI.
            batches: whether there are the routes below ``/deforum_api``.
            simple: whether there are those below ``/deforum``.
        """
        from ...api.config import ApiConfig
        from ...api.routes import register

        flags = part("shared").cmd_opts
        origins = str(getattr(flags, "cors_allow_origins", None) or "")
        config = ApiConfig(
            output_folder(),
            self._access(),
            os.environ.get(TOKEN_VARIABLE, ""),
            batches=batches,
            simple=simple,
            origins=frozenset(origin for origin in origins.split(",") if origin),
            origin_pattern=str(getattr(flags, "cors_allow_origins_regex", None) or ""),
        )
        register(app, self.queue, config)

    def _access(self) -> Access:
        """What strangers may reach: runs, examples, uploads, and what ``--gradio-allowed-path`` names."""
        from ...jobs.access import Access

        named = getattr(part("shared").cmd_opts, "gradio_allowed_path", None) or ()
        uploads = os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio"
        folders = (output_folder(), self._root / "examples", uploads, *named)
        return Access(tuple(Path(folder).resolve() for folder in folders))

    def show_files(self, page: Any) -> None:
        """Let the page show runs and examples wherever they lie: web UIs only hand out what is in their own folder.

        Args:
            page: the web UI's gradio.Blocks, launched.
        """
        page.allowed_paths = [*page.allowed_paths, str(output_folder()), str(self._root / "examples")]

    def start(self) -> None:
        """The web UI has started: jobs may run."""
        self._started.set()

    def close(self) -> None:
        """Let the running job stop so that it can be resumed, and let go of the database."""
        self._started.set()
        self._bench.close()
        with self._opening:
            if self._queue is not None:
                self._queue.close()
                self._queue = None


@contextmanager
def workshop(out: Path, networks: bool) -> Iterator[Workplace]:
    """Where a tool of the tab works: by the settings page; if it uses networks, alone with the graphics card.

    Args:
        out: folder of all runs.
        networks: whether it uses networks.
    """
    from .control import interrupted
    from .session import webui_job
    from .vram import WebuiMemory, memory_given_back

    host = open_host()
    if not networks:
        yield Workplace(run_options(host, out))
        return
    with webui_job(host, "deforum tool"), memory_given_back(host):
        options = run_options(host, out, memory=WebuiMemory(host))
        yield Workplace(options, partial(interrupted, host.state))


def output_folder() -> Path:
    """Where runs go: the web UI's folder of all pictures, else that of img2img."""
    opts = part("shared").opts
    return Path(opts.outdir_samples or opts.outdir_img2img_samples).expanduser().absolute()


def persistent_settings() -> Path | None:
    """The file in which the settings page has the settings of the tab kept; None if they are not to be kept."""
    values = option_values(part("shared").opts.data)
    named = str(values[PERSISTENT_PATH]).strip()
    # The path can be changed by anybody who may change the web UI's settings: it must not lead to what is no settings.
    if not values[PERSISTENT] or Path(named).suffix.lower() not in (".txt", ".json"):
        return None
    return Path(part("paths").data_path) / Path(named).expanduser()


def host_choices() -> Mapping[str, Sequence[str]]:
    """Settings key → what the web UI offers for it."""
    from .controlnet import controlnet_names

    host = open_host()
    samplers = list(dict.fromkeys(sampler_names(host.sd_samplers).values()))
    schedulers = list(dict.fromkeys(scheduler_names(host.sd_schedulers).values()))
    offered = {"sampler": samplers, **({"scheduler": schedulers} if schedulers else {})}
    for what, names in controlnet_names(host).items():
        offered.update({f"cn_{unit}_{what.removesuffix('s')}": names for unit in _UNITS})
    return offered
