"""Hybrid video: the motion of the video, and its pictures mixed in."""

from __future__ import annotations

from typing import cast

from ....imaging.depth_maps import depth_range, depth_to_grey
from ....imaging.flow import flow_reliability, flow_warp
from ....imaging.hybrid import (
    Equalize,
    MaskOptions,
    MotionKind,
    blend_mask,
    composite,
    difference_mask,
    match_motion,
    shape_mask,
)
from ....imaging.warp import Homography, Warp
from ....ports import FlowEstimator, FrameSource, Image, Mask
from ...data.inputs import Inputs
from ...data.render_data import RenderData
from ...data.step.key_step import CompositeStep


def video_motion(data: RenderData, inputs: Inputs, frame: int, before: Image | None = None) -> Warp:
    """How the video moves from frame ``frame - 1`` to ``frame``.

    Args:
        data: the plan.
        inputs: the video, and the flow estimator for motion "Optical Flow".
        frame: where the motion ends.
        before: the picture that is to move like this, H×W×3; then the motion leads from it to the video's frame. None
            for the motion between two frames of the video.
    """
    video = inputs.hybrid
    if video is None:
        return Homography.identity()
    source, target = video.frame(frame - 1) if before is None else before, video.frame(frame)
    kind = data.settings.anim.hybrid_motion
    if kind == "Optical Flow":
        return _followed(data, inputs, frame, source, target)
    return match_motion(source, target, cast(MotionKind, kind))


def _followed(data: RenderData, inputs: Inputs, frame: int, source: Image, target: Image) -> Warp:
    estimator, anim = inputs.hybrid_flow, data.settings.anim
    if estimator is None:
        return Homography.identity()
    flow = estimator.flow(source, target)
    if anim.hybrid_flow_consistency:
        back = estimator.flow(target, source)
        reliability = flow_reliability(flow, back, blur=float(anim.hybrid_consistency_blur))
        inputs.keep_extra("flow_mask", frame, reliability)
        flow = flow * reliability[..., None]
    inputs.keep_extra("flow", frame, flow)
    return flow_warp(flow, data.series.number("hybrid_flow_factor_schedule_series", frame))


def mixed(
    data: RenderData, inputs: Inputs, frame: int, step: CompositeStep, previous: Image, warp: Warp | None = None
) -> Image:
    """``previous`` with the video's frame mixed in.

    Args:
        data: the plan.
        inputs: the video, and the depth network for masks of depth.
        frame: of the video.
        step: how much of it.
        previous: H×W×3.
        warp: how the video's frame is moved before; None for not at all.

    Returns:
        A new H×W×3 uint8 array.
    """
    source = cast(FrameSource, inputs.hybrid)
    video = source.frame(frame)
    if warp is not None:
        video = warp.apply(video, border="reflect101")
    mask = _mask(data, inputs, frame, step, previous, video)
    result = composite(previous, video, alpha=step.alpha, mask=mask)
    for kind, picture in (("prev", previous), ("mask", mask), ("comp", result)):
        if picture is not None:
            inputs.keep_extra(kind, frame, picture)
    return result


def _mask(
    data: RenderData, inputs: Inputs, frame: int, step: CompositeStep, previous: Image, video: Image
) -> Mask | None:
    """White where ``previous`` stays in the mix; None for nowhere."""
    anim = data.settings.anim
    kind = anim.hybrid_comp_mask_type
    if kind == "Blend":
        mask = blend_mask(previous, video, step.mask_alpha)
    elif kind == "Difference":
        mask = difference_mask(previous, video)
    elif kind in ("Depth", "Video Depth") and inputs.depth is not None:
        mask = _nearness(inputs, previous if kind == "Depth" else video)
        if kind == "Video Depth":
            inputs.keep_extra("vid_depth", frame, mask)
    else:
        return None
    options = MaskOptions(
        invert=anim.hybrid_comp_mask_inverse,
        equalize=cast(Equalize, anim.hybrid_comp_mask_equalize),
        contrast=step.mask_contrast,
        auto_contrast=anim.hybrid_comp_mask_auto_contrast,
        cutoff_low=step.cutoff_low,
        cutoff_high=step.cutoff_high,
    )
    return shape_mask(mask, options)


def _nearness(inputs: Inputs, picture: Image) -> Mask:
    """Near things white, far things black."""
    assert inputs.depth is not None  # noqa: S101 - for the type checker; the caller has asked
    depth = inputs.depth.predict(picture)
    low, high = float(depth.min()), float(depth.max())
    if inputs.depth.kind == "metric" or high <= low:
        shown = depth_range(depth, inputs.depth.kind)
        low, high = shown.low, shown.high
    return depth_to_grey(depth, low, high)


def redone(flow: FlowEstimator, before: Image, made: Image, factor: float) -> Image:
    """``made``, moved along the optical flow that leads to it from ``before``; H×W×3."""
    return flow_warp(flow.flow(before, made), factor).apply(made, border="reflect101")
