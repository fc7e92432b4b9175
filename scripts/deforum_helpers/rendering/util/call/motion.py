"""The motion of a frame, from the plan's series to a warp."""

from __future__ import annotations

from ....imaging.camera import motion_2d, perspective_flip
from ....imaging.camera3d import Motion3D, motion_3d
from ....imaging.sampling import Float32
from ....imaging.warp import Homography, Warp
from ....settings import uses
from ...data.render_data import RenderData


def frame_motion(data: RenderData, frame: int, depth: Float32 | None = None) -> Warp:
    """The camera's warp that carries frame ``frame - 1`` to ``frame``, from the values at ``frame``.

    Modes without a camera stand still.

    Args:
        data: the plan.
        frame: where the motion ends.
        depth: distances seen at ``frame - 1``, H×W float32; None for a flat scene, and for 2D.

    Raises:
        InputError: a value no warp can be made of, such as a zoom of 0.
    """
    if not uses.uses_camera(data.settings):
        return Homography.identity()
    if data.settings.anim.animation_mode == "3D":
        camera = motion_3d(camera_motion(data, frame), width=data.width, height=data.height, depth=depth)
        return _flip(data, frame).then(camera) if _flips(data) else camera
    flat = _motion_2d(data, frame)
    return flat.then(_flip(data, frame)) if _flips(data) else flat


def _flips(data: RenderData) -> bool:
    return data.settings.anim.enable_perspective_flip


def _motion_2d(data: RenderData, frame: int) -> Homography:
    number = data.series.number
    return motion_2d(
        width=data.width,
        height=data.height,
        angle=number("angle_series", frame),
        zoom=number("zoom_series", frame),
        translation_x=number("translation_x_series", frame),
        translation_y=number("translation_y_series", frame),
        center_x=number("transform_center_x_series", frame),
        center_y=number("transform_center_y_series", frame),
    )


def camera_motion(data: RenderData, frame: int) -> Motion3D:
    """The 3D camera's motion at ``frame``."""
    number = data.series.number
    own_aspect = data.settings.anim.aspect_ratio_use_old_formula
    return Motion3D(
        translation_x=number("translation_x_series", frame),
        translation_y=number("translation_y_series", frame),
        translation_z=number("translation_z_series", frame),
        rotation_x=number("rotation_3d_x_series", frame),
        rotation_y=number("rotation_3d_y_series", frame),
        rotation_z=number("rotation_3d_z_series", frame),
        fov=number("fov_series", frame),
        aspect_ratio=None if own_aspect else number("aspect_ratio_series", frame),
    )


def _flip(data: RenderData, frame: int) -> Homography:
    number = data.series.number
    return perspective_flip(
        width=data.width,
        height=data.height,
        theta=number("perspective_flip_theta_series", frame),
        phi=number("perspective_flip_phi_series", frame),
        gamma=number("perspective_flip_gamma_series", frame),
        field_of_view=number("perspective_flip_fv_series", frame),
    )
