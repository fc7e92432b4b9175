"""The render loop: diffuse the key frames, make every output frame from them, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from functools import partial

from .errors import Interrupted
from .ports import Diffuser, Image
from .rendering.data.render_data import RenderData
from .rendering.data.step.tween import Tween
from .rendering.img_2_img_tubes import before_diffusion
from .rendering.util.call.diffusion import diffusion_request
from .rendering.util.call.motion import frame_motion
from .rendering.util.call.tween import tween_job
from .rendering.util.motion_chains import MotionChains

_FRAMES_AHEAD = 6
"""Tweens in the making at a time: enough to keep the workers busy, few enough to keep memory flat."""


def render_animation(
    data: RenderData,
    diffuser: Diffuser,
    emit: Callable[[int, Image], None],
    workers: Executor,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Render an animation.

    Args:
        data: the plan.
        diffuser: makes the key frames.
        emit: called once per output frame, ascending from 0, with a picture that it must not change.
        workers: where tweens are warped and blended.
        should_stop: asked before each diffusion and after each frame.

    Raises:
        Interrupted: ``should_stop`` said so; every frame emitted is whole.
        DeforumError: whatever ``diffuser`` or ``emit`` raise.
    """
    chains = MotionChains(partial(frame_motion, data))
    tube = before_diffusion(data)
    pictures: dict[int, Image] = {}
    waiting = deque(data.tweens)
    for position, key in enumerate(data.keys):
        _stop_if(should_stop())
        init = None
        if position > 0:
            last = data.keys[position - 1].index
            init = tube(key, chains.forward(last, key.index).apply(pictures[position - 1], border=data.border))
        pictures[position] = diffuser.diffuse(diffusion_request(data, key, init))
        ready = _take_ready(waiting, position)
        jobs = (tween_job(data, tween, pictures, chains) for tween in ready)
        for tween, image in zip(ready, _in_order(workers, jobs), strict=True):
            emit(tween.index, image)
            _stop_if(should_stop() and bool(waiting or tween is not ready[-1]))
        # Classic alignment still fades from the picture before; nothing needs an older one.
        pictures.pop(position - 2, None)
        chains.forget_before(data.keys[max(position - 1, 0)].index)


def _take_ready(waiting: deque[Tween], position: int) -> list[Tween]:
    """The next frames, as far as the pictures up to key step ``position`` go."""
    ready = []
    while waiting and waiting[0].newer <= position:
        ready.append(waiting.popleft())
    return ready


def _in_order(workers: Executor, jobs: Iterable[Callable[[], Image]]) -> Iterator[Image]:
    """Results of ``jobs`` in order, a few jobs ahead of the reader."""
    running: deque[Future[Image]] = deque()
    try:
        for job in jobs:
            running.append(workers.submit(job))
            if len(running) >= _FRAMES_AHEAD:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


def _stop_if(stop: bool) -> None:
    if stop:
        raise Interrupted("Stopped on request.")
