"""More frames between the frames of a video: smoother, or slower."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from ..errors import SettingsError
from ..media.encode import EncodeOptions, check_format
from ..models.interpolation import (
    InterpolationEngine,
    Interpolator,
    check_interpolation,
    interpolation_engine,
    open_interpolator,
)
from ..models.weights import Opening
from ..ports import Image
from .clips import INTERPOLATION, UNWATCHED, Clip, Made, Watch, fresh_folder, working_in, write_clip


@dataclass(frozen=True)
class Interpolation:
    """What is wanted.

    Attributes:
        engine: name of the engine, as in the setting ``frame_interpolation_engine``.
        factor: how many times as many frames, from 2; engines have a limit.
        slow_motion: how many times slower it plays; 1 for as fast as before.

    Raises:
        SettingsError: there is no such engine, or a number is out of its range.
    """

    engine: str
    factor: int = 2
    slow_motion: int = 1

    def __post_init__(self) -> None:
        most = self.method.most
        if not 2 <= self.factor <= most:
            message = f"{self.factor} times as many frames cannot be made by {self.method.name}; it does 2 to {most}."
            raise SettingsError(message, key="frame_interpolation_x_amount")
        if self.slow_motion < 1:
            message = f"{self.slow_motion} times slower is no speed; it must be 1 or more."
            raise SettingsError(message, key="frame_interpolation_slow_mo_amount")

    @property
    def method(self) -> InterpolationEngine:
        """The engine."""
        return interpolation_engine(self.engine)

    @property
    def suffix(self) -> str:
        """What tells the video from its source in file names: ``_RIFE_x2``, ``_FILM_x4_slomo_x2``."""
        slow = f"_slomo_x{self.slow_motion}" if self.slow_motion > 1 else ""
        return f"_{self.method.label}_x{self.factor}{slow}"

    def rate(self, fps: Fraction) -> Fraction:
        """Frames per second of the video made of one that has ``fps``."""
        return fps * self.factor / self.slow_motion


def interpolate(  # noqa: PLR0913
    clip: Clip,
    wanted: Interpolation,
    video: Path,
    *,
    to: Opening,
    encode: EncodeOptions | None = None,
    pictures: Path | None = None,
    cuts: frozenset[int] = frozenset(),
    watch: Watch = UNWATCHED,
) -> Made:
    """Make ``video`` of ``clip`` with more frames. The frames of the clip stay in it as they are.

    Its sound goes with it, except into slow motion.

    Args:
        clip: the source.
        wanted: what to make of it.
        video: the video to make, MP4.
        to: how the engine is opened.
        encode: how to encode.
        pictures: folder for all frames as files; None for none.
        cuts: frames known to have nothing in common with the one before; engines find others by themselves.
        watch: as for ``write_clip``.

    Raises:
        InputError: as ``write_clip``, and if a frame of the clip cannot be read.
        Interrupted: stopped before the first frame.
        RunError: the engine cannot be opened or failed, or the video could not be written. There is no video then.
    """
    fps = wanted.rate(clip.fps)
    check_format(clip.width, clip.height, fps)
    between = wanted.factor - 1 if clip.count is None else wanted.method.count_between(clip.count, wanted.factor)
    total = None if clip.count is None else clip.count + (clip.count - 1) * between
    with open_interpolator(wanted.engine, to) as engine:
        made = write_clip(
            interpolated(clip.frames(), engine, between, cuts),
            video,
            fps=fps,
            encode=encode,
            pictures=pictures,
            sound=clip.sound if wanted.slow_motion == 1 else None,
            total=total,
            watch=watch,
        )
        return replace(made, findings=(*engine.findings, *made.findings))


def interpolated(
    frames: Iterable[Image], engine: Interpolator, between: int, cuts: frozenset[int] = frozenset()
) -> Iterator[Image]:
    """``frames``, with ``between`` new ones between each two; the one before a cut is repeated in their place."""
    before: Image | None = None
    for index, frame in enumerate(frames):
        if before is not None:
            yield from [before] * between if index in cuts else engine.between(before, frame, between)
        yield frame
        before = frame


def interpolate_clip(  # noqa: PLR0913
    clip: Clip,
    wanted: Interpolation,
    out: Path,
    *,
    to: Opening,
    encode: EncodeOptions | None = None,
    keep_pictures: bool = False,
    watch: Watch = UNWATCHED,
) -> Made:
    """Interpolate into a folder of its own, ``{out}/frame-interpolation/{name}``, as ``{name}_RIFE_x2.mp4``.

    Args:
        clip: the source.
        wanted: what to make of it.
        out: the output folder.
        to: as for :func:`interpolate`.
        encode: how to encode.
        keep_pictures: whether all frames are kept as files, in a folder beside the video.
        watch: as for ``write_clip``.

    Raises:
        DeforumError: as :func:`interpolate`.
    """
    check_interpolation(wanted.engine, None if to.allow_download else to.models_folder)
    with working_in(fresh_folder(out, INTERPOLATION, clip.name)) as folder:
        pictures = folder / f"interpolated_frames_{wanted.method.label.lower()}" if keep_pictures else None
        video = folder / f"{clip.stem}{wanted.suffix}.mp4"
        return interpolate(clip, wanted, video, to=to, encode=encode, pictures=pictures, watch=watch)
