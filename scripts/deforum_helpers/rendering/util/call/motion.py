"""The motion of a frame, from the plan's series to a warp."""

from __future__ import annotations

from ....imaging.camera import motion_2d
from ....imaging.warp import Homography
from ...data.render_data import RenderData


def frame_motion(data: RenderData, frame: int) -> Homography:
    """The warp that carries frame ``frame - 1`` to ``frame``, from the values at ``frame``.

    Raises:
        InputError: a value no warp can be made of, such as a zoom of 0.
    """
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
