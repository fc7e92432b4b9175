"""The door with a real queue, a real engine and real files behind it."""

from __future__ import annotations

import gzip
import json
import os
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from deforum_helpers.errors import InputError, SettingsError
from deforum_helpers.hosts.preview.engine import PreviewEngine
from deforum_helpers.jobs.access import Access
from deforum_helpers.jobs.queue import JobQueue
from deforum_helpers.jobs.runner import DeforumRunner
from deforum_helpers.parseq.loader import load_manifest
from deforum_helpers.run_deforum import RunOptions
from deforum_helpers.settings.schema import Settings
from deforum_helpers.ui.door import Door
from deforum_helpers.ui.planning import Planner, expected_seconds
from deforum_helpers.ui.queue_door import QueueDoor
from deforum_helpers.ui.values import Draft

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = Settings().replace(W=64, H=64, max_frames=6, fps=10, prompts={"0": "a house"})


@contextmanager
def engine():
    yield PreviewEngine()


@pytest.fixture
def queue(tmp_path):
    options = RunOptions(out=tmp_path / "out", threads=2)
    with closing(JobQueue(tmp_path / "jobs.sqlite", DeforumRunner(engine, lambda _: options))) as opened:
        yield opened


@pytest.fixture
def door(queue, tmp_path) -> Door:
    return QueueDoor(queue, tmp_path / "out", EXAMPLES)


def ended(door, job_id):
    for _ in door.queue.events(job_id):
        pass
    return door.job(job_id)


class TestRunning:
    def test_a_run_from_draft_to_gallery(self, door):
        (job_id,) = door.submit([Draft(SMALL)])
        job = ended(door, job_id)
        assert (job.status, job.frame, job.frames) == ("SUCCEEDED", 6, 6)
        (run,) = door.runs()
        assert (run.timestring, run.frames, run.unfinished) == (job.timestring, 6, False)
        assert run.video == Path(job.video)
        assert run.picture.is_file()
        assert run.seconds > 0
        assert door.active() == ()
        assert door.load_settings(run.settings).settings.anim.max_frames == 6

    def test_several_at_once(self, door):
        ids = door.submit([Draft(SMALL), Draft(SMALL.replace(max_frames=3))])
        assert [ended(door, job_id).frames for job_id in ids] == [6, 3]

    def test_mistakes_are_refused_before_anything_is_queued(self, door):
        with pytest.raises(InputError, match="zoom"):
            door.submit([Draft(SMALL), Draft(SMALL.replace(zoom="0: (oops)"))])
        assert door.queue.jobs() == ()

    def test_a_run_that_was_stopped_goes_on(self, door):
        (job_id,) = door.submit([Draft(SMALL.replace(max_frames=400))])
        for status in door.queue.events(job_id):
            if status.frame:
                door.stop(job_id)
                break
        stopped = ended(door, job_id)
        assert stopped.status == "CANCELLED"
        (run,) = door.runs()
        assert run.unfinished
        again = ended(door, door.resume(run.timestring))
        assert (again.status, again.frame) == ("SUCCEEDED", 400)
        assert [run.unfinished for run in door.runs()] == [False]
        with pytest.raises(InputError, match="complete"):
            door.resume(run.timestring)

    def test_no_such_run(self, door):
        with pytest.raises(InputError, match="no run 20260101000000"):
            door.resume("20260101000000")


class TestKept:
    def test_what_was_submitted_last_is_what_the_page_begins_with(self, queue, tmp_path):
        (tmp_path / "from").mkdir()
        (tmp_path / "from" / "song.mp3").touch()
        wanted = [tmp_path / "kept" / "last.txt"]
        door = QueueDoor(queue, tmp_path / "out", EXAMPLES, keeps_in=lambda: wanted[0])
        assert door.kept() is None
        draft = Draft(SMALL.replace(soundtrack_path="song.mp3", max_frames=3), tmp_path / "from")
        ended(door, *door.submit([Draft(SMALL), draft])[1:])
        kept = door.kept().settings
        assert kept.value("max_frames") == 3
        assert kept.value("soundtrack_path") == str(tmp_path / "from" / "song.mp3")
        wanted[0] = None
        door.submit([Draft(SMALL)])
        assert door.kept() is None
        wanted[0] = tmp_path / "kept" / "last.txt"
        assert door.kept().settings == kept

    def test_what_cannot_be_run_is_not_kept(self, queue, tmp_path):
        door = QueueDoor(queue, tmp_path / "out", EXAMPLES, keeps_in=lambda: tmp_path / "last.txt")
        with pytest.raises(InputError):
            door.submit([Draft(SMALL.replace(zoom="0: (oops)"))])
        assert door.kept() is None

    def test_damaged_ones_are_told(self, queue, tmp_path):
        (tmp_path / "last.txt").write_text("{", "utf-8")
        with pytest.raises(InputError, match=r"last\.txt"):
            QueueDoor(queue, tmp_path / "out", EXAMPLES, keeps_in=lambda: tmp_path / "last.txt").kept()


