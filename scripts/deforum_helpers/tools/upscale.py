"""A video in more pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..media.encode import EncodeOptions, check_format
from ..models.upscaling import Upscaler, check_upscaling, open_upscaler, upscale_factor, upscaling_model
from ..models.weights import Opening
from ..ports import Image
from .clips import UNWATCHED, UPSCALING, Clip, Made, Watch, fresh_folder, working_in, write_clip


@dataclass(frozen=True)
class Upscaling:
    """What is wanted.

    Attributes:
        model: name of the network, as in the setting ``r_upscale_model``.
        factor: ``x2``, ``x3`` or ``x4``; not every network does all.

    Raises:
        SettingsError: there is no such network, or it does not enlarge so.
    """

    model: str
    factor: str = "x2"

    def __post_init__(self) -> None:
        _ = self.times

    @property
    def times(self) -> int:
        """The factor as a number."""
        return upscale_factor(upscaling_model(self.model), self.factor)

    @property
    def suffix(self) -> str:
        """What tells the video from its source in file names: ``_Upscaled_x2``."""
        return f"_Upscaled_x{self.times}"


def upscale(  # noqa: PLR0913
    clip: Clip,
    wanted: Upscaling,
    video: Path,
    *,
    to: Opening,
    encode: EncodeOptions | None = None,
    pictures: Path | None = None,
    take: Callable[[int, Image], object] | None = None,
    watch: Watch = UNWATCHED,
) -> Made:
    """Make ``video`` of ``clip``, enlarged, with its sound.

    Args:
        clip: the source.
        wanted: what to make of it.
        video: the video to make, MP4.
        to: how the network is opened.
        encode: how to encode.
        pictures: folder for all frames as files; None for none.
        take: given the index and each enlarged frame before it is encoded.
        watch: as for ``write_clip``.

    Raises:
        InputError: as ``write_clip``, and if a frame of the clip cannot be read.
        Interrupted: stopped before the first frame.
        RunError: the network cannot be opened or failed, or the video could not be written. There is no video then.
    """
    check_format(clip.width * wanted.times, clip.height * wanted.times, clip.fps)
    with open_upscaler(wanted.model, wanted.factor, to) as network:
        made = write_clip(
            upscaled(clip.frames(), network, take),
            video,
            fps=clip.fps,
            encode=encode,
            pictures=pictures,
            sound=clip.sound,
            total=clip.count,
            watch=watch,
        )
        return replace(made, findings=(*network.findings, *made.findings))


def upscaled(
    frames: Iterable[Image], network: Upscaler, take: Callable[[int, Image], object] | None = None
) -> Iterator[Image]:
    """``frames``, each enlarged, and shown to ``take`` with its index."""
    for index, frame in enumerate(frames):
        enlarged = network.enlarge(frame)
        if take is not None:
            take(index, enlarged)
        yield enlarged


def upscale_clip(  # noqa: PLR0913
    clip: Clip,
    wanted: Upscaling,
    out: Path,
    *,
    to: Opening,
    encode: EncodeOptions | None = None,
    keep_pictures: bool = False,
    watch: Watch = UNWATCHED,
) -> Made:
    """Upscale into a folder of its own, ``{out}/frame-upscaling/{name}``, as ``{name}_Upscaled_x2.mp4``.

    Args:
        clip: the source.
        wanted: what to make of it.
        out: the output folder.
        to: as for :func:`upscale`.
        encode: how to encode.
        keep_pictures: whether the enlarged frames are kept as files, in ``Upscaled_frames`` beside the video.
        watch: as for ``write_clip``.

    Raises:
        DeforumError: as :func:`upscale`.
    """
    check_upscaling(wanted.model, wanted.factor, None if to.allow_download else to.models_folder)
    with working_in(fresh_folder(out, UPSCALING, clip.name)) as folder:
        pictures = folder / "Upscaled_frames" if keep_pictures else None
        video = folder / f"{clip.stem}{wanted.suffix}.mp4"
        return upscale(clip, wanted, video, to=to, encode=encode, pictures=pictures, watch=watch)
