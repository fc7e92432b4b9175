"""The render loop: diffuse key frame after key frame; everything else happens while the engine is busy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np

from .errors import Interrupted
from .imaging.colour import ColourReference
from .imaging.resampler import OpenCVResampler, Resampler
from .imaging.sampling import Source
from .imaging.warp import Warp
from .ports import DepthEstimator, Diffuser, Image
from .rendering.data.render_data import RenderData
from .rendering.data.step.tween import Tween
from .rendering.img_2_img_tubes import Moment, tubes
from .rendering.util.call.diffusion import diffusion_request
from .rendering.util.call.noise import noise_picture
from .rendering.util.call.tween import carried, tween_jobs
from .rendering.util.coherence import reference_after, reference_before
from .rendering.util.frame_pump import FramePump
from .rendering.util.motion_chains import MotionChains
from .rendering.util.motions import Motions


@dataclass(frozen=True)
class LoopState:
    """All that one key frame hands to the next.

    Attributes:
        position: of the key step last diffused, in the list of key steps.
        picture: what it became.
        reference: the colours to hold on to.
    """

    position: int
    picture: Image
    reference: ColourReference | None


def _unknown(position: int) -> LoopState:
    raise LookupError(f"the state of key step {position} is not known")


@dataclass(frozen=True)
class KnownStates:
    """Key frames that were made before; each is read when it is needed, so they may be many.

    Attributes:
        positions: of their key steps, without gaps.
        read: the state of one of them.
    """

    positions: range = range(0)
    read: Callable[[int], LoopState] = _unknown

    @classmethod
    def of(cls, state: LoopState) -> KnownStates:
        """A single one."""
        return cls(range(state.position, state.position + 1), lambda _: state)


@dataclass(frozen=True)
class Beginning:
    """Where a render begins, or goes on after it was cut off.

    Attributes:
        frame: the first output frame to make.
        states: the key frames that this and the following frames need, from the first needed on; diffusion goes on
            after the last. Without any, all key frames are diffused again.
        init_image: what the very first key frame is diffused from, H×W×3; None to start from nothing.
        reference: the colours to hold on to from the start, None to take those of the first picture.
        depth: sees how far things are, None for a flat scene and for 2D.
        resampler: makes the frames between key frames.
    """

    frame: int = 0
    states: KnownStates = KnownStates()
    init_image: Image | None = None
    reference: ColourReference | None = None
    depth: DepthEstimator | None = None
    resampler: Resampler = field(default_factory=OpenCVResampler)


@dataclass(frozen=True)
class Observers:
    """Who is told what; nobody by default.

    Attributes:
        should_stop: asked before each diffusion and after each frame.
        on_key: told of each key frame once it is made, from the thread that renders.
        measure: a context that measures what is done in it: ``warping`` and ``waiting``.
    """

    should_stop: Callable[[], bool] = lambda: False
    on_key: Callable[[LoopState], None] = lambda state: None
    measure: Callable[[str], AbstractContextManager[None]] = lambda task: nullcontext()


def render_animation(
    data: RenderData,
    diffuser: Diffuser,
    emit: Callable[[int, Image], None],
    workers: Executor,
    observers: Observers | None = None,
    begin: Beginning | None = None,
) -> None:
    """Render an animation.

    While the engine makes key frame k, workers make the frames that key frames up to k - 1 are
    enough for, and prepare what key frame k + 1 needs.

    Args:
        data: the plan.
        diffuser: makes the key frames; called from this thread only.
        emit: called once per output frame, ascending, from one other thread, with a picture it must not change.
        workers: where pictures are warped, blended and prepared.
        observers: who may stop the render, and who is told of key frames.
        begin: where to begin; at frame 0, from nothing, if None.

    Raises:
        Interrupted: ``observers.should_stop`` said so; every frame emitted is whole.
        DeforumError: whatever ``diffuser`` or ``emit`` raise.
    """
    observers, begin = observers or Observers(), begin or Beginning()
    motions = Motions(data, begin.depth)
    chains = MotionChains(motions.at)
    keys = _KeyRenderer(data, diffuser, _Motion(motions, chains), workers, begin)
    waiting = deque(data.tweens[begin.frame :])
    known = begin.states.positions
    pictures: dict[int, Source] = {}
    state: LoopState | None = None

    def hand_on(index: int, image: Image) -> None:
        emit(index, image)
        older = data.tweens[index].older
        chains.forget_before(data.keys[older].index, index)
        motions.forget_before(older, index)
        _stop_if(observers.should_stop() and index + 1 < data.max_frames)

    with FramePump(hand_on, workers) as pump:

        def submit_ready(position: int) -> None:
            ready = _take_ready(waiting, position)
            made = tween_jobs(data, ready, pictures, chains, begin.resampler)
            jobs = [(indices, _measured(make, observers)) for indices, make in made]
            with observers.measure("waiting"):
                pump.submit(jobs)
            # Classic alignment fades from the picture before; nothing needs an older one.
            pictures.pop(position - 2, None)

        for position in range(known.start if known else 0, len(data.keys)):
            _stop_if(observers.should_stop())
            if position in known:
                submit_ready(position - 1)
                state = begin.states.read(position)
            else:
                ready_to_diffuse = keys.prepare(position, state)
                # Only now, so that the workers do not get in the way of what the engine waits for.
                submit_ready(position - 1)
                state = keys.diffuse(ready_to_diffuse)
                observers.on_key(state)
            motions.see(position, state.picture)
            pictures[position] = Source(state.picture)
        submit_ready(len(data.keys) - 1)
        with observers.measure("waiting"):
            pump.finish()


def _measured(job: Callable[[], Sequence[Image]], observers: Observers) -> Callable[[], Sequence[Image]]:
    def run() -> Sequence[Image]:
        with observers.measure("warping"):
            return job()

    return run


@dataclass(frozen=True)
class _Start:
    """A key frame about to be diffused."""

    position: int
    init_image: Image | None
    reference: ColourReference | None


@dataclass(frozen=True)
class _Prepared:
    """What a key frame needs and no picture decides: made while the one before is being diffused."""

    warp: Warp | None
    noise: Image | None


@dataclass(frozen=True)
class _Motion:
    """The motion of frames, and of many frames in a row."""

    motions: Motions
    chains: MotionChains


class _KeyRenderer:
    """Makes key frames one after the other."""

    def __init__(
        self,
        data: RenderData,
        diffuser: Diffuser,
        motion: _Motion,
        workers: Executor,
        begin: Beginning,
    ) -> None:
        self._data = data
        self._begin = begin
        self._diffuser = diffuser
        self._motion = motion
        self._workers = workers
        self._tubes = tubes(data)
        self._next: Future[_Prepared] | None = None
        if data.coherence is not None:
            # The first conversion of a process builds tables, which takes longer than many pictures.
            workers.submit(ColourReference.of, np.zeros((2, 2, 3), np.uint8), data.coherence)

    def prepare(self, position: int, last: LoopState | None) -> _Start:
        """What the key step at ``position`` is diffused from, given what the one before left."""
        data, key = self._data, self._data.keys[position]
        reference = last.reference if last is not None else self._begin.reference
        if last is None:
            return _Start(position, self._begin.init_image, reference)
        prepared = self._next.result() if self._next is not None else self._prepare(position)
        moved = carried(data, last.picture, prepared.warp or self._warp_to(position))
        init = self._tubes.before_diffusion(Moment(key, reference, prepared.noise), moved)
        return _Start(position, init, reference_before(data, reference, moved))

    def diffuse(self, start: _Start) -> LoopState:
        """Diffuse, while a worker prepares the next key step."""
        data, key = self._data, self._data.keys[start.position]
        ahead = start.position + 1 < len(data.keys)
        self._next = self._workers.submit(self._prepare, start.position + 1) if ahead else None
        made = self._diffuser.diffuse(diffusion_request(data, key, start.init_image)).image
        picture = self._tubes.after_generation(Moment(key, start.reference, None), made)
        return LoopState(start.position, picture, reference_after(data, start.reference, key, picture))

    def _prepare(self, position: int) -> _Prepared:
        key = self._data.keys[position]
        warp = self._warp_to(position) if self._motion.motions.known_ahead else None
        return _Prepared(warp, noise_picture(self._data, key) if key.noise > 0 else None)

    def _warp_to(self, position: int) -> Warp:
        return self._motion.chains.forward(self._data.keys[position - 1].index, self._data.keys[position].index)


def _take_ready(waiting: deque[Tween], position: int) -> list[Tween]:
    """The next frames, as far as the pictures up to key step ``position`` go."""
    ready = []
    while waiting and waiting[0].newer <= position:
        ready.append(waiting.popleft())
    return ready


def _stop_if(stop: bool) -> None:
    if stop:
        raise Interrupted("Stopped on request.")
