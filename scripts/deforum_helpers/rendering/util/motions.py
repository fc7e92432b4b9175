"""The motion of every frame: the camera's, through the scene the last diffused picture shows, then the video's."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from threading import Lock

from ...imaging.camera3d import depth_after
from ...imaging.depth_maps import camera_depth
from ...imaging.sampling import Float32
from ...imaging.warp import Homography, Warp
from ...ports import Image
from ...settings import uses
from ..data.inputs import Inputs
from ..data.render_data import RenderData
from .call.hybrid import video_motion
from .call.motion import camera_motion, frame_motion

_ANYWHERE = -1
"""The position of the only scene where no picture decides the motion."""


class Motions:
    """M_f for every frame f. Safe to use from many threads.

    With depth, it is predicted once per diffused picture and moved on with the camera, so the motions between a key
    frame and the next one follow from the picture of the first. The same holds for hybrid motion that leads from the
    picture at hand to the video.

    Args:
        data: the plan.
        inputs: the depth network and the video.
    """

    def __init__(self, data: RenderData, inputs: Inputs) -> None:
        self._data = data
        self._inputs = inputs
        self._depth = inputs.depth if uses.uses_depth_warping(data.settings) else None
        self._follows_video = uses.uses_hybrid_motion(data.settings) and inputs.hybrid is not None
        self._from_picture = self._follows_video and data.settings.anim.hybrid_motion_use_prev_img
        self._key_frames = data.key_frames
        moved = data.settings.anim.hybrid_composite == "Before Motion"
        self._mixed = frozenset(self._key_frames if moved else ())
        self._lock = Lock()
        self._scenes: dict[int, _Scene] = {}

    @property
    def known_ahead(self) -> bool:
        """Whether no picture decides the motion."""
        return self._depth is None and not self._from_picture

    def see(self, position: int, picture: Image) -> None:
        """Look at the picture of the key step at ``position``; needed for the motions after it."""
        if self.known_ahead:
            return
        depth = None
        if self._depth is not None:
            algorithm = self._data.settings.anim.depth_algorithm
            depth = camera_depth(self._depth.predict(picture), self._depth.kind, algorithm)
        with self._lock:
            self._scenes[position] = _Scene(self._key_frames[position], depth, picture)

    def at(self, frame: int) -> Warp:
        """The warp that carries frame ``frame - 1`` to ``frame``.

        Raises:
            KeyError: the picture of the key frame before has not been seen.
        """
        if not self._follows_video and self._depth is None:
            return frame_motion(self._data, frame)
        with self._lock:
            return self._scene(frame).warps[frame]

    def of_video(self, frame: int) -> Warp | None:
        """The video's part in that warp where it is wanted (at key frames that mix it in), else None."""
        if not self._follows_video or frame not in self._mixed:
            return None
        with self._lock:
            return self._scene(frame).of_video[frame]

    def forget_before(self, position: int, frame: int) -> None:
        """Drop what was seen before the key step at ``position``, and the motions before ``frame``."""
        with self._lock:
            for other in [p for p in self._scenes if _ANYWHERE < p < position]:
                del self._scenes[other]
            for scene in self._scenes.values():
                for warps in (scene.warps, scene.of_video):
                    for passed in [f for f in warps if f < frame]:
                        del warps[passed]

    def _scene(self, frame: int) -> _Scene:
        """The scene that ``frame`` lies in, with the warps up to it."""
        if self.known_ahead:
            scene = self._scenes.setdefault(_ANYWHERE, _Scene(0, None, None))
            if frame not in scene.warps:
                scene.frame = frame - 1
                self._go_on(scene)
            return scene
        scene = self._scenes[bisect_left(self._key_frames, frame) - 1]
        while scene.frame < frame:
            self._go_on(scene)
        return scene

    def _go_on(self, scene: _Scene) -> None:
        scene.frame += 1
        data, frame = self._data, scene.frame
        warp = frame_motion(data, frame, scene.depth)
        if self._follows_video:
            followed = video_motion(data, self._inputs, frame, self._moved(scene, warp))
            if frame in self._mixed:
                scene.of_video[frame] = followed
            warp = warp.then(followed)
        scene.warps[frame] = warp
        if scene.depth is not None:
            scene.depth = depth_after(scene.depth, camera_motion(data, frame), warp)
        if self._from_picture:
            scene.chain = scene.chain.then(warp)

    def _moved(self, scene: _Scene, camera: Warp) -> Image | None:
        """The picture at hand after the camera has moved; None where the video's own motion counts."""
        if not self._from_picture or scene.picture is None:
            return None
        return scene.chain.then(camera).apply(scene.picture, border=self._data.border)


@dataclass
class _Scene:
    """Depth at the last frame reached, the picture it began with and how far it was carried, and warps by frame."""

    frame: int
    depth: Float32 | None
    picture: Image | None
    chain: Warp = field(default_factory=Homography.identity)
    warps: dict[int, Warp] = field(default_factory=dict)
    of_video: dict[int, Warp] = field(default_factory=dict)
