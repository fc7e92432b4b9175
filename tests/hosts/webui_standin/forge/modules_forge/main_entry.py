from __future__ import annotations

from modules import shared

module_list = {
    "ae.safetensors": "models/VAE/ae.safetensors",
    "other.safetensors": "models/VAE/other.safetensors",
    "clip_l.safetensors": "models/text_encoder/clip_l.safetensors",
}
calls = []


def checkpoint_change(ckpt_name, save=True, refresh=True):
    calls.append(("checkpoint", ckpt_name, save))
    shared.opts.data["sd_model_checkpoint"] = ckpt_name
    return True


def modules_change(module_values, save=True, refresh=True):
    calls.append(("modules", list(module_values), save))
    shared.opts.data["forge_additional_modules"] = list(module_values)
    return True
