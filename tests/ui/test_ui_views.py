"""What is drawn: well-formed HTML that says what it should, and escapes what people typed."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import EngineError, Finding, InputError
from deforum_helpers.jobs.status import JobStatus
from deforum_helpers.parseq.manifest import parse_manifest
from deforum_helpers.rendering.data.plan import build_render_data
from deforum_helpers.settings.schema import SETTINGS, Settings
from deforum_helpers.ui import svg
from deforum_helpers.ui.door import PastRun, PlanView
from deforum_helpers.ui.findings_view import error_html, findings_html, label_of
from deforum_helpers.ui.plan_view import (
    MOVING,
    duration_text,
    managed_fields,
    manifest_html,
    plan_html,
    plan_svg,
    series_choices,
)
from deforum_helpers.ui.runs_view import gallery_html, run_html, run_label
from deforum_helpers.ui.schedule_view import CHECKED, schedule_html, schedule_reply
from deforum_helpers.ui.status_view import picture_html, status_html, video_html

VOID = {"img", "br", "hr", "input", "meta", "link"}
NASTY = '<script>alert("x")</script>&"\''


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not open; counts what it saw."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(html):
    """The tags and attributes of ``html``, which must be balanced and hold no script."""
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    assert "script" not in {tag for tag, _ in parser.seen}
    return parser.seen


def classes(html):
    return [name for _, facts in checked(html) for name in (facts.get("class") or "").split()]


class TestFindings:
    def test_the_gravest_comes_first_and_each_once(self):
        findings = [Finding("note", "n"), Finding("error", "e"), Finding("warning", "w"), Finding("error", "e")]
        assert [c for c in classes(findings_html(findings)) if c != "deforum-findings"] == [
            "deforum-error",
            "deforum-warning",
            "deforum-note",
        ]

    def test_a_setting_is_called_by_its_label_and_can_be_jumped_to(self):
        html = findings_html([Finding("error", "wrong", "zoom", 60, 17, "0: (1.01), 60: (sine(t))")])
        link = next(facts for tag, facts in checked(html) if tag == "button")
        assert (link["data-tab"], link["data-field"]) == ("Keyframes", "deforum_setting_zoom")
        assert link["data-sections"] == "motion_noise_etc"
        assert "Zoom</button>, frame 60: wrong" in html
        assert "<mark>s</mark>ine(t))" in html

    def test_nothing_to_say(self):
        assert findings_html([]) == ""
        assert "Fine." in findings_html([], none="Fine.")

    def test_units_are_told_apart(self):
        assert label_of("cn_2_weight") == "CN Model 2: Weight schedule"

    @pytest.mark.parametrize("error", [InputError(NASTY, key=NASTY, column=2, text=NASTY), EngineError(NASTY)])
    def test_errors_are_escaped(self, error):
        checked(error_html(error))


class TestSchedules:
    def test_a_moving_schedule_is_drawn_with_its_limits(self):
        html = schedule_html("zoom", "0: (1), 20: (1.5)", max_frames=21, seed=0)
        assert {"deforum-sparkline", "deforum-curve"} <= set(classes(html))
        assert ">1.5</span><span>1</span>" in html

    def test_one_number_needs_no_drawing(self):
        assert schedule_html("zoom", "0: (1)", max_frames=30, seed=0) == ""

    def test_a_mistake_is_shown_in_its_place(self):
        html = schedule_html("zoom", "0: (1), 20: (sine(t))", max_frames=30, seed=0)
        assert "deforum-error" in classes(html)
        assert "Did you mean sin?" in html

    def test_no_number(self):
        assert "is no number here" in schedule_html("zoom", "0: (1), 5: (0/0)", max_frames=30, seed=0) or (
            "deforum-error" in schedule_html("zoom", "0: (1), 5: (0/0)", max_frames=30, seed=0)
        )

    def test_words_become_stripes(self):
        html = schedule_html("sampler_schedule", '0: ("Euler a"), 10: ("DDIM")', max_frames=30, seed=0)
        assert [facts["style"] for tag, facts in checked(html) if tag == "span"] == ["flex-grow:10", "flex-grow:20"]

    def test_prompts_become_stripes(self):
        html = schedule_html("prompts", '{"0": "a", "max_f/2": "b"}', max_frames=31, seed=0)
        assert [facts["title"] for tag, facts in checked(html) if tag == "span"] == ["0: a", "15: b"]

    def test_prompts_that_are_no_json(self):
        assert "deforum-error" in classes(schedule_html("prompts", '{"0": "a"', max_frames=30, seed=0))

    def test_many_boxes_are_answered_at_once(self):
        query = {"max_frames": "30", "seed": "-1", "boxes": {"zoom": "0: (t)", "W": "1", "none": "x"}, "at": 5}
        reply = json.loads(schedule_reply(json.dumps(query), str))
        assert (reply["at"], list(reply["views"])) == (5, ["zoom"])

    @given(st.sampled_from(sorted(k for k, s in SETTINGS.items() if s.kind in CHECKED)), st.text(max_size=40))
    def test_whatever_is_typed_gets_an_answer(self, key, text):
        checked(schedule_html(key, text, max_frames=9, seed=3))


class TestDrawings:
    def test_every_peak_of_a_long_series_is_kept(self):
        values = np.zeros(100_000)
        values[54_321] = 7.0
        path = svg.curve(svg.Frame(0, 0, 100, 10, len(values), 0, 7), values, "c")
        assert len(path) < 30_000
        assert "54.3 0.0" in path

    def test_gaps(self):
        values = np.array([0.0, np.nan, 1.0, 1.0])
        assert svg.curve(svg.Frame(0, 0, 3, 1, 4), values, "c").count("M") == 2


def plan_of(**values):
    return build_render_data(Settings().replace(**values), None, seed=1)


class TestPlan:
    def test_figures(self):
        html = plan_html(PlanView(plan_of(max_frames=50, diffusion_cadence=5), (), 65.0))
        assert "<dd>50</dd>" in html
        assert "10 (20%)" in html
        assert "about 1:05" in html
        assert "Nothing to complain about." in html
        checked(html)

    def test_keys_and_grid_are_drawn(self):
        drawn = plan_svg(plan_of(max_frames=50, diffusion_cadence=5))
        keys = next(facts for _, facts in checked(drawn) if facts.get("class") == "deforum-keys")
        assert keys["d"].count("M") == 10
        assert "deforum-grid" in classes(drawn)

    def test_the_chosen_series(self):
        data = plan_of(max_frames=50)
        choices = series_choices()
        assert next(iter(choices)) == MOVING
        assert "Strength schedule" in plan_svg(data, choices["Strength schedule"])
        assert "Strength schedule" not in plan_svg(data)

    def test_a_part_of_the_frames_can_be_looked_at(self):
        data = plan_of(max_frames=50, diffusion_cadence=5)
        drawn = plan_svg(data, MOVING, range(10, 21))
        keys = next(facts["d"] for _, facts in checked(drawn) if facts.get("class") == "deforum-keys")
        assert keys.count("M") == 3  # 10, 15 and 20
        html = plan_html(PlanView(data, ()), MOVING, (10, 20))
        assert "Frames 10 to 20" in html
        assert 'data-first="10" data-last="20" data-frames="50"' in html

    @given(st.integers(-5, 60), st.integers(-5, 60))
    def test_any_part_that_is_asked_for_is_drawn(self, first, last):
        checked(plan_html(PlanView(plan_of(max_frames=20, diffusion_cadence=5), ()), MOVING, (first, last)))

    def test_without_a_plan_only_what_is_wrong(self):
        view = PlanView(None, (Finding("error", "no", "zoom"),))
        assert "mend the errors" in plan_html(view)
        assert "deforum-error" in classes(manifest_html(view))

    def test_a_manifest(self):
        path = Path(__file__).parents[2] / "examples" / "beat_sync" / "parseq.json"
        manifest = parse_manifest(path.read_text("utf-8"))
        data = build_render_data(Settings().replace(parseq_manifest="x"), manifest, seed=1)
        html = manifest_html(PlanView(data, ()))
        assert f"<dd>{manifest.frame_count}</dd>" in html
        assert f"<dd>{len(manifest.key_frames)}</dd>" in html
        assert "deforum_setting_strength_schedule" in managed_fields(PlanView(data, ()))
        drawn = plan_svg(data)
        assert {"deforum-parseq", "deforum-keys"} <= set(classes(drawn))

    @pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.4, "1:05"), (3600, "1:00:00"), (-3, "0:00")])
    def test_durations(self, seconds, text):
        assert duration_text(seconds) == text


class TestStatus:
    def test_a_run(self):
        job = JobStatus("j", phase="GENERATING", frame=30, frames=120, seconds_left=65.0, outdir="/runs/a")
        html = status_html([job])
        assert "Rendering · frame 30 of 120 · 1:05 left" in html
        facts = checked(html)
        assert facts[0][1]["data-live"] == "1"
        assert facts[1][1]["aria-valuenow"] == "25"

    @pytest.mark.parametrize(
        ("facts", "text"),
        [
            ({"phase": "QUEUED", "position": 2}, "Waiting, 2 before it"),
            (
                {"phase": "GENERATING", "paused": True, "frame": 3, "frames": 9, "seconds_left": 4.0},
                "Paused · frame 3 of 9<",
            ),
            ({"phase": "GENERATING", "stopping": True}, "Stopping after this frame"),
            ({"status": "SUCCEEDED", "phase": "DONE", "frame": 9, "frames": 9}, "Done · 9 of 9 frames"),
            ({"status": "FAILED", "message": NASTY}, "Failed"),
        ],
    )
    def test_states(self, facts, text):
        html = status_html([JobStatus("j", **facts)])
        assert text in html
        checked(html)

    def test_of_several_the_one_at_work_is_shown(self):
        jobs = [JobStatus("a", status="SUCCEEDED"), JobStatus("b", phase="PREPARING"), JobStatus("c")]
        assert "Preparing · 1 of 3 runs over" in status_html(jobs)

    def test_over_is_not_asked_for_again(self):
        assert 'data-live="0"' in status_html([JobStatus("a", status="CANCELLED")])

    def test_how_to_go_on_is_told_where_there_is_something_to_go_on_with(self):
        facts = {"status": "FAILED", "message": "It is full.", "frame": 3}
        kept = JobStatus("a", error_type="RETRYABLE", timestring="20240102030405", **facts)
        assert "It is full. Resume Animation in the tab Run goes on with it." in status_html([kept])
        for job in (JobStatus("a", error_type="TERMINAL", **facts), JobStatus("a", error_type="RETRYABLE", **facts)):
            assert "Resume Animation" not in status_html([job])

    def test_pictures_and_videos(self):
        assert "image/png" in picture_html(b"\x89PNG\r\n")
        assert "image/jpeg" in picture_html(b"\xff\xd8")
        assert "src" not in dict(checked(picture_html(None))[0][1])
        assert (
            next(f["src"] for t, f in checked(video_html("file=/a b.mp4", "a b.mp4")) if t == "video")
            == "file=/a b.mp4"
        )


class TestRuns:
    def run(self, **facts):
        run = {
            "name": NASTY, "timestring": "20260102030405", "folder": Path("/o/r"), "settings": Path("/o/r/s.txt"),
            "video": None, "picture": None, "frames": 7, "seconds": None, "unfinished": True,
        }  # fmt: skip
        return PastRun(**{**run, **facts})

    def test_none(self):
        assert "no runs yet" in gallery_html([], str)

    def test_a_card_names_its_run(self):
        html = gallery_html([self.run(picture=Path("/o/r/1.png"))], lambda path: f"file={path}")
        facts = checked(html)
        assert facts[1][1]["data-run"] == "20260102030405"
        assert facts[2][1]["src"] == "file=/o/r/1.png"
        assert "can be resumed" in html

    def test_in_full(self):
        html = run_html(self.run(video=Path("/o/r/1.mp4"), unfinished=False, seconds=61), str)
        assert next(facts["src"] for tag, facts in checked(html) if tag == "video") == "/o/r/1.mp4"
        assert "took 1:01" in html

    def test_label(self):
        assert run_label(self.run(name="n")) == "2026-01-02 03:04:05 · n · unfinished"
