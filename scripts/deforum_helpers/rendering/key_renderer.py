"""Key frames, one after the other: what each is diffused from, and what becomes of it."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from ..imaging.colour import ColourReference, build_tables, match_colours
from ..imaging.warp import Warp
from ..ports import Diffuser, DiffusionRequest, Image
from ..settings import uses
from .data.inputs import Inputs
from .data.render_data import RenderData
from .data.step.key_step import KeyStep
from .img_2_img_tubes import Moment, tubes
from .util.call.diffusion import diffusion_request
from .util.call.hybrid import redone
from .util.call.noise import noise_picture
from .util.call.tween import carried
from .util.coherence import reference_after, reference_at, reference_before
from .util.infotext import infotext
from .util.motion_chains import MotionChains
from .util.motions import Motions


@dataclass(frozen=True)
class LoopState:
    """All that one key frame hands to the next.

    Attributes:
        position: of the key step last diffused, in the list of key steps.
        picture: what it became.
        reference: the colours to hold on to.
        infotext: what the picture was made with; empty if that is not known.
    """

    position: int
    picture: Image
    reference: ColourReference | None
    infotext: str = ""


@dataclass(frozen=True)
class Start:
    """A key frame about to be diffused.

    Attributes:
        position: of its key step.
        init_image: what it is diffused from, None for nothing.
        carried: the last picture carried here, before it went through the tube; None without one.
        reference: the colours to hold on to.
        of_video: the video's part in the motion to this frame.
    """

    position: int
    init_image: Image | None
    reference: ColourReference | None
    carried: Image | None = None
    of_video: Warp | None = None


@dataclass(frozen=True)
class _Prepared:
    """What a key frame needs and no picture decides: made while the one before is being diffused."""

    warp: Warp | None
    noise: Image | None


class KeyRenderer:
    """Makes key frames in order.

    Args:
        data: the plan.
        inputs: pictures, videos and networks.
        diffuser: the engine.
        motions: the motion of frames.
        chains: the motion of many frames in a row.
        workers: where the next key frame is prepared.
    """

    def __init__(
        self,
        data: RenderData,
        inputs: Inputs,
        diffuser: Diffuser,
        motions: Motions,
        chains: MotionChains,
        workers: Executor,
    ) -> None:
        self._data = data
        self._inputs = inputs
        self._diffuser = diffuser
        self._motions = motions
        self._chains = chains
        self._workers = workers
        self._tubes = tubes(data, inputs)
        self._holds_on = uses.holds_on(data.settings)
        self._next: Future[_Prepared] | None = None
        if data.coherence is not None:
            workers.submit(build_tables, data.coherence)

    def prepare(self, position: int, last: LoopState | None) -> Start:
        """What the key step at ``position`` is diffused from, given what the one before left."""
        data, inputs, key = self._data, self._inputs, self._data.keys[position]
        held = last.reference if last is not None else inputs.reference
        reference = reference_at(data, inputs, key, held)
        before = last if self._holds_on else None
        if before is None and data.settings.anim.animation_mode != "Video Input":
            # A given picture is diffused as it is.
            return Start(position, self._fresh(key), reference)
        prepared = self._next.result() if self._next is not None else self._prepare(position)
        warp = prepared.warp or self._warp_to(position) if before is not None else None
        moved = carried(data, before.picture, warp) if before is not None and warp is not None else None
        source = self._fresh(key) if moved is None else moved
        if source is None:
            return Start(position, None, reference)
        of_video = self._motions.of_video(key.index) if moved is not None else None
        init = self._tubes.before_diffusion(Moment(key.index, key, reference, prepared.noise, of_video), source)
        if moved is not None:
            reference = reference_before(data, reference, moved)
        return Start(position, init, reference, moved, of_video)

    def diffuse(self, start: Start) -> LoopState:
        """Diffuse, while a worker prepares the next key step."""
        data, key = self._data, self._data.keys[start.position]
        ahead = start.position + 1 < len(data.keys)
        self._next = self._workers.submit(self._prepare, start.position + 1) if ahead else None
        request = self._redone(start, diffusion_request(data, self._inputs, key, start.init_image))
        made = self._diffuser.diffuse(request)
        moment = Moment(key.index, key, start.reference, None, start.of_video, start.init_image)
        picture = self._tubes.after_generation(moment, made.image)
        reference = reference_after(data, start.reference, key, picture)
        return LoopState(start.position, picture, reference, infotext(request, made.used))

    def _fresh(self, key: KeyStep) -> Image | None:
        """What a key frame is diffused from that does not hold on to the one before."""
        if self._data.settings.anim.animation_mode == "Video Input" and self._inputs.video is not None:
            return self._inputs.video.frame(key.index)
        if key.guide is not None and self._inputs.guides is not None:
            return self._inputs.guides.frame(key.guide.position)
        return self._inputs.init_image

    def _redone(self, start: Start, request: DiffusionRequest) -> DiffusionRequest:
        """The request that counts, after the diffusions that the settings want before it."""
        key, flow = self._data.keys[start.position], self._inputs.redo_flow
        image = request.init_image
        if start.carried is None or image is None or key.is_cut or not key.redo_seeds:
            return request
        for number, seed in enumerate(key.redo_seeds):
            made = self._diffuser.diffuse(replace(request, seed=seed, init_image=image)).image
            image = redone(flow, start.carried, made, key.redo_flow_factor) if flow and number == 0 else made
        if uses.plain_redos(self._data.settings) and start.reference is not None:
            image = match_colours(image, start.reference)
        return replace(request, init_image=image)

    def _prepare(self, position: int) -> _Prepared:
        key = self._data.keys[position]
        warp = self._warp_to(position) if position > 0 and self._motions.known_ahead else None
        noisy = key.noise > 0 and self._data.settings.anim.animation_mode != "Interpolation"
        return _Prepared(warp, noise_picture(self._data, key) if noisy else None)

    def _warp_to(self, position: int) -> Warp:
        return self._chains.forward(self._data.keys[position - 1].index, self._data.keys[position].index)
