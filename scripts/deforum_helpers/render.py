"""The render loop: diffuse key frame after key frame; everything else happens while the engine is busy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from .errors import Interrupted
from .imaging.resampler import OpenCVResampler, Resampler
from .imaging.sampling import Source
from .ports import Diffuser, Image
from .rendering.data.inputs import Inputs
from .rendering.data.render_data import RenderData
from .rendering.data.step.tween import Tween
from .rendering.key_renderer import KeyRenderer, LoopState
from .rendering.tween_renderer import TweenRenderer
from .rendering.util.frame_pump import FramePump
from .rendering.util.motion_chains import MotionChains
from .rendering.util.motions import Motions


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
        inputs: pictures, videos and networks.
        resampler: makes the frames between key frames.
    """

    frame: int = 0
    states: KnownStates = KnownStates()
    inputs: Inputs = field(default_factory=Inputs)
    resampler: Resampler = field(default_factory=OpenCVResampler)


@dataclass(frozen=True)
class Observers:
    """Who is told what; nobody by default.

    Attributes:
        should_stop: asked before each diffusion and after each frame.
        on_key: told of each key frame before the next one is diffused, from the thread that renders.
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
        begin: where to begin and with what; at frame 0, from nothing, if None.

    Raises:
        Interrupted: ``observers.should_stop`` said so; every frame emitted is whole.
        DeforumError: whatever ``diffuser`` or ``emit`` raise.
    """
    observers, begin = observers or Observers(), begin or Beginning()
    motions = Motions(data, begin.inputs)
    chains = MotionChains(motions.at)
    keys = KeyRenderer(data, begin.inputs, diffuser, motions, chains, workers)
    frames = TweenRenderer(data, begin.inputs, chains, begin.resampler)
    waiting = deque(data.tweens[begin.frame :])
    known = begin.states.positions
    pictures: dict[int, Source] = {}
    state: LoopState | None = None
    fresh: LoopState | None = None

    def hand_on(index: int, image: Image) -> None:
        emit(index, image)
        older = data.tweens[index].older
        chains.forget_before(data.keys[older].index, index)
        motions.forget_before(older, index)
        _stop_if(observers.should_stop() and index + 1 < data.max_frames)

    with FramePump(hand_on, workers) as pump:

        def submit_ready(position: int) -> None:
            ready = _take_ready(waiting, position)
            jobs = [(indices, _measured(make, observers)) for indices, make in frames.jobs(ready, pictures)]
            with observers.measure("waiting"):
                pump.submit(jobs)
            # Classic alignment fades from the picture before; nothing needs an older one.
            pictures.pop(position - 2, None)

        def look_at(made: LoopState | None) -> None:
            if made is not None:
                motions.see(made.position, made.picture)

        for position in range(known.start if known else 0, len(data.keys)):
            with _told_of(fresh, observers):
                _stop_if(observers.should_stop())
                look_at(state)
                start = None if position in known else keys.prepare(position, state)
            # Only now, so that the workers do not get in the way of what the engine waits for.
            submit_ready(position - 1)
            fresh = keys.diffuse(start) if start is not None else None
            state = fresh or begin.states.read(position)
            pictures[position] = Source(state.picture)
        with _told_of(fresh, observers):
            look_at(state)
            submit_ready(len(data.keys) - 1)
        with observers.measure("waiting"):
            pump.finish()


@contextmanager
def _told_of(made: LoopState | None, observers: Observers) -> Iterator[None]:
    """Tell of a key frame at the end, whatever happens: keeping it would be in the way of what the engine waits for."""
    try:
        yield
    finally:
        if made is not None:
            observers.on_key(made)


def _measured(job: Callable[[], Sequence[Image]], observers: Observers) -> Callable[[], Sequence[Image]]:
    def run() -> Sequence[Image]:
        with observers.measure("warping"):
            return job()

    return run


def _take_ready(waiting: deque[Tween], position: int) -> list[Tween]:
    """The next frames, as far as the pictures up to key step ``position`` go."""
    ready = []
    while waiting and waiting[0].newer <= position:
        ready.append(waiting.popleft())
    return ready


def _stop_if(stop: bool) -> None:
    if stop:
        raise Interrupted("Stopped on request.")
