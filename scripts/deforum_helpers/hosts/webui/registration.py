"""What the web UI is given when it starts: tab, settings page, routes. Nothing here ever breaks the web UI."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from ...errors import DeforumError
from .conflicts import conflict_text, other_deforums
from .desk import Desk, output_folder
from .host import optional_part, part
from .message_tab import TAB_ID, TAB_NAME, message_tab, what_to_do
from .options import add_options

_LOG = logging.getLogger(__name__)


def register(root: Path) -> None:
    """Register everything with the web UI.

    Args:
        root: folder of this extension.
    """
    callbacks = part("script_callbacks")
    others = other_deforums(root, _active_extensions())
    if others:
        text = conflict_text(root, others)
        _LOG.error("%s", text)
        callbacks.on_ui_tabs(
            lambda: [(message_tab("Deforum is installed twice", text), "Deforum (2)", "deforum_twice")]
        )
        return
    desk = Desk(root)
    callbacks.on_ui_tabs(partial(_tab, desk))
    callbacks.on_ui_settings(_guarded("the settings page", add_options))
    callbacks.on_app_started(_guarded("the start", partial(_started, desk)))
    callbacks.on_script_unloaded(_guarded("the end", desk.close))


def _tab(desk: Desk) -> list[tuple[Any, str, str]]:
    try:
        from ...ui import build_tab

        page = build_tab(desk.door())
    except Exception as error:  # noqa: BLE001 - whatever it is, there is a tab that says so
        _LOG.error("The Deforum tab could not be made: %s", error, exc_info=_trace(error))
        page = message_tab("Deforum cannot be used yet", what_to_do(error))
    return [(page, TAB_NAME, TAB_ID)]


def _started(desk: Desk, page: Any, app: Any) -> None:
    if page is not None:  # there is none when the web UI serves its API only
        _guarded("what the tab shows of runs", partial(desk.show_files, page))()
    flags = part("shared").cmd_opts
    batches, simple = (bool(getattr(flags, flag, False)) for flag in ("deforum_api", "deforum_simple_api"))
    if batches or simple:
        _guarded("the API", partial(desk.add_routes, app, batches=batches, simple=simple))()
    desk.start()
    if getattr(flags, "deforum_run_now", None):
        Thread(target=_guarded("--deforum-run-now", _run_now), name="deforum-run-now", daemon=True).start()


def _run_now() -> None:
    from .host import open_host
    from .run_now import check_files, render_files, split_files

    host = open_host()
    flags = host.shared.cmd_opts
    try:
        files = split_files(flags.deforum_run_now)
        check_files(files)
        render_files(host, files, output_folder())
    finally:
        if getattr(flags, "deforum_terminate_after_run_now", False):
            part("restart").stop_program()


def _active_extensions() -> list[Path]:
    """Folders of the extensions that are switched on."""
    extensions = optional_part("modules.extensions")
    return [Path(extension.path) for extension in extensions.active()] if extensions is not None else []


def _guarded(what: str, function: Callable[..., object]) -> Callable[..., None]:
    """``function``, whose errors end in the log."""

    def guarded(*args: Any, **named: Any) -> None:
        try:
            function(*args, **named)
        except Exception as error:  # noqa: BLE001 - the web UI goes on, whatever happens here
            _LOG.error("Deforum: %s failed: %s", what, error, exc_info=_trace(error))

    return guarded


def _trace(error: Exception) -> Exception | None:
    """Where ``error`` comes from, for the log; nothing if it says itself what is wrong."""
    return None if isinstance(error, DeforumError) else error
