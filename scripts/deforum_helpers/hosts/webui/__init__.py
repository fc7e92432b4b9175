"""AUTOMATIC1111, Forge and reForge: diffusing through the web UI, and being an extension of it.

    host → which web UI this is, by what it has                 samplers, infotext → names and texts of any era, pure
    engine → the port Diffuser; weights, borrowed, controlnet, failures are its parts
    control, progress → interrupt, pause and progress bar, both ways
    options → the settings page       vram → room on the GPU for other networks
    registration → what ``scripts/deforum.py`` calls when the web UI starts

Nothing here is imported outside a web UI, and only ``host`` imports the web UI's own packages.
"""
