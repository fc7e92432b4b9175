"""Tools that work on finished videos and pictures: stitching, depth, frame interpolation, upscaling."""
