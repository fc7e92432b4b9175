"""Faults of an engine, injected one by one: what is tried, what comes out, and what is said."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import (
    EngineError,
    EngineMemoryError,
    EngineNaNError,
    InputError,
    Interrupted,
)
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.ports import Diffused, DiffusionRequest
from deforum_helpers.rendering.util.resilience import Event, ReliableDiffuser, RetryPolicy, event_findings
from deforum_helpers.settings.schema import Settings

WIDTH, HEIGHT = 16, 8
GOOD = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
BLACK = np.zeros_like(GOOD)
REQUEST = DiffusionRequest(WIDTH, HEIGHT, "a lighthouse", seed=7, frame=12)
INIT = np.full_like(GOOD, 40)
MEMORY = EngineMemoryError("CUDA out of memory")
NAN = EngineNaNError("the VAE made NaN")


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


class FaultyEngine:
    """Answers as told: an error is raised, a function asked, anything else given back; the last answer for ever."""

    name = "faulty"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.requests: list[DiffusionRequest] = []

    def diffuse(self, request: DiffusionRequest):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return Diffused(answer(request) if isinstance(answer, Callable) else answer)

    @property
    def seeds(self) -> list[int]:
        return [request.seed for request in self.requests]

    @property
    def full(self) -> list[bool]:
        return [request.vae_full_precision for request in self.requests]


class FreeingEngine(FaultyEngine):
    """Fails until its memory is freed."""

    freed = 0

    def free_memory(self) -> None:
        self.freed += 1


def message(diffuser: ReliableDiffuser, request: DiffusionRequest = REQUEST) -> str:
    with pytest.raises(EngineError) as caught:
        diffuser.diffuse(request)
    return str(caught.value)


def with_init(seed: int = 7) -> DiffusionRequest:
    return DiffusionRequest(WIDTH, HEIGHT, "a lighthouse", seed=seed, frame=12, init_image=INIT, strength=0.6)


class TestGoodPictures:
    def test_pass_unchanged_and_leave_no_event(self):
        engine = FaultyEngine(GOOD)
        diffuser = ReliableDiffuser(engine, RetryPolicy("reroll"))
        assert diffuser.diffuse(REQUEST).image is GOOD
        assert engine.requests == [REQUEST]
        assert diffuser.events == ()
        assert diffuser.name == "faulty"

    def test_of_a_real_engine(self):
        request = DiffusionRequest(64, 48, "a lighthouse at dusk", seed=3)
        made = ReliableDiffuser(PreviewEngine(), RetryPolicy("interrupt")).diffuse(request).image
        assert np.array_equal(made, PreviewEngine().diffuse(request).image)

    def test_come_out_contiguous(self):
        upside_down = GOOD[::-1]
        assert not upside_down.flags.c_contiguous
        assert ReliableDiffuser(FaultyEngine(upside_down)).diffuse(REQUEST).image.flags.c_contiguous

    def test_a_single_bright_pixel_is_not_blank(self):
        nearly = BLACK.copy()
        nearly[-1, -1, -1] = 1
        assert ReliableDiffuser(FaultyEngine(nearly), RetryPolicy("interrupt")).diffuse(REQUEST).image is nearly


class TestWhatIsNoPicture:
    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            (None, "it gave back no picture."),
            ("a picture", "it gave back str instead of a picture."),
            (GOOD[:-1], "it gave back an array of shape (7, 16, 3), uint8, instead of (8, 16, 3), uint8."),
            (GOOD[..., :1], "shape (8, 16, 1), uint8, instead of"),
            (GOOD.astype(np.float32), "shape (8, 16, 3), float32, instead of (8, 16, 3), uint8."),
        ],
    )
    def test_is_refused_at_once(self, answer, said):
        engine = FaultyEngine(answer)
        text = message(ReliableDiffuser(engine))
        assert text.startswith("Frame 12 could not be diffused by the engine 'faulty': ")
        assert said in text
        assert len(engine.requests) == 1

    def test_other_frames_are_not_concerned(self):
        engine = FaultyEngine(lambda request: None if request.frame == 12 else GOOD)
        diffuser = ReliableDiffuser(engine)
        other = DiffusionRequest(WIDTH, HEIGHT, "", frame=11)
        assert diffuser.diffuse(other).image is GOOD
        message(diffuser)
        assert diffuser.diffuse(other).image is GOOD


class TestBlankPictures:
    def test_rerolled_with_the_next_seeds(self):
        engine = FaultyEngine(BLACK, BLACK, GOOD)
        diffuser = ReliableDiffuser(engine, RetryPolicy("reroll"))
        assert diffuser.diffuse(REQUEST).image is GOOD
        assert engine.seeds == [7, 8, 9]
        assert engine.full == [False, True, True]
        assert diffuser.events == (
            Event(12, "rerolled", "the picture is blank (black all over)", 8),
            Event(12, "rerolled", "the picture is blank (black all over)", 9),
        )

    def test_seeds_go_round(self):
        engine = FaultyEngine(BLACK, BLACK, GOOD)
        ReliableDiffuser(engine, RetryPolicy("reroll")).diffuse(with_init(seed=2**32 - 2))
        assert engine.seeds == [2**32 - 2, 2**32 - 1, 0]

    def test_patience_ends(self):
        engine = FaultyEngine(BLACK)
        text = message(ReliableDiffuser(engine, RetryPolicy("reroll", patience=3)))
        assert engine.seeds == [7, 8, 9, 10]
        assert "the picture is blank" in text
        assert "It was diffused again with another seed (3 times), in vain." in text
        assert "reroll_patience" in text

    def test_no_patience_no_retry(self):
        engine = FaultyEngine(BLACK)
        assert "in vain" not in message(ReliableDiffuser(engine, RetryPolicy("reroll", patience=0)))
        assert engine.seeds == [7]

    def test_patience_is_per_frame(self):
        engine = FaultyEngine(BLACK, GOOD, BLACK, GOOD)
        diffuser = ReliableDiffuser(engine, RetryPolicy("reroll", patience=1))
        assert diffuser.diffuse(REQUEST).image is GOOD
        assert diffuser.diffuse(with_init(seed=50)).image is GOOD
        assert engine.seeds == [7, 8, 50, 51]
        assert engine.full == [False, True, False, True]

    @pytest.mark.parametrize("on_failure", ["stop", "reuse"])
    def test_interrupt_stops(self, on_failure):
        engine = FaultyEngine(BLACK)
        diffuser = ReliableDiffuser(engine, RetryPolicy("interrupt", on_failure=on_failure))
        assert "frame 12" in message(diffuser, with_init()).lower()
        assert "blank" in message(diffuser, with_init())
        assert engine.seeds == [7, 7]

    def test_ignored(self):
        engine = FaultyEngine(BLACK)
        diffuser = ReliableDiffuser(engine, RetryPolicy("ignore"))
        assert diffuser.diffuse(REQUEST).image is BLACK
        assert engine.seeds == [7]
        assert diffuser.events == ()

    def test_reused_once_patience_ends(self):
        diffuser = ReliableDiffuser(FaultyEngine(BLACK), RetryPolicy("reroll", patience=1, on_failure="reuse"))
        assert np.array_equal(diffuser.diffuse(with_init()).image, INIT)
        assert [event.action for event in diffuser.events] == ["rerolled", "reused"]
        assert diffuser.events[-1].seed == 8


class TestNotNumbers:
    def floats(self, value: float):
        picture = np.full(GOOD.shape, 0.5, np.float32)
        picture[3, 5, 1] = value
        return picture

    @pytest.mark.parametrize("fault", [NAN, np.nan, np.inf])
    def test_mended_by_full_precision_of_the_same_seed(self, fault):
        engine = FaultyEngine(fault if isinstance(fault, EngineNaNError) else self.floats(fault), GOOD)
        diffuser = ReliableDiffuser(engine)
        assert diffuser.diffuse(REQUEST).image is GOOD
        assert engine.seeds == [7, 7]
        assert engine.full == [False, True]
        assert [(event.action, event.seed) for event in diffuser.events] == [("full precision", 7)]

    def test_not_mended_stops(self):
        engine = FaultyEngine(NAN)
        text = message(ReliableDiffuser(engine))
        assert engine.full == [False, True]
        assert (
            "the VAE made NaN. It was diffused again with the VAE in full precision, in vain. Use another VAE" in text
        )

    def test_then_rerolled(self):
        engine = FaultyEngine(NAN, NAN, BLACK, GOOD)
        assert ReliableDiffuser(engine, RetryPolicy("reroll")).diffuse(REQUEST).image is GOOD
        assert engine.seeds == [7, 7, 8, 9]
        assert engine.full == [False, True, True, True]

    def test_already_in_full_precision(self):
        engine = FaultyEngine(NAN)
        request = DiffusionRequest(WIDTH, HEIGHT, "", vae_full_precision=True)
        assert "in vain" not in message(ReliableDiffuser(engine), request)
        assert len(engine.requests) == 1


class TestOutOfMemory:
    @pytest.mark.parametrize("error", [MEMORY, OutOfMemoryError("CUDA"), MemoryError("Unable to allocate")])
    def test_freed_and_tried_again(self, error):
        engine = FreeingEngine(error, GOOD)
        diffuser = ReliableDiffuser(engine)
        assert diffuser.diffuse(REQUEST).image is GOOD
        assert engine.freed == 1
        assert engine.requests == [REQUEST, REQUEST]
        assert [event.action for event in diffuser.events] == ["freed memory"]

    def test_a_given_function_frees(self):
        freed = []
        engine = FreeingEngine(MEMORY, GOOD)
        ReliableDiffuser(engine, free_memory=lambda: freed.append(len(engine.requests))).diffuse(REQUEST)
        assert freed == [1]
        assert engine.freed == 0

    def test_tried_again_without_anybody_to_free(self):
        assert ReliableDiffuser(FaultyEngine(MEMORY, GOOD)).diffuse(REQUEST).image is GOOD

    def test_what_the_failed_call_held_is_let_go_first(self):
        held: list[weakref.ref[np.ndarray]] = []

        def greedy(request: DiffusionRequest):
            latents = np.zeros(1000)
            held.append(weakref.ref(latents))
            try:
                raise OutOfMemoryError(f"{latents.size} more")
            except OutOfMemoryError as error:
                raise EngineMemoryError("no memory left") from error

        alive: list[bool] = []
        engine = FaultyEngine(greedy, GOOD)
        diffuser = ReliableDiffuser(engine, free_memory=lambda: alive.extend(ref() is not None for ref in held))
        assert diffuser.diffuse(REQUEST).image is GOOD
        assert alive == [False]

    def test_always_stops_and_says_what_to_do(self):
        engine = FreeingEngine(MEMORY)
        text = message(ReliableDiffuser(engine, RetryPolicy("reroll")))
        assert len(engine.requests) == 2
        assert text == (
            "Frame 12 could not be diffused by the engine 'faulty': CUDA out of memory. "
            "It was diffused again after freeing memory, in vain. "
            "Make W and H smaller, or close other programs that use the graphics memory."
        )

    def test_always_goes_on_with_the_picture_before(self):
        engine = FreeingEngine(MEMORY)
        diffuser = ReliableDiffuser(engine, RetryPolicy(on_failure="reuse"))
        made = diffuser.diffuse(with_init()).image
        assert np.array_equal(made, INIT)
        assert not np.shares_memory(made, INIT)
        assert diffuser.events == (
            Event(12, "freed memory", "CUDA out of memory", 7),
            Event(12, "reused", "CUDA out of memory", 7),
        )

    def test_nothing_to_go_on_with(self):
        assert "CUDA out of memory" in message(ReliableDiffuser(FaultyEngine(MEMORY), RetryPolicy(on_failure="reuse")))

    def test_then_nan_then_good(self):
        engine = FreeingEngine(MEMORY, NAN, GOOD)
        assert ReliableDiffuser(engine).diffuse(REQUEST).image is GOOD
        assert engine.full == [False, False, True]


class TestOtherErrors:
    def test_are_not_tried_again(self):
        engine = FaultyEngine(EngineError("The checkpoint is gone."))
        assert message(ReliableDiffuser(engine)).endswith("The checkpoint is gone.")
        assert len(engine.requests) == 1

    def test_unless_they_say_so(self):
        engine = FreeingEngine(EngineError("connection lost", retryable=True), GOOD)
        assert ReliableDiffuser(engine).diffuse(REQUEST).image is GOOD
        assert engine.freed == 1

    def test_and_then_once(self):
        engine = FaultyEngine(EngineError("connection lost", retryable=True))
        message(ReliableDiffuser(engine))
        assert len(engine.requests) == 2

    def test_foreign_errors_are_mapped(self):
        engine = FaultyEngine(ValueError("bad latents"))
        diffuser = ReliableDiffuser(engine)
        with pytest.raises(EngineError, match="ValueError: bad latents") as caught:
            diffuser.diffuse(REQUEST)
        assert caught.value.__cause__.__cause__ is engine.answers[0]

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), Interrupted("Stopped."), InputError("bad")])
    def test_what_is_no_failure_of_the_engine_passes(self, error):
        engine = FaultyEngine(error)
        diffuser = ReliableDiffuser(engine, RetryPolicy("reroll", on_failure="reuse"))
        with pytest.raises(type(error)) as caught:
            diffuser.diffuse(with_init())
        assert caught.value is error
        assert len(engine.requests) == 1


class TestPolicy:
    @pytest.mark.parametrize("choice", ["reroll", "interrupt", "ignore"])
    def test_of_settings(self, choice):
        settings = Settings().with_values({"reroll_blank_frames": choice, "reroll_patience": 2.9})
        assert RetryPolicy.of(settings) == RetryPolicy(choice, 2, "stop")
        assert RetryPolicy.of(settings, on_failure="reuse").on_failure == "reuse"

    @given(st.lists(st.sampled_from(["memory", "nan", "black", "none", "good"]), max_size=30), st.integers(0, 5))
    def test_every_story_ends(self, story, patience):
        """A picture or an error, after few diffusions, whatever happens in which order."""
        kinds = {"memory": MEMORY, "nan": NAN, "black": BLACK, "none": None, "good": GOOD}
        engine = FaultyEngine(*(kinds[name] for name in story), GOOD)
        diffuser = ReliableDiffuser(engine, RetryPolicy("reroll", patience))
        try:
            made = diffuser.diffuse(REQUEST).image
        except EngineError:
            made = None
        assert made is None or made is GOOD
        assert len(engine.requests) <= 1 + 1 + 1 + patience
        assert len(diffuser.events) == len(engine.requests) - 1


class TestFindings:
    def test_one_of_each_kind(self):
        events = [Event(f, "rerolled", "the picture is blank", 9) for f in (3, 3, 8)]
        events.append(Event(4, "reused", "CUDA:\nout of memory.", 1))
        texts = [str(finding) for finding in event_findings(events)]
        assert texts == [
            "2 frames were diffused again with another seed (frame 3, 8): the picture is blank.",
            "1 frame was not diffused; the picture to be diffused was kept instead (frame 4): CUDA: out of memory.",
        ]

    def test_many_frames_are_cut_short(self):
        (finding,) = event_findings(Event(f, "rerolled", "blank", 9) for f in range(100))
        assert "100 frames" in finding.message
        assert finding.message.count(",") == 10
        assert finding.severity == "warning"

    def test_none(self):
        assert event_findings(()) == ()
