"""Where diffusion happens: one package per engine or web UI."""
