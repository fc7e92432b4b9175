"""What happens when an engine fails, or gives back something that is no picture."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...errors import DeforumError, EngineError, EngineMemoryError, EngineNaNError, Finding
from ...ports import Diffused, Diffuser, DiffusionRequest, Image
from ...schedule.seeds import SEED_RANGE
from ...settings.schema import Settings

OnBlank = Literal["reroll", "interrupt", "ignore"]
OnFailure = Literal["stop", "reuse"]
Action = Literal["freed memory", "full precision", "rerolled", "reused"]


class BlankPictureError(EngineError):
    """A picture that is black all over."""


_SHOWN_FRAMES = 10
_DONE: dict[Action, str] = {
    "freed memory": "diffused again after freeing memory",
    "full precision": "diffused again with the VAE in full precision",
    "rerolled": "diffused again with another seed",
    "reused": "not diffused; the picture to be diffused was kept instead",
}
_HINTS: dict[type[EngineError], str] = {
    EngineMemoryError: "Make W and H smaller, or close other programs that use the graphics memory.",
    EngineNaNError: "Use another VAE or checkpoint, or run the engine in full precision.",
    BlankPictureError: "Change seed or prompt, raise reroll_patience, or set reroll_blank_frames to ignore to keep it.",
}


@dataclass(frozen=True)
class RetryPolicy:
    """How much is done to get a picture.

    Attributes:
        blank: what a black picture means: "reroll" tries other seeds, "interrupt" stops, "ignore" keeps it unseen.
        patience: how many other seeds are tried for one frame; 0 tries none.
        on_failure: what happens when nothing helped: "stop" raises, "reuse" goes on with the picture that was to be
            diffused (the one before, moved on), where there is one.
    """

    blank: OnBlank = "ignore"
    patience: int = 10
    on_failure: OnFailure = "stop"

    @classmethod
    def of(cls, settings: Settings, *, on_failure: OnFailure = "stop") -> RetryPolicy:
        """What the settings ``reroll_blank_frames`` and ``reroll_patience`` say; a fraction of a try is none."""
        known: dict[str, OnBlank] = {"reroll": "reroll", "interrupt": "interrupt"}
        blank = known.get(settings.run.reroll_blank_frames, "ignore")
        return cls(blank, max(0, int(settings.run.reroll_patience)), on_failure)


@dataclass(frozen=True)
class Event:
    """Something done about a diffusion that went wrong.

    Attributes:
        frame: the output frame.
        action: what was done; all but "reused" are another diffusion.
        reason: what was wrong.
        seed: of that other diffusion; with "reused", of the last one that failed.
    """

    frame: int
    action: Action
    reason: str
    seed: int


class ReliableDiffuser:
    """A ``ports.Diffuser`` around another one, which does what it can before a frame fails. For one thread.

    What is tried for one request:

    - out of memory, or an error said to be retryable: once more, after freeing memory;
    - no numbers (NaN): once more, with the VAE in full precision;
    - a black picture, or still NaN, where the policy is "reroll": the seeds s + 1, s + 2 … as far as the patience goes,
      with the VAE in full precision, since black can be NaN in disguise.

    Args:
        engine: does the work.
        policy: how far to go.
        free_memory: gives memory back; None for the engine's own ``free_memory``, if it has one.
    """

    def __init__(
        self, engine: Diffuser, policy: RetryPolicy | None = None, *, free_memory: Callable[[], object] | None = None
    ) -> None:
        self.name = engine.name
        self._engine = engine
        self._policy = policy or RetryPolicy()
        self._free: Callable[[], object] | None = free_memory or getattr(engine, "free_memory", None)
        self._events: list[Event] = []

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything done so far about diffusions that went wrong."""
        return tuple(self._events)

    def diffuse(self, request: DiffusionRequest) -> Diffused:
        """Make the picture of ``request``, H×W×3 uint8, C-contiguous.

        Raises:
            EngineError: it could not be made; says which frame, why, what was tried and what to do.
            DeforumError: errors of this program that are none of an engine pass through, such as Interrupted.
        """
        attempt, actions = request, list[Action]()
        while True:
            try:
                return self._picture(attempt)
            except EngineError as error:
                failure = error
            action = self._action(failure, attempt, actions)
            if action is None:
                return self._instead(failure, attempt, actions)
            let_go(failure)
            attempt = self._again(action, attempt, (request.seed + actions.count("rerolled") + 1) % SEED_RANGE)
            actions.append(action)
            self._events.append(Event(request.frame, action, str(failure), attempt.seed))

    def _picture(self, request: DiffusionRequest) -> Diffused:
        try:
            made = self._engine.diffuse(request)
        except DeforumError:
            raise
        except Exception as error:
            raise _mapped(error) from error
        if not isinstance(made, Diffused):
            raise EngineError(f"it gave back {'no picture' if made is None else type(made).__name__}")
        image = _checked(made.image, request)
        if self._policy.blank != "ignore" and not image.any():
            raise BlankPictureError("the picture is blank (black all over)")
        return replace(made, image=image)

    def _action(self, error: EngineError, attempt: DiffusionRequest, done: Sequence[Action]) -> Action | None:
        """What to try next, None if nothing is left."""
        if (isinstance(error, EngineMemoryError) or error.retryable) and "freed memory" not in done:
            return "freed memory"
        if isinstance(error, EngineNaNError) and not attempt.vae_full_precision:
            return "full precision"
        if _is_spoiled(error) and self._policy.blank == "reroll" and done.count("rerolled") < self._policy.patience:
            return "rerolled"
        return None

    def _again(self, action: Action, attempt: DiffusionRequest, seed: int) -> DiffusionRequest:
        if action == "freed memory":
            if self._free is not None:
                self._free()
            return attempt
        return replace(attempt, vae_full_precision=True, seed=seed if action == "rerolled" else attempt.seed)

    def _instead(self, error: EngineError, attempt: DiffusionRequest, done: Sequence[Action]) -> Diffused:
        init = attempt.init_image
        must_stop = _is_spoiled(error) and self._policy.blank == "interrupt"
        if init is None or must_stop or self._policy.on_failure == "stop":
            raise EngineError(self._failure_text(error, attempt.frame, done)) from error
        self._events.append(Event(attempt.frame, "reused", str(error), attempt.seed))
        return Diffused(init.copy())

    def _failure_text(self, error: EngineError, frame: int, done: Sequence[Action]) -> str:
        text = str(error).rstrip(".")
        sentences = [f"Frame {frame} could not be diffused by the engine {self.name!r}: {text}."]
        if done:
            tried = (_DONE[action] + (f" ({done.count(action)} times)" if done.count(action) > 1 else "")
                     for action in dict.fromkeys(done))  # fmt: skip
            sentences.append(f"It was {', then '.join(tried)}, in vain.")
        sentences += [hint for kind, hint in _HINTS.items() if isinstance(error, kind)]
        return " ".join(sentences)


