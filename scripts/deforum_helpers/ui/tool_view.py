"""How a tool stands, as HTML: a bar with frames and time left, what it made, or why not."""

from __future__ import annotations

from html import escape

from ..errors import Interrupted
from ..jobs.workbench import ToolStatus
from .findings_view import error_html, findings_html
from .plan_view import duration_text
from .status_view import bar_html, said_html, video_html

_STOP = '<button type="button" class="deforum-tool-stop">Stop</button>'


def tool_html(status: ToolStatus, video_url: str = "") -> str:
    """How a tool stands; ``data-live`` tells the script whether to go on asking.

    Args:
        status: of the tool.
        video_url: where the page finds the video that was made; empty if it may not show it.
    """
    if status.error is not None:
        shown = said_html(str(status.error)) if isinstance(status.error, Interrupted) else error_html(status.error)
        return _around(shown, live=False)
    if status.made is not None:
        return _around(_made(status, video_url), live=False)
    share = status.done / status.count if status.count else 0.0
    return _around(f'{bar_html(share, "accepted")}<p role="status">{escape(_sentence(status))}</p>{_STOP}', live=True)


def _around(inner: str, *, live: bool) -> str:
    return f'<div class="deforum-status deforum-tool" data-live="{int(live)}">{inner}</div>'


def _sentence(status: ToolStatus) -> str:
    if not status.done:
        return "Stopping" if status.stopping else "Preparing"
    parts = ["Stopping after this frame" if status.stopping else status.name]
    parts.append(f"frame {status.done} of {status.count}" if status.count else f"frame {status.done}")
    if status.count:
        parts.append(f"{status.done / status.count:.0%}")
    if status.seconds_left is not None and not status.stopping:
        parts.append(f"{duration_text(status.seconds_left)} left")
    return " · ".join(parts)


def _made(status: ToolStatus, video_url: str) -> str:
    made = status.made
    if made is None:
        return ""
    state = "Stopped, with a video of the frames that were done" if made.stopped else "Done"
    facts = [state, f"{made.frames} frames", f"took {duration_text(status.seconds)}"]
    shown = [said_html(" · ".join(facts))]
    if video_url:
        shown.append(video_html(video_url, made.video.name))
    shown.append(f'<p class="deforum-folder">{escape(str(made.video))}</p>')
    if made.folder is not None:
        shown.append(f'<p class="deforum-folder">Frames in {escape(str(made.folder))}</p>')
    shown.append(findings_html(made.findings))
    return "".join(shown)
