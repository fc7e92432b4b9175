"""What happens to a video once its frames are there: sound and subtitles. Whatever fails, the video stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .errors import DeforumError, Finding
from .media.audio import add_soundtrack
from .media.extras import delete_input_frames
from .media.ffmpeg import probe
from .media.gif import make_gif
from .media.run_folder import RunFolder
from .media.subtitles import (
    PROMPT_SERIES,
    chosen_parameters,
    embed_subtitles,
    parameters_text,
    subtitle_entry,
    write_srt,
)
from .rendering.data.render_data import RenderData
from .rendering.data.schedule import Values
from .settings.lint import GIF_FPS
from .settings.paths import resolve_path
from .web import is_url


def add_sound(
    data: RenderData, video: Path, folder: Path, ffmpeg: Path | str | None = None, *, allow_private: bool = True
) -> tuple[Finding, ...]:
    """Give ``video`` the soundtrack that the settings name.

    Args:
        data: the plan.
        video: the finished video.
        folder: where relative paths are looked up first.
        ffmpeg: program as for ``find_ffmpeg``.
        allow_private: as in ``web.open_url``.

    Returns:
        Why there is no sound, if it failed; the silent video is kept.
    """
    source = soundtrack(data, folder)
    if not source:
        return ()
    try:
        add_soundtrack(video, source, duration=data.duration, ffmpeg=ffmpeg, allow_private=allow_private)
    except DeforumError as error:
        return (Finding("warning", f"the video has no sound. {error}", "soundtrack_path"),)
    return ()


def soundtrack(data: RenderData, folder: Path) -> str:
    """Path or URL of the soundtrack, empty for none."""
    settings = data.settings
    path = {"File": settings.output.soundtrack_path, "Init Video": settings.anim.video_init_path}.get(
        settings.output.add_soundtrack, ""
    )
    return path if not path or is_url(path) else str(resolve_path(path, (folder,)))


def write_subtitles(data: RenderData, run: RunFolder, labels: tuple[str, ...], frames: int) -> Path:
    """Write ``{timestring}.srt`` for the first ``frames`` frames.

    Raises:
        InputError: a label is unknown.
        StorageError: the file could not be written.
    """
    return write_srt(run.file(".srt"), _entries(data, labels, frames))


def _entries(data: RenderData, labels: tuple[str, ...], frames: int) -> Iterator[str]:
    parameters = chosen_parameters(labels)
    values = {name: _plain(series) for name, series in data.series.items()}
    values[PROMPT_SERIES] = data.raw_prompts
    keys = set(data.key_frames)
    has_tweens = len(keys) < data.max_frames
    for tween in data.tweens[:frames]:
        yield subtitle_entry(
            tween.index,
            fps=data.fps,
            seed=data.keys[tween.newer].seed,
            is_tween=tween.index not in keys if has_tweens else None,
            params=parameters_text(parameters, values, tween.index),
        )


def remove_frames(
    data: RenderData, frames: Callable[[int], Path], video: Path, ffmpeg: Path | str | None = None
) -> tuple[Finding, ...]:
    """Delete the frames of a run whose settings ask for it, once ``video`` is known to hold every one of them.

    Args:
        data: the plan.
        frames: path of each frame.
        video: the finished video.
        ffmpeg: program as for ``find_ffmpeg``.

    Returns:
        Why they were kept, if they were.
    """
    if not data.settings.output.delete_imgs:
        return ()
    try:
        held = probe(video, count_frames=True, ffmpeg=ffmpeg).frames
    except DeforumError as error:
        return (Finding("warning", f"the frames are kept. {error}", "delete_imgs"),)
    if held != data.max_frames:
        text = f"the frames are kept: the video holds {held} of {data.max_frames}."
        return (Finding("warning", text, "delete_imgs"),)
    for index in range(data.max_frames):
        frames(index).unlink(missing_ok=True)
    return ()


def _plain(series: Values) -> Sequence[float | str]:
    return series if isinstance(series, tuple) else series.tolist()


def add_subtitles(video: Path, srt: Path, ffmpeg: Path | str | None = None) -> tuple[Finding, ...]:
    """Put ``srt`` into ``video`` as a track. Returns why it failed, if it did; the video is kept."""
    try:
        embed_subtitles(video, srt, ffmpeg=ffmpeg)
    except DeforumError as error:
        return (Finding("warning", f"the subtitles are beside the video, not in it. {error}"),)
    return ()


def add_gif(data: RenderData, video: Path, ffmpeg: Path | str | None = None) -> tuple[Finding, ...]:
    """Make a GIF of ``video`` if the settings ask for it and its rate allows it. Returns why there is none."""
    output = data.settings.output
    if not output.make_gif or data.fps > GIF_FPS:
        return ()
    try:
        make_gif(video, ffmpeg=ffmpeg)
    except DeforumError as error:
        return (Finding("warning", f"there is no GIF. {error}", "make_gif"),)
    return ()


def remove_input_frames(data: RenderData, run: RunFolder) -> tuple[Finding, ...]:
    """Delete the input frames of a run whose settings ask for it. Returns why they are still there."""
    if not data.settings.output.delete_input_frames:
        return ()
    try:
        delete_input_frames(run.path)
    except DeforumError as error:
        return (Finding("warning", f"the input frames are still there. {error}", "delete_input_frames"),)
    return ()
