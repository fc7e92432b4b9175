"""Which picture's colours a render holds on to."""

from __future__ import annotations

from ...imaging.colour import ColourReference
from ...ports import Image
from ...settings import uses
from ..data.inputs import Inputs
from ..data.render_data import RenderData
from ..data.step.key_step import KeyStep

GIVEN_COLOURS = ("Image", "Video Input")
"""Colours that do not come from the pictures made."""


def reference_at(
    data: RenderData, inputs: Inputs, key: KeyStep, reference: ColourReference | None
) -> ColourReference | None:
    """The reference for ``key``: that of the video where its colours count, renewed every so many frames."""
    if data.coherence is None or inputs.video is None or data.settings.anim.color_coherence != "Video Input":
        return reference
    every = max(1, int(data.settings.anim.color_coherence_video_every_N_frames))
    return ColourReference.of(inputs.video.frame(key.index // every * every), data.coherence)


def reference_before(data: RenderData, reference: ColourReference | None, carried: Image) -> ColourReference | None:
    """The reference once ``carried`` is about to be diffused: without one yet, its colours become the reference."""
    if data.coherence is None or reference is not None:
        return reference
    return ColourReference.of(carried, data.coherence)


def reference_after(
    data: RenderData, reference: ColourReference | None, key: KeyStep, picture: Image
) -> ColourReference | None:
    """The reference once ``picture`` was made: the first picture's colours, if it did not start from an init image.

    The colours of a given image or video stay the reference throughout. In the legacy way, every picture that keeps
    nothing of the one before sets it anew.
    """
    settings = data.settings
    if data.coherence is None or settings.anim.color_coherence in GIVEN_COLOURS:
        return reference
    has_init = uses.starts_from_init_image(settings) or uses.starts_from_video(settings)
    renewed = key.index == 0 and not has_init
    if settings.anim.legacy_colormatch:
        renewed = (renewed and settings.run.strength_0_no_init) or (key.index > 0 and key.is_cut)
    return ColourReference.of(picture, data.coherence) if renewed else reference
