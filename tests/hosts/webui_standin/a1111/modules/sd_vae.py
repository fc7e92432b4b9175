from __future__ import annotations

from . import shared

vae_dict = {
    "vae-ft-mse.safetensors": "models/VAE/vae-ft-mse.safetensors",
    "Anything.vae.pt": "models/VAE/Anything.vae.pt",
}
loaded = []


def reload_vae_weights():
    loaded.append(shared.opts.sd_vae)
