"""The 2D camera and the perspective flip: motion of one frame, from schedule values to a warp."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import Finding, InputError
from .warp import Homography


def motion_2d(  # noqa: PLR0913
    *,
    width: int,
    height: int,
    angle: float = 0.0,
    zoom: float = 1.0,
    translation_x: float = 0.0,
    translation_y: float = 0.0,
    center_x: float = 0.5,
    center_y: float = 0.5,
) -> Homography:
    """2D motion ``R · T``: shift first, then rotate and zoom about the centre, so the shift is rotated and zoomed too.

    With α = zoom·cos(angle), β = zoom·sin(angle) and the centre (cx, cy) in pixels,
    ``R = [[α, β, (1-α)·cx - β·cy], [-β, α, β·cx + (1-α)·cy], [0, 0, 1]]`` (OpenCV's ``getRotationMatrix2D``) and T
    shifts by ``(translation_x, translation_y)``.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        angle: degrees, positive turns the content counter-clockwise on screen.
        zoom: factor, above 1 enlarges.
        translation_x: pixels, positive moves the content right.
        translation_y: pixels, positive moves the content down.
        center_x: centre of rotation and zoom, as a fraction of the width.
        center_y: the same, as a fraction of the height.

    Returns:
        The forward map from source to output.

    Raises:
        InputError: zoom is 0, or a value is not finite.
    """
    require_finite(
        angle=angle,
        zoom=zoom,
        translation_x=translation_x,
        translation_y=translation_y,
        transform_center_x=center_x,
        transform_center_y=center_y,
    )
    if zoom == 0:
        raise InputError("A zoom of 0 shrinks the picture to a point.", key="zoom", hint="1 leaves the size as it is.")
    alpha = zoom * math.cos(math.radians(angle))
    beta = zoom * math.sin(math.radians(angle))
    cx, cy = width * center_x, height * center_y
    rotate = np.array(
        [[alpha, beta, (1 - alpha) * cx - beta * cy], [-beta, alpha, beta * cx + (1 - alpha) * cy], [0.0, 0.0, 1.0]]
    )
    shift = np.array([[1.0, 0.0, translation_x], [0.0, 1.0, translation_y], [0.0, 0.0, 1.0]])
    return Homography(rotate @ shift)


def perspective_flip(
    *, width: int, height: int, theta: float = 0.0, phi: float = 0.0, gamma: float = 0.0, field_of_view: float = 53.0
) -> Homography:
    """The picture as a card turned in space and photographed; the identity at zero angles.

    The card lies in the plane z = 0 and is turned by ``Rx(phi)·Ry(gamma)·Rz(theta)``. With d its diagonal and v the
    field of view, the camera stands at distance ``d / (2·sin(v/2))`` and the photograph is ``side = d / cos(v/2)``
    pixels wide, so that a card facing the camera keeps its size. The axes meet in the centre of the photograph, laid
    on the picture from its top left corner: the fixed point is ``(side/2, side/2)``.

    Frame by frame it comes after the 2D motion (``motion_2d(...).then(flip)``) and before the 3D motion.

    Args:
        width: of the picture, pixels.
        height: of the picture, pixels.
        theta: degrees about the viewing axis, positive is clockwise on screen.
        phi: degrees about the horizontal axis.
        gamma: degrees about the vertical axis.
        field_of_view: vertical, degrees, between 0 and 180.

    Returns:
        The forward map from source to output, pixels.

    Raises:
        InputError: the field of view is out of range, an angle is not finite, or the card is seen exactly edge on.
    """
    if not 0 < field_of_view < 180:
        raise InputError(
            f"A field of view of {field_of_view:g} degrees is not between 0 and 180.", key="perspective_flip_fv"
        )
    require_finite(perspective_flip_theta=theta, perspective_flip_phi=phi, perspective_flip_gamma=gamma)
    if theta == phi == gamma == 0:
        return Homography.identity()
    half = math.radians(field_of_view) / 2
    diagonal = math.hypot(width, height)
    side = diagonal / math.cos(half)
    distance = diagonal / (2 * math.sin(half))
    rotation = rotation_xyz(phi, gamma, theta)
    # Card point (x, y) -> camera: turned, then moved away; the last row is the depth to divide by.
    project = np.array([rotation[0, :], rotation[1, :], -rotation[2, :] * math.tan(half)])
    project[:, 2] = 0.0, 0.0, distance * math.tan(half)
    centre = np.array([[1.0, 0.0, -side / 2], [0.0, 1.0, -side / 2], [0.0, 0.0, 1.0]])
    photograph = np.array([[side / 2, 0.0, side / 2], [0.0, side / 2, side / 2], [0.0, 0.0, 1.0]])
    matrix = photograph @ project @ centre
    if abs(np.linalg.det(matrix)) < 1e-9 * distance**3:
        raise InputError("The perspective flip turns the picture edge on, nothing of it is left to see.")
    return Homography(matrix / abs(matrix[2, 2]))


def require_finite(**values: float) -> None:
    """Complain about all values, named by their settings, that are infinite or not a number.

    Raises:
        InputError: there are such.
    """
    findings = [
        Finding("error", f"{value} is not a number to move by.", key, hint="Look for a division by zero.")
        for key, value in values.items()
        if not math.isfinite(value)
    ]
    if findings:
        raise InputError(findings)


def rotation_xyz(x: float, y: float, z: float) -> NDArray[np.float64]:
    """Rotation matrix ``Rx(x)·Ry(y)·Rz(z)``, 3×3, angles in degrees, each right-handed about its axis."""
    (cx, cy, cz), (sx, sy, sz) = ([f(math.radians(angle)) for angle in (x, y, z)] for f in (math.cos, math.sin))
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    about_z = np.array([[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]])
    product: NDArray[np.float64] = about_x @ about_y @ about_z
    return product
