"""Sync, measured on the finished video: what is seen lands on what is heard."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from e2e_parts import (
    ROOT,
    click_times,
    decode_frames,
    frame_files,
    manifest_text,
    only_run,
    run_process,
    write_clicks,
    write_settings,
)

from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.job import load_job, plan_job
from deforum_helpers.media.encode import EncodeOptions
from deforum_helpers.media.store import read_image
from deforum_helpers.run_deforum import RunOptions, run_job

FAST = ("--preset", "ultrafast")
BEAT_EXAMPLE = ROOT / "examples" / "beat_sync" / "deforum_settings.txt"
NEO_EXAMPLE = ROOT / "examples" / "neo_core" / "deforum_settings.txt"
CLASSIC = ("neocore_tween_alignment=Classic", "max_frames=200")
NTSC = Fraction(24000, 1001)
CUTS = (0, 5, 17, 23, 24, 41, 60, 66, 95, 118)


class Silent:
    """A progress nobody watches."""

    def start(self, frames, key_frames):
        self.frames, self.key_frames = frames, key_frames

    def advance(self, index, image, is_key):
        pass

    def finish(self):
        pass


class Recording(PreviewEngine):
    """Remembers every picture it made, by output frame."""

    def __init__(self):
        super().__init__()
        self.pictures = {}

    def diffuse(self, request):
        made = super().diffuse(request)
        self.pictures[request.frame] = made.image.copy()
        return made


def landing(pictures, frame, lag, reach):
    """The frame within ``reach`` of ``frame`` that differs most from the one ``lag`` frames before it.

    In Exact alignment the picture of a key frame fades in over the interval before it and is complete on it: the
    change over one interval is a triangle that peaks on the key frame, whatever else moves. Squares of a small picture
    weigh the change of scene more than the jitter of details.
    """
    frames = range(frame - reach, min(frame + reach + 1, len(pictures)))
    change = [np.square(pictures[f] - pictures[f - lag]).mean() for f in frames]
    return frames[int(np.argmax(change))]


def test_every_beat_of_the_example_is_seen_when_its_click_is_heard(tmp_path):
    said = run_process("render", BEAT_EXAMPLE, "--out", tmp_path, *FAST, timeout=300)
    assert said.code == 0, said.err
    video = next(only_run(tmp_path).glob("*.mp4"))
    assert said.out.splitlines()[-1] == str(video)
    pictures = decode_frames(video, 64, 36).astype(np.float32)
    clicks = click_times(video)
    fps = 60
    assert len(pictures) == 1200
    assert len(clicks) == 40  # one each half second, the first with frame 0
    # Every frame is diffused, so a beat is a jump from one frame to the next.
    landed = [landing(pictures, round(click * fps), lag=1, reach=14) for click in clicks[1:]]
    off = np.array(landed) / fps - clicks[1:]
    assert np.abs(off).max() <= 0.5 / fps, dict(zip(landed, off * fps, strict=True))


def test_with_few_diffusions_each_beat_is_complete_on_its_frame(tmp_path):
    said = run_process("render", NEO_EXAMPLE, "--set", "max_frames=200", "--out", tmp_path, *FAST)
    assert said.code == 0, said.err
    pictures = decode_frames(next(only_run(tmp_path).glob("*.mp4")), 64, 36).astype(np.float32)
    assert [landing(pictures, beat, lag=6, reach=14) for beat in range(30, 200, 30)] == list(range(30, 200, 30))


def test_the_measurement_tells_classic_alignment_which_lands_a_cadence_minus_one_late(tmp_path):
    options = [word for change in CLASSIC for word in ("--set", change)]
    said = run_process("render", NEO_EXAMPLE, *options, "--out", tmp_path, *FAST)
    assert said.code == 0, said.err
    pictures = decode_frames(next(only_run(tmp_path).glob("*.mp4")), 64, 36).astype(np.float32)
    late = [landing(pictures, beat, lag=6, reach=14) - beat for beat in range(30, 200, 30)]
    # Sideways jumps of the camera on a snare stay on the beat, and may outweigh the fade.
    assert sum(frames == 5 for frames in late) >= 4
    assert set(late) <= {0, 5}


@pytest.mark.parametrize("distribution", ["Parseq Only", "Uniform with Parseq"])
def test_cuts_at_irregular_frames_jump_on_the_click_at_23_976_fps(tmp_path, distribution):
    frames = 130
    write_clicks(tmp_path / "clicks.wav", float(frames / NTSC), [float(k / NTSC) for k in CUTS])
    strength = [0.0 if f in CUTS else 0.9 for f in range(frames)]
    seeds = [100 + 37 * sum(k <= f for k in CUTS) for f in range(frames)]
    text = manifest_text(frames, CUTS, fps="23.976", strength=strength, seed=seeds, zoom=[1.01] * frames)
    (tmp_path / "parseq.json").write_text(text)
    settings = write_settings(
        tmp_path,
        max_frames=frames,
        diffusion_cadence=6,
        neocore_key_index_distribution=distribution,
        parseq_manifest="parseq.json",
        parseq_non_schedule_overrides=False,
        seed_behavior="schedule",
        fps="23.976",
        add_soundtrack="File",
        soundtrack_path="clicks.wav",
    )
    said = run_process("render", settings, "--out", tmp_path / "out", *FAST)
    assert said.code == 0, said.err
    video = next(only_run(tmp_path / "out").glob("*.mp4"))
    pictures = decode_frames(video, 64, 48).astype(np.float32)
    heard = [round(time * NTSC) for time in click_times(video)]
    change = np.abs(np.diff(pictures, axis=0)).mean((1, 2, 3))
    # A cut changes the picture several times as much as any motion or fade between cuts does.
    on_cut = np.isin(np.arange(1, frames), CUTS)
    threshold = np.sqrt(change[on_cut].min() * change[~on_cut].max())
    assert change[on_cut].min() > 2 * change[~on_cut].max()
    seen = [0, *(np.flatnonzero(change > threshold) + 1).tolist()]
    assert heard == list(CUTS)
    assert seen == list(CUTS)
    assert len(pictures) == frames


@pytest.mark.parametrize("distribution", ["Parseq Only", "Uniform with Parseq", "Random Spacing"])
def test_key_frames_on_disk_are_the_diffused_pictures_bit_for_bit(tmp_path, distribution):
    keys = (0, 4, 9, 11, 20)
    (tmp_path / "parseq.json").write_text(manifest_text(24, keys, strength=[0.4] * 24, angle=[1.5] * 24))
    settings = write_settings(
        tmp_path, diffusion_cadence=3, neocore_key_index_distribution=distribution, parseq_manifest="parseq.json"
    )
    job = load_job(settings, {"max_frames": "24", "parseq_non_schedule_overrides": "false"})
    data, _ = plan_job(job)
    engine = Recording()
    options = RunOptions(out=tmp_path / "out", threads=2, encode=EncodeOptions(preset="ultrafast"))
    result = run_job(job, data, engine, options, Silent())
    files = frame_files(result.outdir)
    assert len(files) == 24
    assert sorted(engine.pictures) == list(data.key_frames)
    if distribution != "Random Spacing":
        assert set(keys) <= set(data.key_frames)
    for key, picture in engine.pictures.items():
        np.testing.assert_array_equal(read_image(files[key]), picture)


def test_a_thread_pool_is_not_shared_between_runs(tmp_path):
    """Two runs at the same time in one process do not mix."""
    jobs = [load_job(write_settings(tmp_path, f"{seed}.txt", seed=seed), {}) for seed in (1, 2)]
    plans = [plan_job(job)[0] for job in jobs]

    def render(position):
        engine = Recording()
        options = RunOptions(out=tmp_path / "out", video=False, threads=2)
        return engine, run_job(jobs[position], plans[position], engine, options, Silent())

    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(render, range(2)))
    assert runs[0][1].outdir != runs[1][1].outdir
    for engine, result in runs:
        np.testing.assert_array_equal(read_image(frame_files(result.outdir)[4]), engine.pictures[4])
