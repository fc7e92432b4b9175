"""The motion of every frame, in 3D through the scene that the last diffused picture shows."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from threading import Lock

from ...imaging.camera3d import depth_after
from ...imaging.depth_maps import camera_depth
from ...imaging.sampling import Float32
from ...imaging.warp import Warp
from ...ports import DepthEstimator, Image
from ..data.render_data import RenderData
from .call.motion import camera_motion, frame_motion


class Motions:
    """M_f for every frame f. Safe to use from many threads.

    With an estimator, depth is predicted once per diffused picture and moved on with the camera, so the motions between
    a key frame and the next one follow from the picture of the first.

    Args:
        data: the plan.
        estimator: None for a flat scene, and for 2D.
    """

    def __init__(self, data: RenderData, estimator: DepthEstimator | None = None) -> None:
        self._data = data
        self._estimator = estimator
        self._key_frames = data.key_frames
        self._lock = Lock()
        self._scenes: dict[int, _Scene] = {}

    @property
    def known_ahead(self) -> bool:
        """Whether no picture decides the motion."""
        return self._estimator is None

    def see(self, position: int, picture: Image) -> None:
        """Look at the picture of the key step at ``position``; needed for the motions after it."""
        if self._estimator is None:
            return
        algorithm = self._data.settings.anim.depth_algorithm
        depth = camera_depth(self._estimator.predict(picture), self._estimator.kind, algorithm)
        with self._lock:
            self._scenes[position] = _Scene(self._key_frames[position], depth)

    def at(self, frame: int) -> Warp:
        """The warp that carries frame ``frame - 1`` to ``frame``.

        Raises:
            KeyError: the picture of the key frame before has not been seen.
        """
        if self._estimator is None:
            return frame_motion(self._data, frame)
        position = bisect_left(self._key_frames, frame) - 1
        with self._lock:
            scene = self._scenes[position]
            while scene.frame < frame:
                self._go_on(scene)
            return scene.warps[frame]

    def forget_before(self, position: int, frame: int) -> None:
        """Drop what was seen before the key step at ``position``, and the motions before ``frame``."""
        with self._lock:
            for other in [p for p in self._scenes if p < position]:
                del self._scenes[other]
            for scene in self._scenes.values():
                for passed in [f for f in scene.warps if f < frame]:
                    del scene.warps[passed]

    def _go_on(self, scene: _Scene) -> None:
        scene.frame += 1
        warp = frame_motion(self._data, scene.frame, scene.depth)
        scene.warps[scene.frame] = warp
        if scene.depth is not None:
            scene.depth = depth_after(scene.depth, camera_motion(self._data, scene.frame), warp)


@dataclass
class _Scene:
    """Depth at the last frame reached, and the warps up to there by frame."""

    frame: int
    depth: Float32 | None
    warps: dict[int, Warp] = field(default_factory=dict)
