"""Pictures as arrays: warps, cameras, colour, noise, masks, flow. Pure functions on numpy and OpenCV."""
