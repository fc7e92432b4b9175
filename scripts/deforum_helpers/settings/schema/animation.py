"""Settings of the animation: motion, schedules, coherence, depth, video input, hybrid video, key frames."""

from __future__ import annotations

from dataclasses import dataclass

from .setting import choice, flag, integer, number, path, schedule, text, text_schedule

_KEYFRAMES = ("Keyframes",)
_MOTION = ("Keyframes", "Motion")
_NOISE = ("Keyframes", "Noise")
_STRENGTH = ("Keyframes", "Strength")
_COHERENCE = ("Keyframes", "Coherence")
_CFG = ("Keyframes", "CFG")
_STEP = ("Keyframes", "Step")
_DEPTH = ("Keyframes", "Depth Warping & FOV")
_SUBSEED = ("Keyframes", "SubSeed")
_SAMPLER = ("Keyframes", "Sampler")
_CHECKPOINT = ("Keyframes", "Checkpoint")
_ANTI_BLUR = ("Keyframes", "Anti Blur")
_MASKS = ("Prompts", "Composable Mask scheduling")
_RESUME = ("Run", "Batch Mode, Resume and more", "Resume Animation")
_RUN = ("Run",)
_VIDEO = ("Init", "Video Init")
_HYBRID = ("Hybrid Video", "Hybrid Settings")
_HYBRID_SCHEDULES = ("Hybrid Video", "Hybrid Schedules")
_NEO_CORE = ("Neo Core",)

_2D = "animation_mode == '2D'"
_3D = "animation_mode == '3D'"
_2D_3D = "animation_mode in ['2D', '3D']"
_NOT_INTERPOLATION = "animation_mode != 'Interpolation'"
_FLIP = "enable_perspective_flip and animation_mode in ['2D', '3D']"
_CADENCE_FLOW = "animation_mode in ['2D', '3D'] and diffusion_cadence > 1"
# Hybrid video takes part in Video Input, too (the original hides it there, where it has no effect in the original).
_CHAINED = "animation_mode in ['2D', '3D', 'Video Input']"
_COMPOSITE = f"{_CHAINED} and hybrid_composite != 'None'"
_COMPOSITE_MASK = f"{_COMPOSITE} and hybrid_comp_mask_type != 'None'"
_FLOW = f"{_CHAINED} and hybrid_motion == 'Optical Flow'"
_ANCESTRAL = "sampler in ['Euler a', 'DPM++ 2S a', 'DPM2 a', 'DPM2 a Karras', 'DPM++ 2S a Karras']"

FLOW_METHODS = ("RAFT", "DIS Medium", "DIS Fine", "Farneback")


