"""All frames are always written: any length, cadence, distribution and alignment."""

from __future__ import annotations

import io
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from e2e_parts import decode_frames, frame_indices, manifest_text, only_run, run_main, write_settings

from deforum_helpers.cli.progress import TerminalProgress
from deforum_helpers.job import load_job, plan_job
from deforum_helpers.media.encode import EncodeOptions, FfmpegVideoWriter
from deforum_helpers.parseq.manifest import parse_manifest
from deforum_helpers.ports import Diffused
from deforum_helpers.render import render_animation
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.rendering.data.step.key_index_distribution import KeyIndexDistribution
from deforum_helpers.rendering.data.step.tween import TweenAlignment, tweens
from deforum_helpers.run_deforum import RunOptions, run_job
from deforum_helpers.settings.schema import Settings

LENGTHS = range(1, 41)
CADENCES = range(1, 46)
PARSEQ_KEYS = (3, 4, 10, 17, 31, 39, 50)


@pytest.mark.parametrize("alignment", TweenAlignment)
@pytest.mark.parametrize("distribution", KeyIndexDistribution)
def test_every_plan_makes_every_frame_once_in_order_of_pictures_at_hand(distribution, alignment):
    for length, cadence in itertools.product(LENGTHS, CADENCES):
        keys = distribution.calculate(0, length, cadence, PARSEQ_KEYS, seed=length * 100 + cadence)
        made = tweens(keys, length, alignment, cuts=frozenset(k for k in keys if k % 3 == 1))
        case = (length, cadence)
        assert [tween.index for tween in made] == list(range(length)), case
        newer = [tween.newer for tween in made]
        assert newer == sorted(newer), case
        assert all(0 <= t.newer - t.older <= 1 and 0 <= t.weight <= 1 for t in made), case
        if alignment is TweenAlignment.EXACT:
            assert all(made[key].newer == position for position, key in enumerate(keys)), case


class Flat:
    """Diffuses a picture of one colour, which tells the frame it was made for."""

    name = "flat"

    def diffuse(self, request):
        return Diffused(np.full((request.height, request.width, 3), request.frame, np.uint8))


@pytest.mark.parametrize("alignment", ["Exact", "Classic"])
@pytest.mark.parametrize("distribution", [d.value for d in KeyIndexDistribution])
def test_the_loop_emits_every_frame_in_order(distribution, alignment):
    manifest = parse_manifest(manifest_text(45, PARSEQ_KEYS, strength=[0.5] * 45))
    settings = Settings().with_values(
        {
            "W": 8,
            "H": 8,
            "seed": 7,
            "color_coherence": "None",  # would match the colours of one flat picture to the next
            "neocore_key_index_distribution": distribution,
            "neocore_tween_alignment": alignment,
            "parseq_non_schedule_overrides": False,
        }
    )
    with ThreadPoolExecutor(2) as workers:
        for length, cadence in itertools.product((1, 2, 3, 5, 12, 40), (1, 2, 3, 7, 12, 39, 45)):
            values = {"max_frames": length, "diffusion_cadence": cadence}
            data = build_render_data(settings.with_values(values), manifest)
            emitted = []
            # The lists must not outlive the loop's turn, hence bound here.
            render_animation(data, Flat(), lambda index, image, to=emitted: to.append((index, image[4, 4, 0])), workers)
            assert [index for index, _ in emitted] == list(range(length)), (length, cadence)
            if alignment == "Exact":
                assert all(emitted[key][1] == key for key in data.key_frames), (length, cadence)


@pytest.mark.parametrize(
    ("length", "cadence", "distribution", "alignment"),
    [
        (1, 1, "Uniform Spacing", "Exact"),
        (1, 45, "Uniform Spacing", "Classic"),
        (2, 3, "Random Spacing", "Exact"),
        (7, 45, "Uniform Spacing", "Exact"),
        (7, 45, "Uniform Spacing", "Classic"),
        (11, 5, "Parseq Only", "Exact"),
        (11, 5, "Parseq Only", "Classic"),
        (13, 4, "Uniform with Parseq", "Exact"),
        (13, 4, "Uniform with Parseq", "Classic"),
        (40, 7, "Random Placement", "Exact"),
        (40, 7, "Random Spacing", "Classic"),
        (40, 40, "Uniform with Parseq", "Classic"),
    ],
)
def test_the_command_writes_every_frame_and_a_video_of_as_many(
    tmp_path, capsys, length, cadence, distribution, alignment
):
    (tmp_path / "parseq.json").write_text(manifest_text(45, PARSEQ_KEYS, strength=[0.5] * 45))
    settings = write_settings(
        tmp_path,
        W=16,
        H=16,
        max_frames=length,
        diffusion_cadence=cadence,
        neocore_key_index_distribution=distribution,
        neocore_tween_alignment=alignment,
        parseq_manifest="parseq.json",
        parseq_non_schedule_overrides=False,
    )
    said = run_main(
        capsys, "render", settings, "--out", tmp_path / "out", "--json", "--preset", "ultrafast", "--threads", 2
    )
    assert said.code == 0, said.err
    result = json.loads(said.out.splitlines()[-1])
    folder = only_run(tmp_path / "out")
    assert frame_indices(folder) == list(range(length))
    assert result["frames"] == length
    assert len(decode_frames(folder / f"{result['timestring']}.mp4", 16, 16)) == length


def test_planning_and_rendering_count_the_frames_of_a_video_once(tmp_path):
    video = tmp_path / "clip.mp4"
    writer = FfmpegVideoWriter(video, width=64, height=48, fps=Fraction(12), options=EncodeOptions(preset="ultrafast"))
    for level in range(7):
        writer.write(np.full((48, 64, 3), level * 30, np.uint8))
    writer.close()
    told = []
    job = load_job(write_settings(tmp_path, animation_mode="Video Input", video_init_path="clip.mp4"), {})
    data, _ = plan_job(job, told=lambda *heard: told.append(heard))
    assert told[-1] == ("Counting frames of clip.mp4", 7, 7)
    options = RunOptions(out=tmp_path / "out", threads=1, on_step=lambda *heard: told.append(heard))
    before = len(told)
    result = run_job(job, data, Flat(), options, TerminalProgress(io.StringIO()))
    assert result.report.frames == 7
    assert len(told) == before
