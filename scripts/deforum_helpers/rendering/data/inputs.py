"""What pictures are made of besides the plan: pictures and videos of the user, and the networks that look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from ...imaging.colour import ColourReference
from ...ports import DepthEstimator, FlowEstimator, FrameSource, Image, Mask


def _keep_nothing(_kind: str, _frame: int, _picture: NDArray[Any]) -> None:
    pass


@dataclass(frozen=True, eq=False)
class Inputs:
    """Opened before a render and closed after it; all pictures have the size of the frames.

    Attributes:
        init_image: what the first key frame (in Interpolation mode every one) is diffused from; None for nothing.
        reference: colours to hold on to from the start, None to take those of the first picture.
        video: frames of the init video.
        hybrid: what is mixed in and followed by hybrid video: the init video, or the init image.
        mask: the mask called ``video_mask`` where it stands still; None for everywhere.
        mask_video: frames of the mask called ``video_mask`` where it moves.
        mask_files: masks of files that mask expressions name, by the text between the brackets.
        words: finds what words name in a picture.
        guides: the guide images, in the order of the plan's guides.
        control: frames for each ControlNet unit that has some, by the unit's number.
        control_masks: the same for masks of units.
        depth: sees how far things are, None for a flat scene.
        hybrid_flow, cadence_flow, redo_flow: optical flow of each use, None where it is off.
        keep_extra: is given pictures of in-between results, by kind and frame.
    """

    init_image: Image | None = None
    reference: ColourReference | None = None
    video: FrameSource | None = None
    hybrid: FrameSource | None = None
    mask: Mask | None = None
    mask_video: FrameSource | None = None
    mask_files: Mapping[str, Mask] = field(default_factory=dict)
    words: Callable[[Image, str], Mask] | None = None
    guides: FrameSource | None = None
    control: Mapping[int, FrameSource] = field(default_factory=dict)
    control_masks: Mapping[int, FrameSource] = field(default_factory=dict)
    depth: DepthEstimator | None = None
    hybrid_flow: FlowEstimator | None = None
    cadence_flow: FlowEstimator | None = None
    redo_flow: FlowEstimator | None = None
    keep_extra: Callable[[str, int, NDArray[Any]], None] = _keep_nothing