@dataclass(frozen=True)
class DeforumAnimArgs:
    """One field per setting; what each one does is in its help."""

    animation_mode: str = choice(
        "2D",
        ("2D", "3D", "Video Input", "Interpolation"),
        label="Animation mode",
        help="2D moves the picture plane, 3D moves a camera through its depth, Video Input repaints a video, "
        "Interpolation fades between prompts.",
        tab=_KEYFRAMES,
    )
    max_frames: int = integer(
        120,
        label="Max frames",
        help="Number of frames of the video; they are numbered from 0 to this minus 1. All of them are written.",
        tab=_KEYFRAMES,
        visible_when="animation_mode != 'Video Input'",
        least=1,
    )
    border: str = choice(
        "replicate",
        ("replicate", "wrap"),
        label="Border mode",
        help="What fills the area that 2D motion uncovers: the stretched edge, or the opposite side of the picture.",
        tab=_KEYFRAMES,
    )
    angle: str = schedule(
        "0: (0)",
        label="Angle",
        help="2D rotation per frame in degrees; positive turns the picture counter-clockwise.",
        tab=_MOTION,
        visible_when=_2D,
    )
    zoom: str = schedule(
        "0: (1.0025+0.002*sin(1.25*3.14*t/30))",
        label="Zoom",
        help="2D scale factor per frame about the transform centre: 1 holds still, above 1 zooms in.",
        tab=_MOTION,
        visible_when=_2D,
    )
    translation_x: str = schedule(
        "0: (0)",
        label="Translation X",
        help="Sideways motion per frame. 2D: pixels, positive moves the picture right. 3D: camera units, positive "
        "moves the camera right and the picture left.",
        tab=_MOTION,
        visible_when=_2D_3D,
    )
    translation_y: str = schedule(
        "0: (0)",
        label="Translation Y",
        help="Vertical motion per frame, in pixels (2D) or camera units (3D); positive moves the picture down.",
        tab=_MOTION,
        visible_when=_2D_3D,
    )
    translation_z: str = schedule(
        "0: (1.75)",
        label="Translation Z",
        help="Motion of the 3D camera into the picture per frame, in camera units; positive moves forward.",
        tab=_MOTION,
        visible_when=_3D,
    )
    transform_center_x: str = schedule(
        "0: (0.5)",
        label="Transform Center X",
        help="Horizontal centre of 2D rotation and zoom as a fraction of the width: 0 left, 1 right.",
        tab=_MOTION,
        visible_when=_2D,
    )
    transform_center_y: str = schedule(
        "0: (0.5)",
        label="Transform Center Y",
        help="Vertical centre of 2D rotation and zoom as a fraction of the height: 0 top, 1 bottom.",
        tab=_MOTION,
        visible_when=_2D,
    )
    rotation_3d_x: str = schedule(
        "0: (0)",
        label="Rotation 3D X",
        help="Tilt of the 3D camera per frame in degrees; positive tilts it up, so the picture moves down.",
        tab=_MOTION,
        visible_when=_3D,
    )
    rotation_3d_y: str = schedule(
        "0: (0)",
        label="Rotation 3D Y",
        help="Pan of the 3D camera per frame in degrees; positive pans it right, so the picture moves left.",
        tab=_MOTION,
        visible_when=_3D,
    )
    rotation_3d_z: str = schedule(
        "0: (0)",
        label="Rotation 3D Z",
        help="Roll of the 3D camera per frame in degrees; positive turns the picture counter-clockwise.",
        tab=_MOTION,
        visible_when=_3D,
    )
    enable_perspective_flip: bool = flag(
        False,
        label="Enable perspective flip",
        help="Also tilts the picture plane in space by the four perspective flip schedules, before all other motion.",
        tab=_MOTION,
        visible_when=_2D_3D,
    )
    perspective_flip_theta: str = schedule(
        "0: (0)",
        label="Perspective flip theta",
        help="Turn of the tilted plane about the viewing axis per frame, degrees.",
        tab=_MOTION,
        visible_when=_FLIP,
    )
    perspective_flip_phi: str = schedule(
        "0: (0)",
        label="Perspective flip phi",
        help="Tilt of the plane about its horizontal axis per frame, degrees.",
        tab=_MOTION,
        visible_when=_FLIP,
    )
    perspective_flip_gamma: str = schedule(
        "0: (0)",
        label="Perspective flip gamma",
        help="Tilt of the plane about its vertical axis per frame, degrees.",
        tab=_MOTION,
        visible_when=_FLIP,
    )
    perspective_flip_fv: str = schedule(
        "0: (53)",
        label="Perspective flip fv",
        help="Vertical field of view of the perspective flip in degrees, between 0 and 180; larger exaggerates.",
        tab=_MOTION,
        visible_when=_FLIP,
    )
    noise_schedule: str = schedule(
        "0: (0.065)",
        label="Noise schedule",
        help="How much noise is blended into the picture before it is diffused, 0 to 1. A little brings new detail.",
        tab=_NOISE,
        visible_when=_NOT_INTERPOLATION,
    )
    strength_schedule: str = schedule(
        "0: (0.65)",
        label="Strength schedule",
        help="How much of the previous picture stays in a diffused frame, 0 to 1; the rest is repainted. 0 is a cut.",
        tab=_STRENGTH,
    )
    contrast_schedule: str = schedule(
        "0: (1.0)",
        label="Contrast schedule",
        help="Factor applied to all pixel values before diffusion: 1 changes nothing, results above 255 are clipped.",
        tab=_COHERENCE,
    )
    cfg_scale_schedule: str = schedule(
        "0: (7)",
        label="CFG scale schedule",
        help="How closely diffusion follows the prompt, by frame.",
        tab=_CFG,
    )
    enable_steps_scheduling: bool = flag(
        False,
        label="Enable steps scheduling",
        help="Takes the number of steps from the steps schedule instead of the run's steps.",
        tab=_STEP,
    )
    steps_schedule: str = schedule(
        "0: (25)",
        label="Steps schedule",
        help="Sampling steps by frame; fractions are cut off.",
        tab=_STEP,
    )
    fov_schedule: str = schedule(
        "0: (70)",
        label="FOV schedule",
        help="Field of view of the 3D camera in degrees, between 0 and 180. Smaller values make motion look stronger.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    aspect_ratio_schedule: str = schedule(
        "0: (1)",
        label="Aspect Ratio schedule",
        help="Ratio of horizontal to vertical field of view of the 3D camera.",
        tab=_DEPTH,
        visible_when=_3D + " and not aspect_ratio_use_old_formula",
    )
    aspect_ratio_use_old_formula: bool = flag(
        False,
        label="Use old aspect ratio formula",
        help="Uses width / height in place of the aspect ratio schedule, as early versions did.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    near_schedule: str = schedule(
        "0: (200)",
        label="Near schedule",
        help="Near plane of the 3D camera. It has no visible effect and is kept for compatibility.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    far_schedule: str = schedule(
        "0: (10000)",
        label="Far schedule",
        help="Far plane of the 3D camera. It has no visible effect and is kept for compatibility.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    seed_schedule: str = schedule(
        '0:(s), 1:(-1), "max_f-2":(-1), "max_f-1":(s)',
        label="Seed schedule",
        help="Seed by frame, used with seed behavior schedule; s is the start seed, -1 draws one at random.",
        tab=("Keyframes", "Seed"),
        visible_when="seed_behavior == 'schedule'",
    )
    pix2pix_img_cfg_scale_schedule: str = schedule(
        "0:(1.5)",
        label="Pix2Pix img CFG schedule",
        help="How closely an instruct-pix2pix model keeps to the previous picture. Other models ignore it.",
        tab=("Run", "Batch Mode, Resume and more"),
    )
    enable_subseed_scheduling: bool = flag(
        False,
        label="Enable Subseed scheduling",
        help="Mixes a second seed into the noise, by the two subseed schedules.",
        tab=_SUBSEED,
    )
    subseed_schedule: str = schedule(
        "0: (1)",
        label="Subseed schedule",
        help="The second seed by frame; -1 draws one at random.",
        tab=_SUBSEED,
    )
    subseed_strength_schedule: str = schedule(
        "0: (0)",
        label="Subseed strength schedule",
        help="Share of the second seed in the noise, 0 to 1.",
        tab=_SUBSEED,
    )
    enable_sampler_scheduling: bool = flag(
        False,
        label="Enable sampler scheduling",
        help="Takes the sampler from the sampler schedule instead of the run's sampler.",
        tab=_SAMPLER,
    )
    sampler_schedule: str = text_schedule(
        '0: ("Euler a")',
        label="Sampler schedule",
        help="Sampler by frame, each name in quotes.",
        tab=_SAMPLER,
    )
    use_noise_mask: bool = flag(
        False,
        label="Use noise mask",
        help="Adds noise only inside the area that the noise mask schedule names.",
        tab=_MASKS,
    )
    mask_schedule: str = text_schedule(
        '0: ("{video_mask}")',
        label="Mask schedule",
        help="Expression of the diffused area by frame: {video_mask}, {everywhere}, [file] and <words>, joined by "
        "! & ^ \\ | and parentheses. Read with Use mask (Init › Mask Init) or Use mask video (Init › Video Init).",
        tab=_MASKS,
    )
    noise_mask_schedule: str = text_schedule(
        '0: ("{video_mask}")',
        label="Noise mask schedule",
        help="Expression of the area that receives noise, written like the mask schedule. Read with Use noise mask.",
        tab=_MASKS,
    )
    enable_checkpoint_scheduling: bool = flag(
        False,
        label="Enable checkpoint scheduling",
        help="Changes the model during the run, by the checkpoint schedule.",
        tab=_CHECKPOINT,
    )
    checkpoint_schedule: str = text_schedule(
        '0: ("model1.ckpt"), 100: ("model2.safetensors")',
        label="Checkpoint schedule",
        help="Model file by frame, each name in quotes as the web UI lists it.",
        tab=_CHECKPOINT,
    )
    enable_clipskip_scheduling: bool = flag(
        False,
        label="Enable CLIP skip scheduling",
        help="Takes CLIP skip from its schedule instead of the web UI's setting.",
        tab=_CFG,
    )
    clipskip_schedule: str = schedule(
        "0: (2)",
        label="CLIP skip schedule",
        help="At which layer from the end the text encoder stops, by frame: 1 uses all layers. Fractions are cut off.",
        tab=_CFG,
    )
    enable_noise_multiplier_scheduling: bool = flag(
        True,
        label="Enable noise multiplier scheduling",
        help="Takes the engine's initial noise multiplier from its schedule.",
        tab=_NOISE,
        visible_when=_NOT_INTERPOLATION,
    )
    noise_multiplier_schedule: str = schedule(
        "0: (1.05)",
        label="Noise multiplier schedule",
        help="Factor on the engine's own starting noise by frame: 1 is normal, a little more gives more detail.",
        tab=_NOISE,
        visible_when=_NOT_INTERPOLATION,
    )
    resume_from_timestring: bool = flag(
        False,
        label="Resume from timestring",
        help="Goes on with an interrupted run instead of starting a new one.",
        tab=_RESUME,
    )
    resume_timestring: str = text(
        "20230129210106",
        label="Resume timestring",
        help="The 14 digits that the file names of the interrupted run begin with.",
        tab=_RESUME,
    )
    enable_ddim_eta_scheduling: bool = flag(
        False,
        label="Enable DDIM ETA scheduling",
        help="Takes the eta of the DDIM sampler from its schedule.",
        tab=_RUN,
        visible_when="sampler == 'DDIM'",
    )
    ddim_eta_schedule: str = schedule(
        "0: (0)",
        label="DDIM ETA Schedule",
        help="Noise that DDIM adds at each step, 0 for none to 1, by frame.",
        tab=_RUN,
        visible_when="enable_ddim_eta_scheduling and sampler == 'DDIM'",
    )
    enable_ancestral_eta_scheduling: bool = flag(
        False,
        label="Enable Ancestral ETA scheduling",
        help="Takes the eta of ancestral samplers from its schedule.",
        tab=_RUN,
        visible_when=_ANCESTRAL,
    )
    ancestral_eta_schedule: str = schedule(
        "0: (1)",
        label="Ancestral ETA Schedule",
        help="Noise that ancestral samplers add at each step, 0 for none to 1, by frame.",
        tab=_RUN,
        visible_when=f"enable_ancestral_eta_scheduling and {_ANCESTRAL}",
    )
    amount_schedule: str = schedule(
        "0: (0.1)",
        label="Amount schedule",
        help="How strongly the picture is sharpened before diffusion, against the blur of repeated warps. 0 is off.",
        tab=_ANTI_BLUR,
    )
    kernel_schedule: str = schedule(
        "0: (5)",
        label="Kernel schedule",
        help="Size of the sharpening kernel in pixels; odd numbers, fractions are cut off.",
        tab=_ANTI_BLUR,
    )
    sigma_schedule: str = schedule(
        "0: (1)",
        label="Sigma schedule",
        help="Radius in pixels of the blur that sharpening works against.",
        tab=_ANTI_BLUR,
    )
    threshold_schedule: str = schedule(
        "0: (0)",
        label="Threshold schedule",
        help="Differences below this many of 255 levels are not sharpened, so that grain is left alone.",
        tab=_ANTI_BLUR,
    )
    color_coherence: str = choice(
        "LAB",
        ("None", "HSV", "LAB", "RGB", "Video Input", "Image"),
        widget="Dropdown",
        label="Color coherence",
        help="Keeps the colours from drifting: matches each frame to the first one in the named colour space, to the "
        "input video, or to a picture.",
        tab=_COHERENCE,
    )
    color_coherence_image_path: str = path(
        label="Color coherence image path",
        help="Path or URL of the picture whose colours the frames are matched to.",
        tab=_COHERENCE,
        visible_when="color_coherence == 'Image'",
    )
    color_coherence_video_every_N_frames: int = integer(  # noqa: N815 - the name in settings files
        1,
        label="Color coherence video every N frames",
        help="Every how many frames a new colour reference is taken from the input video.",
        tab=_COHERENCE,
        visible_when="color_coherence == 'Video Input'",
        least=1,
    )
    color_force_grayscale: bool = flag(
        False,
        label="Color force Grayscale",
        help="Turns every frame to shades of grey.",
        tab=_COHERENCE,
        visible_when=_NOT_INTERPOLATION,
    )
    legacy_colormatch: bool = flag(
        False,
        label="Legacy colormatch",
        help="Matches colours only before diffusion, as versions up to 2022 did, and not after it as well.",
        tab=_COHERENCE,
    )
    diffusion_cadence: int = integer(
        2,
        label="Cadence",
        help="Every how many frames one is diffused; the frames between are warped and blended. 1 diffuses all.",
        tab=_KEYFRAMES,
        visible_when=_2D_3D,
        minimum=1,
        maximum=50,
        step=1,
        least=1,
    )
    optical_flow_cadence: str = choice(
        "None",
        ("None", *FLOW_METHODS),
        widget="Dropdown",
        label="Optical flow cadence",
        help="Method that finds what the planned motion does not explain between two diffused frames, and moves the "
        "frames between along it.",
        tab=_COHERENCE,
        visible_when=_CADENCE_FLOW,
    )
    cadence_flow_factor_schedule: str = schedule(
        "0: (1)",
        label="Cadence flow factor schedule",
        help="How far frames between key frames follow the flow that was found: 0 not at all, 1 fully.",
        tab=_COHERENCE,
        visible_when=f"{_CADENCE_FLOW} and optical_flow_cadence != 'None'",
    )
    optical_flow_redo_generation: str = choice(
        "None",
        ("None", *FLOW_METHODS),
        widget="Dropdown",
        label="Optical flow generation",
        help="Diffuses each frame once as a trial, warps it back onto the previous frame by this flow method and "
        "diffuses that. Doubles the time.",
        tab=_COHERENCE,
        visible_when=_2D_3D,
    )
    redo_flow_factor_schedule: str = schedule(
        "0: (1)",
        label="Generation flow factor schedule",
        help="How far the trial frame is moved along its flow: 0 not at all, 1 fully.",
        tab=_COHERENCE,
        visible_when=f"{_2D_3D} and optical_flow_redo_generation != 'None'",
    )
    diffusion_redo: int = integer(
        0,
        label="Redo generation",
        help="How many extra trial diffusions, each with another seed, a frame goes through first. 0 for none.",
        tab=_COHERENCE,
        visible_when=_2D_3D,
        minimum=0,
        maximum=50,
        step=1,
        least=0,
        saved_as="text",
    )
    noise_type: str = choice(
        "perlin",
        ("uniform", "perlin"),
        label="Noise type",
        help="Even noise, or noise that comes in soft patches of several sizes.",
        tab=_NOISE,
        visible_when=_NOT_INTERPOLATION,
    )
    perlin_w: float = number(
        8,
        label="Perlin W",
        help="Patches of Perlin noise along the height of the frame; the fraction is cut off. Not on display.",
        tab=_NOISE,
        visible_when="False",
        minimum=0.1,
        maximum=16,
        step=0.1,
        least=0.1,
        saved=False,
    )
    perlin_h: float = number(
        8,
        label="Perlin H",
        help="Patches of Perlin noise along the width of the frame; the fraction is cut off. Not on display.",
        tab=_NOISE,
        visible_when="False",
        minimum=0.1,
        maximum=16,
        step=0.1,
        least=0.1,
        saved=False,
    )
    perlin_octaves: int = integer(
        4,
        label="Perlin octaves",
        help="How many sizes of patches are added up, each half as large as the one before.",
        tab=_NOISE,
        visible_when=f"noise_type == 'perlin' and {_NOT_INTERPOLATION}",
        minimum=1,
        maximum=7,
        step=1,
        least=1,
    )
    perlin_persistence: float = number(
        0.5,
        label="Perlin persistence",
        help="Weight of each smaller patch size relative to the one before, 0 to 1: larger is grainier.",
        tab=_NOISE,
        visible_when=f"noise_type == 'perlin' and {_NOT_INTERPOLATION}",
        minimum=0,
        maximum=1,
        step=0.02,
    )
    use_depth_warping: bool = flag(
        True,
        label="Use depth warping",
        help="Estimates how far away things are, so that near things move more. Off: the picture is a flat plane.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    depth_algorithm: str = choice(
        "Midas-3-Hybrid",
        ("Midas+AdaBins (old)", "Zoe+AdaBins (old)", "Midas-3-Hybrid", "AdaBins", "Zoe", "Leres"),
        widget="Dropdown",
        open_choices=True,
        label="Depth Algorithm",
        help="Network that estimates depth. The ones marked old follow an earlier formula.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    midas_weight: float = number(
        0.2,
        label="MiDaS/Zoe weight",
        help="Share of the first network in the two old depth algorithms; the rest is AdaBins. 1 uses the first alone.",
        tab=_DEPTH,
        visible_when=f"{_3D} and depth_algorithm in ['Midas+AdaBins (old)', 'Zoe+AdaBins (old)']",
    )
    padding_mode: str = choice(
        "border",
        ("border", "reflection", "zeros"),
        label="Padding mode",
        help="What fills the area that 3D motion uncovers: the stretched edge, a mirror image, or black.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    sampling_mode: str = choice(
        "bicubic",
        ("bicubic", "bilinear", "nearest"),
        label="Sampling mode",
        help="How pixels are interpolated in 3D motion: bicubic is the sharpest, nearest the roughest.",
        tab=_DEPTH,
        visible_when=_3D,
    )
    save_depth_maps: bool = flag(
        False,
        label="Save 3D depth maps",
        help="Also writes the estimated depth of each frame as a grey picture.",
        tab=("Output", "Video Output Settings"),
    )
    video_init_path: str = path(
        label="Video init path/ URL",
        help="Path or URL of the video for Video Input mode, hybrid video and the init video's soundtrack.",
        tab=_VIDEO,
    )
    extract_nth_frame: int = integer(
        1,
        label="Extract nth frame",
        help="Uses every nth frame of the input video: 1 uses all, 2 every other.",
        tab=_VIDEO,
    )
    extract_from_frame: int = integer(
        0,
        label="Extract from frame",
        help="First frame of the input video to use, counted from 0.",
        tab=_VIDEO,
        least=0,
    )
    extract_to_frame: int = integer(
        -1,
        label="Extract to frame",
        help="Last frame of the input video to use; -1 for its end.",
        tab=_VIDEO,
        least=-1,
    )
    overwrite_extracted_frames: bool = flag(
        False,
        label="Overwrite extracted frames",
        help="Extracts the input video again even if its frames are there from an earlier run.",
        tab=_VIDEO,
    )
    use_mask_video: bool = flag(
        False,
        label="Use mask video",
        help="Takes the mask of each frame from a video.",
        tab=_VIDEO,
    )
    video_mask_path: str = path(
        label="Video mask path",
        help="Path or URL of the mask video: white is repainted, black is kept.",
        tab=_VIDEO,
    )
    hybrid_comp_alpha_schedule: str = schedule(
        "0:(0.5)",
        label="Comp alpha schedule",
        help="Weight of the composite in the frame, 0 to 1: 1 shows the composite alone.",
        tab=_HYBRID_SCHEDULES,
        visible_when=_COMPOSITE,
    )
    hybrid_comp_mask_blend_alpha_schedule: str = schedule(
        "0:(0.5)",
        label="Comp mask blend alpha schedule",
        help="For mask type Blend: weight of the video against the frame when the mask is mixed from both, 0 to 1.",
        tab=_HYBRID_SCHEDULES,
        visible_when=f"{_COMPOSITE} and hybrid_comp_mask_type == 'Blend'",
    )
    hybrid_comp_mask_contrast_schedule: str = schedule(
        "0:(1)",
        label="Comp mask contrast schedule",
        help="Contrast factor of the composite mask: 1 changes nothing, 0 makes it flat grey.",
        tab=_HYBRID_SCHEDULES,
        visible_when=_COMPOSITE_MASK,
    )
    hybrid_comp_mask_auto_contrast_cutoff_high_schedule: str = schedule(
        "0:(100)",
        label="Comp mask auto contrast cutoff high schedule",
        help="Percentile of the mask, 0 to 100, that auto contrast maps to white; fractions are cut off.",
        tab=_HYBRID_SCHEDULES,
        visible_when=f"{_COMPOSITE_MASK} and hybrid_comp_mask_auto_contrast",
    )
    hybrid_comp_mask_auto_contrast_cutoff_low_schedule: str = schedule(
        "0:(0)",
        label="Comp mask auto contrast cutoff low schedule",
        help="Percentile of the mask, 0 to 100, that auto contrast maps to black; fractions are cut off.",
        tab=_HYBRID_SCHEDULES,
        visible_when=f"{_COMPOSITE_MASK} and hybrid_comp_mask_auto_contrast",
    )
    hybrid_flow_factor_schedule: str = schedule(
        "0:(1)",
        label="Flow factor schedule",
        help="How far frames are moved along the optical flow of the video: 0 not at all, 1 fully, more exaggerates.",
        tab=_HYBRID_SCHEDULES,
        visible_when=_FLOW,
    )
    hybrid_generate_inputframes: bool = flag(
        False,
        label="Generate inputframes",
        help="Extracts the frames of the init video for hybrid video. Max frames follows their number.",
        tab=_HYBRID,
        visible_when=_CHAINED,
    )
    hybrid_generate_human_masks: str = choice(
        "None",
        ("None", "PNGs", "Video", "Both"),
        label="Generate human masks",
        help="Cuts people out of the input video and writes the masks as pictures, as a video, or as both.",
        tab=("Hybrid Video", "Humans Masking"),
        visible_when=_COMPOSITE,
    )
    hybrid_use_first_frame_as_init_image: bool = flag(
        True,
        label="First frame as init image",
        help="Starts the animation from the first frame of the hybrid video.",
        tab=_HYBRID,
        visible_when=f"{_2D_3D} and hybrid_composite != 'None'",
    )
    hybrid_motion: str = choice(
        "None",
        ("None", "Optical Flow", "Perspective", "Affine"),
        label="Hybrid motion",
        help="Moves the frames as the video moves: pixel by pixel, as a tilted plane, or by shift, turn and zoom.",
        tab=_HYBRID,
        visible_when=_CHAINED,
    )
    hybrid_motion_use_prev_img: bool = flag(
        False,
        label="Motion use prev img",
        help="Measures the motion from the previous animation frame to the video frame instead of within the video.",
        tab=_HYBRID,
        visible_when=f"{_CHAINED} and hybrid_motion != 'None'",
    )
    hybrid_flow_consistency: bool = flag(
        False,
        label="Flow consistency mask",
        help="Ignores optical flow where its forward and backward directions contradict each other.",
        tab=_HYBRID,
        visible_when=_FLOW,
    )
    hybrid_consistency_blur: int = integer(
        2,
        label="Consistency mask blur",
        help="Blur radius in pixels of the flow consistency mask, 0 for none.",
        tab=_HYBRID,
        visible_when=f"{_FLOW} and hybrid_flow_consistency",
        minimum=0,
        maximum=16,
        step=1,
        least=0,
    )
    hybrid_flow_method: str = choice(
        "RAFT",
        FLOW_METHODS,
        label="Flow method",
        help="Method that finds the optical flow of the video. RAFT is a network; the others need none.",
        tab=_HYBRID,
        visible_when=_FLOW,
    )
    hybrid_composite: str = choice(
        "None",
        ("None", "Normal", "Before Motion", "After Generation"),
        label="Hybrid composite",
        help="Blends the video's frames into the animation: after the motion, before it, or after diffusion.",
        tab=_HYBRID,
        visible_when=_CHAINED,
        elem_id="hybrid_composite",
    )
    hybrid_use_init_image: bool = flag(
        False,
        label="Use init image as video",
        help="Uses the init image in place of a video, as if it stood still.",
        tab=_HYBRID,
        visible_when=_CHAINED,
    )
    hybrid_comp_mask_type: str = choice(
        "None",
        ("None", "Depth", "Video Depth", "Blend", "Difference"),
        label="Comp mask type",
        help="Where the composite shows the frame and where the video: by depth of either, by their mix, or by their "
        "difference.",
        tab=_HYBRID,
        visible_when=_COMPOSITE,
    )
    hybrid_comp_mask_inverse: bool = flag(
        False,
        label="Comp mask inverse",
        help="Swaps black and white of the composite mask.",
        tab=_HYBRID,
        visible_when=_COMPOSITE_MASK,
    )
    hybrid_comp_mask_equalize: str = choice(
        "None",
        ("None", "Before", "After", "Both"),
        label="Comp mask equalize",
        help="Spreads the greys of the composite mask evenly: before auto contrast, after it, or both.",
        tab=_HYBRID,
        visible_when=_COMPOSITE_MASK,
    )
    hybrid_comp_mask_auto_contrast: bool = flag(
        False,
        label="Comp mask auto contrast",
        help="Stretches the greys of the composite mask between the two cutoff percentiles to full contrast.",
        tab=_HYBRID,
        visible_when=_COMPOSITE_MASK,
    )
    hybrid_comp_save_extra_frames: bool = flag(
        False,
        label="Comp save extra frames",
        help="Also writes masks, composites and flows as pictures, to look at what hybrid video does.",
        tab=_HYBRID,
        visible_when=_CHAINED,
    )
    neocore_key_index_distribution: str = choice(
        "Parseq Only",
        ("Parseq Only", "Uniform with Parseq", "Uniform Spacing", "Random Spacing", "Random Placement"),
        widget="Dropdown",
        label="Select Key Index Distribution:",
        help="Which frames are diffused: those in the Parseq manifest, a uniform grid bent to hold them, the grid "
        "alone, a jittered grid, or random ones. Parseq key frames are always among them.",
        tab=_NEO_CORE,
    )
    neocore_tween_alignment: str = choice(
        "Exact",
        ("Exact", "Classic"),
        label="Tween alignment",
        help="Exact shows each diffused picture at its own frame. Classic fades it in over the following frames, as "
        "cadence did before.",
        tab=_NEO_CORE,
    )
