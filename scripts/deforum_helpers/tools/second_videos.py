"""The further videos of a run: enlarged, and with more frames. Whatever fails, the video of the run stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DeforumError, Finding, InputError, RunError
from ..media.encode import EncodeOptions
from ..media.frames import Told
from ..media.run_folder import RunFolder
from ..media.store import ImageFrameStore, ensure_folder
from ..media.subtitles import embed_subtitles
from ..models.interpolation import check_interpolation
from ..models.upscaling import check_upscaling
from ..models.weights import Opening
from ..settings.schema import Settings
from .clips import Clip, Made, Watch, open_pictures
from .interpolate import Interpolation, interpolate
from .upscale import Upscaling, upscale

_ENGINE = "frame_interpolation_engine"
_USE_UPSCALED = "frame_interpolation_use_upscaled"


@dataclass(frozen=True)
class SecondVideos:
    """The further videos of a run, and how they are made.

    Attributes:
        settings: of the run.
        run: the folder of the run, in which they are made.
        source: the video of the run, or its frames where they were kept.
        cuts: frames that have nothing in common with the one before.
        subtitles: file to put into them as a track, None for none.
        to: how networks are opened.
        encode: how to encode.
        told: of each frame: what is done, how much of it, and of how much.
        should_stop: asked after each frame.
    """

    settings: Settings
    run: RunFolder
    source: Clip
    cuts: frozenset[int]
    subtitles: Path | None
    to: Opening
    encode: EncodeOptions
    told: Told
    should_stop: Callable[[], bool]

    def make(self) -> tuple[Finding, ...]:
        """Make those that the settings ask for: first the enlarged one, then the one with more frames.

        Returns:
            Where they are, and what went wrong.
        """
        output = self.settings.output
        wanted, use_upscaled = wants_interpolation(self.settings), output.frame_interpolation_use_upscaled
        findings: tuple[Finding, ...] = ()
        source = self.source
        if output.r_upscale_video:
            store = ImageFrameStore(self.run.file("_upscaled"), self.run.timestring)
            keep, lend = output.r_upscale_keep_imgs, wanted and use_upscaled
            made, findings = self._upscaled(store if keep or lend else None)
            if made is not None and lend:
                files = [store.path(index) for index in range(made.frames)]
                source = replace(open_pictures(files, source.fps, key=_USE_UPSCALED), sound=source.sound)
            if wanted:
                findings += self._interpolated(source)
            if not keep:
                shutil.rmtree(store.folder, ignore_errors=True)
        elif wanted:
            findings += self._interpolated(source)
        return findings

    def _upscaled(self, store: ImageFrameStore | None) -> tuple[Made | None, tuple[Finding, ...]]:
        output = self.settings.output

        def made() -> Made:
            wanted = Upscaling(output.r_upscale_model, output.r_upscale_factor)
            take = None
            if store is not None:
                ensure_folder(store.folder)
                take = store.write
            video = self.run.file(f"{wanted.suffix}.mp4")
            return upscale(
                self.source, wanted, video, to=self.to, encode=self.encode, take=take, watch=self._watch("Upscaling")
            )

        return self._second("upscaled", "r_upscale_video", made)

    def _interpolated(self, source: Clip) -> tuple[Finding, ...]:
        output = self.settings.output

        def made() -> Made:
            slow = output.frame_interpolation_slow_mo_amount if output.frame_interpolation_slow_mo_enabled else 1
            wanted = Interpolation(output.frame_interpolation_engine, output.frame_interpolation_x_amount, slow)
            enlarged = "_upscaled" if source is not self.source else ""
            pictures = None
            if output.frame_interpolation_keep_imgs:
                label = wanted.method.label.lower()
                pictures = self.run.path / f"interpolated_frames_{label}_{self.run.timestring}"
            video = self.run.file(f"{wanted.suffix}{enlarged}.mp4")
            watch = self._watch("Interpolating")
            return interpolate(
                source,
                wanted,
                video,
                to=self.to,
                encode=self.encode,
                pictures=pictures,
                cuts=self.cuts,
                watch=watch,
            )

        slow = output.frame_interpolation_slow_mo_enabled
        return self._second("interpolated", _ENGINE, made, with_subtitles=not slow)[1]

    def _watch(self, what: str) -> Watch:
        return Watch(lambda done, count: self.told(what, done, count or done), self.should_stop)

    def _second(
        self, kind: str, key: str, make: Callable[[], Made], *, with_subtitles: bool = True
    ) -> tuple[Made | None, tuple[Finding, ...]]:
        """What ``make`` made, and what there is to say about it."""
        try:
            made = make()
        except (DeforumError, MemoryError) as error:
            reason = str(error) or "The memory does not suffice."
            return None, (Finding("warning", f"there is no {kind} video. {reason}", key),)
        findings = [*made.findings, Finding("note", f"the {kind} video is {made.video}.")]
        if made.stopped:
            text = f"the {kind} video was stopped and ends after {made.frames} frames."
            findings.append(Finding("warning", text, key))
        if self.subtitles is not None and with_subtitles:
            findings += self._with_subtitles(made.video, self.subtitles)
        return made, tuple(findings)

    def _with_subtitles(self, video: Path, subtitles: Path) -> tuple[Finding, ...]:
        try:
            embed_subtitles(video, subtitles, ffmpeg=self.encode.ffmpeg)
        except DeforumError as error:
            return (Finding("warning", f"the subtitles are not in {video}. {error}"),)
        return ()


def asks_for_second_videos(settings: Settings) -> bool:
    """Whether a run makes any further video."""
    return settings.output.r_upscale_video or wants_interpolation(settings)


def wants_interpolation(settings: Settings) -> bool:
    """Whether a run makes a video with more frames."""
    return settings.output.frame_interpolation_engine != "None"


def check_second_videos(settings: Settings, models: Path | None = None) -> tuple[Finding, ...]:
    """What the further videos of a run would fail for, as far as that can be told without loading a network.

    Args:
        settings: of the run.
        models: ``models/Deforum`` where weights have to be; None if they may be fetched.

    Returns:
        Errors for settings that cannot be, warnings for what is missing.
    """
    output = settings.output
    if output.skip_video_creation:
        return ()
    checks: list[tuple[str, str, Callable[[], None]]] = []
    if output.r_upscale_video:
        checks.append(
            (
                "upscaled",
                "r_upscale_video",
                lambda: check_upscaling(output.r_upscale_model, output.r_upscale_factor, models),
            )
        )
    if wants_interpolation(settings):
        checks.append(("interpolated", _ENGINE, lambda: check_interpolation(output.frame_interpolation_engine, models)))
    findings: list[Finding] = []
    for kind, key, check in checks:
        try:
            check()
        except InputError as error:
            findings += error.findings
        except RunError as error:
            findings.append(Finding("warning", f"there will be no {kind} video. {error}", key))
    return tuple(findings)
