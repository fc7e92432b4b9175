"""What a run writes beside its frames on request: input frames, hybrid video's steps, masks of people, depth maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from .errors import Finding, RunError
from .imaging.depth_maps import DepthRange, depth_range
from .inputs import Opened, Places
from .media.encode import EncodeOptions
from .media.extras import DepthMaps, HumanMaskFiles, HumanMasks, HybridFrames, HybridKind, InputFrames
from .media.frames import Told
from .media.run_folder import RunFolder
from .media.store import write_text_atomic
from .models.segmentation import open_human_matte
from .ports import DepthEstimator, Image
from .rendering.data.inputs import Inputs
from .rendering.data.render_data import RenderData
from .settings import uses


def write_input_frames(
    data: RenderData, opened: Opened, run: RunFolder, told: Told, should_stop: Callable[[], bool]
) -> None:
    """Write the frames of the videos that the settings want to see as files; those already there are kept.

    Raises:
        Interrupted: it was asked to stop.
        RunError: a frame cannot be decoded or written.
    """
    anim = data.settings.anim
    if not anim.hybrid_generate_inputframes:
        return
    for source, folder in ((opened.video, "inputframes"), (opened.mask_video, "maskframes")):
        if source is not None:
            InputFrames(run.path, source, folder).write_all(
                overwrite=anim.overwrite_extracted_frames,
                progress=lambda done, count, what=folder: told(f"Writing {what}", done, count),  # type: ignore[misc]
                should_stop=should_stop,
            )


def write_human_masks(
    data: RenderData,
    opened: Opened,
    run: RunFolder,
    places: Places,
    told: Told,
    should_stop: Callable[[], bool],
) -> tuple[Finding, ...]:
    """Write where people are in the init video, if the settings ask for it.

    Returns:
        Why there are no masks, if it failed; the render needs none.

    Raises:
        Interrupted: it was asked to stop.
    """
    files = data.settings.anim.hybrid_generate_human_masks
    if files == "None" or opened.video is None or not uses.uses_hybrid_video(data.settings):
        return ()
    masks = HumanMasks(run.path, cast(HumanMaskFiles, files), EncodeOptions(ffmpeg=places.ffmpeg))
    try:
        with open_human_matte(**places.networks) as people:
            masks.write_all(
                opened.video,
                people.matte,
                fps=data.fps,
                progress=lambda done, count: told("Finding people", done, count),
                should_stop=should_stop,
            )
            return people.findings
    except RunError as error:
        return (Finding("warning", f"there are no masks of people. {error}", "hybrid_generate_human_masks"),)


def keeping_extra_frames(data: RenderData, run: RunFolder, inputs: Inputs) -> Inputs:
    """``inputs`` that also write the steps of hybrid video, if the settings ask for them."""
    anim = data.settings.anim
    if not anim.hybrid_comp_save_extra_frames or not uses.uses_hybrid(data.settings):
        return inputs
    named = anim.video_init_path if uses.uses_hybrid_video(data.settings) else "init_image"
    frames = HybridFrames(run.path, Path(urlsplit(named).path).stem or "video")

    def keep(kind: str, frame: int, picture: NDArray[Any]) -> None:
        if kind == "flow":
            frames.write_flow(frame, picture)
        elif kind == "flow_mask":
            frames.write_flow_mask(frame, np.rint(picture * 255).astype(np.uint8))
        else:
            frames.write(cast(HybridKind, kind), frame, picture)

    return replace(inputs, keep_extra=keep)


class DepthRecorder:
    """Writes the depth of each frame; one range for the whole run, kept in a file, makes them comparable.

    Args:
        run: the folder of the run.
        estimator: sees how far things are.
    """

    def __init__(self, run: RunFolder, estimator: DepthEstimator) -> None:
        self._maps = DepthMaps(run.path, run.timestring)
        self._range_file = run.file("_depth_range.json")
        self._estimator = estimator
        self._range = self._known_range()

    def has(self, index: int) -> bool:
        """Whether the map of frame ``index`` is there."""
        return self._maps.path(index).is_file()

    def take(self, index: int, image: Image) -> None:
        """Write the depth of frame ``index``; the first one taken in a run sets the range.

        Raises:
            RunError: the network failed, or the map cannot be written.
        """
        depth = self._estimator.predict(image)
        if self._range is None:
            self._range = depth_range(depth, self._estimator.kind)
            write_text_atomic(self._range_file, json.dumps({"low": self._range.low, "high": self._range.high}))
        low, high = self._range.low, self._range.high
        self._maps.write(index, (depth - np.float32(low)) / np.float32(high - low))

    def _known_range(self) -> DepthRange | None:
        try:
            known = json.loads(self._range_file.read_text("utf-8"))
            return DepthRange(float(known["low"]), float(known["high"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