def event_findings(events: Iterable[Event]) -> tuple[Finding, ...]:
    """One warning for each kind of thing that was done, with the frames and the first reason."""
    of_kind: dict[Action, list[Event]] = {}
    for event in events:
        of_kind.setdefault(event.action, []).append(event)
    return tuple(_finding(action, found) for action, found in of_kind.items())


def _finding(action: Action, events: Sequence[Event]) -> Finding:
    frames = list(dict.fromkeys(event.frame for event in events))
    shown = ", ".join(str(frame) for frame in frames[:_SHOWN_FRAMES]) + (", …" if len(frames) > _SHOWN_FRAMES else "")
    count = "1 frame was" if len(frames) == 1 else f"{len(frames)} frames were"
    reason = " ".join(events[0].reason.split()).rstrip(".")
    return Finding("warning", f"{count} {_DONE[action]} (frame {shown}): {reason}.")


def _is_spoiled(error: EngineError) -> bool:
    """Whether there was a picture with nothing in it, which another seed may mend."""
    return isinstance(error, EngineNaNError | BlankPictureError)


def _mapped(error: Exception) -> EngineError:
    """Another library's error, in our terms."""
    kind = type(error).__name__
    # torch has had this class under several names, which all end like this; it is never imported here.
    out_of_memory = isinstance(error, MemoryError) or kind.endswith("OutOfMemoryError")
    return (EngineMemoryError if out_of_memory else EngineError)(f"{kind}: {error}")


def _checked(made: object, request: DiffusionRequest) -> Image:
    """``made``, if it is what the port promises."""
    if made is None:
        raise EngineError("it gave back no picture")
    if not isinstance(made, np.ndarray):
        raise EngineError(f"it gave back {type(made).__name__} instead of a picture")
    if made.dtype.kind == "f" and not np.isfinite(made).all():
        raise EngineNaNError("the picture holds values that are no numbers (NaN)")
    shape = (request.height, request.width, 3)
    if made.shape != shape or made.dtype != np.uint8:
        raise EngineError(f"it gave back an array of shape {made.shape}, {made.dtype}, instead of {shape}, uint8")
    return np.ascontiguousarray(made)


def let_go(error: BaseException | None) -> None:
    """Empty the frames that ``error`` and its causes came through: their variables hold the memory to be freed."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
