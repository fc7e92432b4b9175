"""Settings of a run: picture size, seed, sampler, init image and mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .samplers import OTHER_SAMPLERS, OTHER_SCHEDULERS, SAMPLERS, SCHEDULERS
from .setting import choice, flag, integer, number, path, text, widget_object

_RUN = ("Run",)
_SEED = ("Keyframes", "Seed")
_SUBSEED = ("Keyframes", "SubSeed")
_COHERENCE = ("Keyframes", "Coherence")
_IMAGE = ("Init", "Image Init")
_MASK = ("Init", "Mask Init")

FILLS = ("fill", "original", "latent noise", "latent nothing")


@dataclass(frozen=True)
class DeforumArgs:
    """One field per setting; what each one does is in its help."""

    W: int = integer(
        512,
        label="Width",
        help="Width of the frames in pixels. Engines round it down to a multiple of 8.",
        tab=_RUN,
        minimum=64,
        maximum=2048,
        step=64,
        least=8,
    )
    H: int = integer(
        512,
        label="Height",
        help="Height of the frames in pixels. Engines round it down to a multiple of 8.",
        tab=_RUN,
        minimum=64,
        maximum=2048,
        step=64,
        least=8,
    )
    show_info_on_ui: bool = flag(
        True,
        label="Show more info",
        help="Shows explanations between the widgets. No effect on the video.",
    )
    tiling: bool = flag(
        False,
        label="Tiling",
        help="Asks the engine for pictures whose opposite edges match, so that copies tile seamlessly.",
        tab=_RUN,
    )
    restore_faces: bool = flag(
        False,
        label="Restore faces",
        help="Runs the web UI's face restoration over every diffused frame.",
        tab=_RUN,
    )
    seed_resize_from_w: int = integer(
        0,
        label="Resize seed from width",
        help="Width in pixels that the noise is made for, so that a seed found at that width keeps its composition. "
        "0 switches it off.",
        tab=_SUBSEED,
        minimum=0,
        maximum=2048,
        step=64,
        least=0,
    )
    seed_resize_from_h: int = integer(
        0,
        label="Resize seed from height",
        help="Height in pixels that the noise is made for; the counterpart of the width. 0 switches it off.",
        tab=_SUBSEED,
        minimum=0,
        maximum=2048,
        step=64,
        least=0,
    )
    seed: int = integer(
        -1,
        label="Seed",
        help="Seed of the first diffused frame. -1 draws one at random and records it in the run's settings file.",
        tab=_RUN,
        least=-1,
        most=2**32 - 1,
    )
    sampler: str = choice(
        "Euler a",
        SAMPLERS,
        others=OTHER_SAMPLERS,
        widget="Dropdown",
        open_choices=True,
        label="Sampler",
        help="Sampling method of the diffusion, by its name in the web UI.",
        tab=_RUN,
    )
    scheduler: str = choice(
        "Automatic",
        SCHEDULERS,
        others=OTHER_SCHEDULERS,
        widget="Dropdown",
        open_choices=True,
        label="Scheduler",
        help="How noise levels are spread over the steps. Automatic takes what suits the sampler.",
        tab=_RUN,
    )
    steps: int = integer(
        25,
        label="Steps",
        help="Sampling steps of a full diffusion. A frame with strength s runs about (1 - s) times as many.",
        tab=_RUN,
        minimum=1,
        maximum=200,
        step=1,
        least=1,
    )
    batch_name: str = text(
        "Deforum_{timestring}",
        label="Batch name",
        help="Name of the output folder. {timestring} and the name of any setting in braces are filled in.",
        tab=_RUN,
    )
    seed_behavior: str = choice(
        "iter",
        ("iter", "fixed", "random", "ladder", "alternate", "schedule"),
        label="Seed behavior",
        help="How the seed, whose first number is on Run, goes on from one diffused frame to the next: iter counts "
        "up, ladder goes +2 -1, alternate "
        "+1 -1, schedule reads the seed schedule.",
        tab=_SEED,
    )
    seed_iter_N: int = integer(  # noqa: N815 - the name in settings files
        1,
        label="Seed iter N",
        help="With seed behavior iter: for how many diffused frames a seed is kept before it counts up.",
        tab=_SEED,
        visible_when="seed_behavior == 'iter'",
        least=1,
    )
    use_init: bool = flag(
        False,
        label="Use init",
        help="Starts the first frame from the init image instead of from pure noise.",
        tab=_IMAGE,
    )
    strength: float = number(
        0.8,
        label="Strength",
        help="How much of the init image stays in the first frame, 0 to 1. Later frames follow the strength schedule.",
        tab=_IMAGE,
        minimum=0,
        maximum=1,
        step=0.01,
    )
    strength_0_no_init: bool = flag(
        True,
        label="Strength 0 no init",
        help="Sets strength to 0 when no init image is used, so that the first frame is made from the prompt alone.",
        tab=_IMAGE,
    )
    init_image: str = path(
        label="Init image URL",
        help="Path or URL of the picture the first frame starts from. Used with Use init.",
        tab=_IMAGE,
    )
    init_image_box: Any = widget_object(  # noqa: RUF009 - declares a field
        "Image",
        label="Init image box",
        help="Picture dropped into the page; it takes the place of the init image path. Never saved.",
        tab=_IMAGE,
    )
    use_mask: bool = flag(
        False,
        label="Use mask",
        help="Restricts diffusion to the masked area, by the mask schedule (Prompts › Composable Mask scheduling).",
        tab=_MASK,
    )
    use_alpha_as_mask: bool = flag(
        False,
        label="Use alpha as mask",
        help="Takes the alpha channel of the init image as the mask, in place of the mask file.",
        tab=_MASK,
    )
    mask_file: str = path(
        label="Mask file",
        help="Path or URL of a grey picture: white is repainted, black is kept.",
        tab=_MASK,
    )
    invert_mask: bool = flag(
        False,
        label="Invert mask",
        help="Swaps the repainted and the kept area of the mask.",
        tab=_MASK,
    )
    mask_contrast_adjust: float = number(
        1.0,
        label="Mask contrast adjust",
        help="Contrast factor of the mask picture: 1 changes nothing, larger values harden its edges.",
        tab=_MASK,
        least=0,
    )
    mask_brightness_adjust: float = number(
        1.0,
        label="Mask brightness adjust",
        help="Brightness factor of the mask picture: 1 changes nothing, below 1 shrinks the repainted area.",
        tab=_MASK,
        least=0,
    )
    overlay_mask: bool = flag(
        True,
        label="Overlay mask",
        help="Pastes the original picture back over the area outside the mask after each diffusion.",
        tab=_MASK,
    )
    mask_overlay_blur: int = integer(
        4,
        label="Mask overlay blur",
        help="Blur radius of the mask's edge in pixels, 0 for a hard edge.",
        tab=_MASK,
        minimum=0,
        maximum=64,
        step=1,
        least=0,
    )
    fill: str = choice(
        "original",
        FILLS,
        label="Mask fill",
        help="What the repainted area holds before diffusion: smeared surroundings, the picture itself, noise, or "
        "nothing in latent space.",
        tab=_MASK,
        saved_as="index",
    )
    full_res_mask: bool = flag(
        True,
        label="Full res mask",
        help="Diffuses only the masked area, enlarged to the full frame size, and scales the result back.",
        tab=_MASK,
    )
    full_res_mask_padding: int = integer(
        4,
        label="Full res mask padding",
        help="Pixels of surroundings that Full res mask adds around the masked area.",
        tab=_MASK,
        minimum=0,
        maximum=512,
        step=1,
        least=0,
    )
    reroll_blank_frames: str = choice(
        "ignore",
        ("reroll", "interrupt", "ignore"),
        label="Reroll blank frames",
        help="What happens when the engine returns a black picture: try again with other seeds, stop, or go on.",
        tab=_COHERENCE,
    )
    reroll_patience: float = number(
        10,
        label="Reroll patience",
        help="How many seeds are tried for a blank frame before the run stops.",
        tab=_COHERENCE,
        least=0,
    )
    motion_preview_mode: bool = flag(
        False,
        label="Motion preview mode (dry run).",
        help="Renders the motion without diffusion, from simple placeholder pictures: quick, and without a model.",
        tab=_RUN,
    )
