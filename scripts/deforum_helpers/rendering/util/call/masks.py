"""Masks of a frame, from expressions and what they name."""

from __future__ import annotations

from functools import lru_cache

from ....imaging.masking import everywhere, none_if_empty, prepare_mask
from ....imaging.masks import MaskExpression, Operand, parse_mask
from ....imaging.opencv import cv
from ....ports import Image, Inpainting, Mask
from ...data.inputs import Inputs
from ...data.render_data import RenderData
from ...data.step.key_step import KeyStep


def frame_mask(data: RenderData, inputs: Inputs, expression: str, frame: int, picture: Image) -> Mask | None:
    """The mask that ``expression`` stands for at ``frame``, inverted if the settings say so.

    Args:
        data: the plan.
        inputs: the masks it may name.
        expression: see ``imaging.masks``; empty for no mask.
        frame: decides the frame of a mask video.
        picture: H×W×3, in which words are looked for.

    Returns:
        H×W uint8, 0 or 255, or None for everywhere: without an expression, and where the mask is black all over.

    Raises:
        ScheduleError: it names a mask that is not there.
    """
    if not expression.strip():
        return None

    def fetch(operand: Operand) -> Mask | None:
        if operand.kind == "words":
            return inputs.words(picture, operand.text) if inputs.words is not None else None
        if operand.kind == "file":
            return inputs.mask_files.get(operand.text)
        return _named(data, inputs, operand.text, frame)

    mask = _parsed(expression).evaluate(fetch)
    return none_if_empty(~mask if data.settings.run.invert_mask else mask)


def _named(data: RenderData, inputs: Inputs, name: str, frame: int) -> Mask | None:
    if name == "video_mask" and inputs.mask_video is not None:
        run = data.settings.run
        grey = cv.cvtColor(inputs.mask_video.frame(frame), cv.COLOR_RGB2GRAY)
        return prepare_mask(
            grey,
            width=data.width,
            height=data.height,
            brightness=run.mask_brightness_adjust,
            contrast=run.mask_contrast_adjust,
        )
    if name == "video_mask" and inputs.mask is not None:
        return inputs.mask
    return everywhere(data.height, data.width) if name in ("everywhere", "video_mask") else None


@lru_cache(maxsize=64)
def _parsed(expression: str) -> MaskExpression:
    return parse_mask(expression, key="mask_schedule")


def inpainting(data: RenderData, inputs: Inputs, key: KeyStep, init_image: Image) -> Inpainting | None:
    """The part of ``init_image`` to diffuse at ``key``; None for all of it."""
    mask = frame_mask(data, inputs, key.mask, key.index, init_image)
    if mask is None:
        return None
    run = data.settings.run
    return Inpainting(
        mask=mask,
        blur=run.mask_overlay_blur,
        fill=run.fill,  # type: ignore[arg-type]  # one of the choices, which are those of the port
        full_res=run.full_res_mask,
        padding=run.full_res_mask_padding,
    )