class TestPlans:
    def test_findings_come_with_the_plan(self, door):
        view = door.plan(Draft(SMALL.replace(near_schedule="0: (3)")))
        assert view.data.max_frames == 6
        assert "near_schedule" in {finding.key for finding in view.findings}

    def test_without_a_plan_there_are_errors(self, door):
        view = door.plan(Draft(SMALL.replace(zoom="0: (oops)")))
        assert view.data is None
        assert [f.key for f in view.findings if f.severity == "error"] == ["zoom"]

    def test_expected_time_follows_the_last_run(self, door, tmp_path):
        report = tmp_path / "report.json"
        report.write_text(json.dumps({"frames": 10, "diffused": 5, "seconds": {"total": 20.0, "diffusion": 10.0}}))
        data = door.plan(Draft(SMALL.replace(diffusion_cadence=1))).data
        assert expected_seconds(data, report) == pytest.approx(6 * 2.0 + 6 * 1.0)
        assert expected_seconds(data, None) is None
        report.write_text("{")
        assert expected_seconds(data, report) is None

    def test_a_manifest_is_read_once_and_again_when_it_changes(self, tmp_path):
        source = EXAMPLES / "beat_sync" / "parseq.json"
        copy = tmp_path / "parseq.json"
        copy.write_bytes(source.read_bytes())
        asked = []

        def load(text, folders):
            asked.append(text)
            return load_manifest(text, base_dirs=folders)

        planner, draft = Planner(load), Draft(SMALL.replace(parseq_manifest="parseq.json"), tmp_path)
        views = [planner.plan(draft, lambda _: None) for _ in range(3)]
        assert views[0].data.parseq.key_frames
        assert asked == ["parseq.json"]
        os.utime(copy, (1, 1))
        planner.plan(draft, lambda _: None)
        planner.forget("parseq.json")
        planner.plan(draft, lambda _: None)
        assert len(asked) == 3

    def test_a_large_manifest_is_kept_as_a_file(self, door):
        text = (EXAMPLES / "beat_sync" / "parseq.json").read_text("utf-8")
        path = door.keep_manifest(text)
        assert Path(path).read_text("utf-8") == text
        assert door.keep_manifest(path) == path
        assert door.keep_manifest('{"small": 1}') == '{"small": 1}'
        plan = door.plan(Draft(SMALL.replace(parseq_manifest=path)))
        assert plan.data.parseq.key_frames

    def test_a_packed_manifest_file(self, door, tmp_path):
        packed = tmp_path / "parseq.json.gz"
        packed.write_bytes(gzip.compress((EXAMPLES / "beat_sync" / "parseq.json").read_bytes()))
        assert door.plan(Draft(SMALL.replace(parseq_manifest=str(packed)))).data.parseq is not None


class TestFiles:
    def test_saved_and_loaded(self, door, tmp_path):
        saved = door.save_settings(Draft(SMALL), Path("mine.txt"))
        assert saved == (tmp_path / "out" / "mine.txt").resolve()
        loaded = door.load_settings(Path("mine.txt"))
        assert loaded.settings.with_values({}) == SMALL
        assert loaded.folder == saved.parent

    @pytest.mark.parametrize("name", ["../a.txt", "/etc/cron.d/a.txt", "a.py", "", "a", "presets/../../b.txt"])
    def test_nothing_is_written_elsewhere(self, door, tmp_path, name):
        with pytest.raises(SettingsError):
            door.save_settings(Draft(SMALL), Path(name))
        assert not (tmp_path / "a.txt").exists()
        assert not (tmp_path / "b.txt").exists()

    def test_strangers_read_only_what_is_meant_for_them(self, queue, tmp_path):
        secret = tmp_path / "secret.txt"
        secret.write_text("{}", "utf-8")
        door = QueueDoor(queue, tmp_path / "out", EXAMPLES, access=Access((tmp_path / "out", EXAMPLES)))
        with pytest.raises(SettingsError, match="outside"):
            door.load_settings(secret)
        view = door.plan(Draft(SMALL.replace(parseq_manifest=str(secret))))
        assert (view.data, [finding.key for finding in view.findings]) == (None, ["parseq_manifest"])
        assert door.load_settings(EXAMPLES / "cadence" / "deforum_settings.txt").settings.anim.max_frames > 1


class TestPresets:
    def test_ours_and_the_users(self, door):
        assert [preset.name for preset in door.presets()] == ["beat sync", "cadence", "neo core"]
        kept = door.save_preset(Draft(SMALL), " My look 2 ")
        assert kept.name == "My look 2"
        assert door.presets()[-1] == kept
        assert door.load_settings(kept.settings).settings.anim.max_frames == 6

    @pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 99, "a\0b"])
    def test_names_that_are_no_names(self, door, name):
        with pytest.raises(InputError, match="cannot be called"):
            door.save_preset(Draft(SMALL), name)
