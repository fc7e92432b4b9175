from __future__ import annotations

from .options import OptionInfo

DEFAULTS = {
    "sd_model_checkpoint": "first.safetensors [1111111111]",
    "sd_vae": "Automatic",
    "CLIP_stop_at_last_layers": 1,
    "img2img_fix_steps": False,
    "img2img_color_correction": True,
    "initial_noise_multiplier": 1.0,
    "eta_ddim": 0.0,
    "eta_ancestral": 1.0,
    "overlay_inpaint": False,
    "auto_vae_precision": True,
    "auto_vae_precision_bfloat16": False,
    "enable_pnginfo": True,
    "live_previews_enable": True,
    "outdir_samples": "",
    "outdir_img2img_samples": "outputs/img2img-images",
}


def templates():
    return {key: OptionInfo(default) for key, default in DEFAULTS.items()}
