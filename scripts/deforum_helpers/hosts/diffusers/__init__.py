"""The diffusers engine: diffusion with the library of that name, without a web UI."""
