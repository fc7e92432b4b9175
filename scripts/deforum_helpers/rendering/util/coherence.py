"""Which picture's colours a render holds on to."""

from __future__ import annotations

from ...imaging.colour import ColourReference
from ...ports import Image
from ..data.render_data import RenderData
from ..data.step.key_step import KeyStep


def reference_before(data: RenderData, reference: ColourReference | None, carried: Image) -> ColourReference | None:
    """The reference once ``carried`` is about to be diffused: without one yet, its colours become the reference."""
    if data.coherence is None or reference is not None:
        return reference
    return ColourReference.of(carried, data.coherence)


def reference_after(
    data: RenderData, reference: ColourReference | None, key: KeyStep, picture: Image
) -> ColourReference | None:
    """The reference once ``picture`` was made: the first picture's colours, if it started from nothing.

    The colours of a given image stay the reference throughout. In the legacy way, every picture that keeps nothing of
    the one before sets it anew.
    """
    if data.coherence is None or data.settings.anim.color_coherence == "Image":
        return reference
    run, anim = data.settings.run, data.settings.anim
    from_nothing = key.index == 0 and not run.use_init
    if anim.legacy_colormatch:
        renewed = (from_nothing and run.strength_0_no_init) or (key.index > 0 and key.is_cut)
    else:
        renewed = from_nothing
    return ColourReference.of(picture, data.coherence) if renewed else reference
