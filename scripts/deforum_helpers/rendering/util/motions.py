"""The motion of every frame: the camera's, through the scene the last diffused picture shows, then the video's."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
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

_STRIDE = 16
"""Frames between two states of a scene that are kept."""

_KEPT = 2 * _STRIDE
"""Motions of a scene that are kept: through depth, each is as large as two pictures, and key frames may be a thousand
frames apart. Older ones are made again, at most ``_STRIDE`` at a time."""


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
        if self.known_ahead:
            self._scenes[_ANYWHERE] = _Scene(_State(0), None)

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
            self._scenes[position] = _Scene(_State(self._key_frames[position], depth), picture)

    def at(self, frame: int) -> Warp:
        """The warp that carries frame ``frame - 1`` to ``frame``.

        Raises:
            KeyError: the picture of the key frame before has not been seen.
        """
        if not self._follows_video and self._depth is None:
            return frame_motion(self._data, frame)
        return self._motion(frame).warp

    def of_video(self, frame: int) -> Warp | None:
        """The video's part in that warp where it is wanted (at key frames that mix it in), else None."""
        if not self._follows_video or frame not in self._mixed:
            return None
        return self._motion(frame).of_video

    def forget_before(self, position: int, frame: int) -> None:
        """Drop what was seen before the key step at ``position``, and the motions before ``frame``."""
        with self._lock:
            for other in [p for p in self._scenes if _ANYWHERE < p < position]:
                del self._scenes[other]
            for scene in self._scenes.values():
                scene.forget_before(frame)

    def _motion(self, frame: int) -> _Motion:
        with self._lock:
            scene = self._scenes[_ANYWHERE if self.known_ahead else bisect_left(self._key_frames, frame) - 1]
            if frame in scene.motions:
                scene.motions.move_to_end(frame)
                return scene.motions[frame]
            # Where no picture decides the motion, nothing goes on from frame to frame.
            state, last = (_State(frame - 1), frame) if self.known_ahead else scene.way_to(frame)
            while state.frame < last:
                motion, state = self._next(scene, state)
                scene.keep(motion, state)
            return scene.motions[frame]

    def _next(self, scene: _Scene, state: _State) -> tuple[_Motion, _State]:
        """The motion to the frame after ``state``, and the state there."""
        data, frame = self._data, state.frame + 1
        warp, of_video = frame_motion(data, frame, state.depth), None
        if self._follows_video:
            followed = video_motion(data, self._inputs, frame, self._moved(scene, state, warp))
            of_video = followed if frame in self._mixed else None
            warp = warp.then(followed)
        depth = None if state.depth is None else depth_after(state.depth, camera_motion(data, frame), warp)
        chain = state.chain.then(warp) if self._from_picture else state.chain
        return _Motion(warp, of_video), _State(frame, depth, chain)

    def _moved(self, scene: _Scene, state: _State, camera: Warp) -> Image | None:
        """The picture at hand after the camera has moved; None where the video's own motion counts."""
        if not self._from_picture or scene.picture is None:
            return None
        return state.chain.then(camera).apply(scene.picture, border=self._data.border)


@dataclass(frozen=True)
class _Motion:
    """The motion to a frame, and the video's part in it where that is wanted."""

    warp: Warp
    of_video: Warp | None


@dataclass(frozen=True)
class _State:
    """What the motion to the next frame goes on from: depth at ``frame``, and how far the picture was carried."""

    frame: int
    depth: Float32 | None = None
    chain: Warp = field(default_factory=Homography.identity)


class _Scene:
    """What follows from one picture: states, every few frames, and the motions that were asked for last.

    Args:
        start: the state at its key frame.
        picture: of that key frame.

    Attributes:
        motions: by frame, the one that was asked for last at the end.
    """

    def __init__(self, start: _State, picture: Image | None) -> None:
        self.picture = picture
        self._start = start.frame
        self._states = {start.frame: start}
        self.motions: OrderedDict[int, _Motion] = OrderedDict()

    def way_to(self, frame: int) -> tuple[_State, int]:
        """The last state before ``frame`` that is kept, and how far to go on from it: neighbours are asked for next."""
        before = max(known for known in self._states if known < frame)
        return self._states[before], min((known for known in self._states if known >= frame), default=frame)

    def keep(self, motion: _Motion, state: _State) -> None:
        """Keep a motion for a while, and the state after it, if it is one of the few."""
        self.motions[state.frame] = motion
        if len(self.motions) > _KEPT:
            self.motions.popitem(last=False)
        newest = max(self._states)
        if state.frame > newest:
            self._states[state.frame] = state
            if (newest - self._start) % _STRIDE:
                del self._states[newest]

    def forget_before(self, frame: int) -> None:
        """Drop what only leads to frames before ``frame``."""
        for passed in [f for f in self.motions if f < frame]:
            del self.motions[passed]
        for passed in sorted(f for f in self._states if f < frame)[:-1]:
            del self._states[passed]
