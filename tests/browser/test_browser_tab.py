"""The tab in all its gradios, as people use it."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from deforum_helpers.media.encode import EncodeOptions, FfmpegVideoWriter
from deforum_helpers.settings.files import dump_settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "goldens" / "settings_corpus"
LOOK = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
    const opaque = (each) => !each || getComputedStyle(each).opacity === '1' && opaque(each.parentElement);
    const shown = [...document.querySelectorAll('#deforum_status p, .deforum-picture')];
    const top = document.querySelector('#deforum_right').getBoundingClientRect().top;
    const place = (box) => [box.top - top, box.height];
    done(shown.map((each) => [each.innerText, opaque(each), ...place(each.getBoundingClientRect())]));
})))"""
TABS = ["Run", "Keyframes", "Prompts", "Init", "ControlNet", "Hybrid Video", "Output", "Neo Core"]


@pytest.fixture(scope="module")
def files_url():
    """Address at which the examples are served."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(ROOT / "examples"))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def small(tab, frames=60):
    """Settings for a run of a few seconds."""
    tab.write("W", "64")
    tab.write("H", "64")
    tab.go("Keyframes")
    tab.write("max_frames", str(frames))


class TestSettings:
    def test_the_tab_opens(self, tab):
        assert tab.tabs() == TABS
        assert "Ready" in tab.text("deforum_status")
        assert "could not be shown" not in tab.page.content()

    def test_everything_has_its_place(self, tab):
        for heading in TABS:
            tab.go(heading)
            tab.page.wait_for_function(
                "() => document.querySelector('#deforum_tabs .deforum-setting:is(:not(.hidden)) label') !== null"
            )

    def test_generate_stays_in_view(self, tab):
        tab.go("Keyframes")
        tab.page.locator("#anti_blur_accord").scroll_into_view_if_needed()
        box = tab.page.locator("#deforum_generate").bounding_box()
        assert 0 <= box["y"] < 700

    def test_nothing_is_wider_than_the_page(self, tab):
        for heading in TABS:
            tab.go(heading)
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= 1280

    def test_the_right_side_scrolls_where_it_is_higher_than_the_page(self, tab):
        tab.page.set_viewport_size({"width": 1280, "height": 600})
        tab.unfold("deforum_presets_accord")
        tab.page.wait_for_selector("#deforum_presets .deforum-card")
        sides = tab.page.evaluate("""() => {
            const right = document.querySelector('#deforum_right');
            const inside = [...right.querySelectorAll('#deforum_generate_box, #deforum_presets_accord, .deforum-card')];
            const boxes = inside.map((each) => each.getBoundingClientRect());
            return [right.scrollHeight > right.clientHeight, right.scrollWidth - right.clientWidth,
                    Math.max(...boxes.map((box) => box.right)) - right.getBoundingClientRect().right,
                    boxes[1].top - boxes[0].bottom];
        }""")
        assert sides[0]
        assert sides[1] <= 0
        assert sides[2] <= 0
        assert sides[3] > 0

    def test_modes_show_what_they_use(self, tab):
        tab.go("Keyframes")
        assert tab.is_shown("angle")
        tab.choose("animation_mode", "3D")
        tab.page.wait_for_selector("#deforum_setting_rotation_3d_x:visible")
        tab.page.wait_for_selector("#deforum_setting_angle", state="hidden")
        tab.unfold("depth_warp_fov_tab")
        tab.page.wait_for_selector("#deforum_setting_fov_schedule:visible")
        assert not tab.is_shown("midas_weight")

    def test_what_was_hidden_twice_is_shown(self, tab):
        tab.go("Keyframes")
        tab.unfold("depth_warp_fov_tab")
        tab.choose("animation_mode", "Interpolation")
        tab.page.wait_for_selector("#deforum_setting_angle", state="hidden")
        tab.choose("animation_mode", "3D")
        tab.page.wait_for_selector("#deforum_setting_rotation_3d_x:visible")
        tab.page.wait_for_selector("#deforum_setting_fov_schedule:visible")

    def test_nothing_flickers_until_an_answer_comes(self, tab):
        def ticks(request):
            return "jobs" in (request.post_data or "")

        with tab.page.expect_request_finished(ticks):
            tab.open()
        tab.wait_for_text("deforum_right", "The picture appears here.")
        at_rest = tab.page.evaluate(LOOK)
        tab.page.route(re.compile("/(predict|join)"), lambda route: None)  # no answer comes
        with tab.page.expect_request(ticks):
            tab.open()
        tab.wait_for_text("deforum_right", "The picture appears here.")
        waiting = tab.page.evaluate(LOOK)
        tab.page.unroute_all()
        assert [opaque for _, opaque, *_ in waiting] == [True, True]
        assert waiting == at_rest

    def test_a_button_shows_that_it_was_heard(self, tab):
        tab.page.locator("#deforum_settings_path :is(textarea, input) >> nth=0").fill("no such file.txt")
        tab.page.route(re.compile("/(predict|join)"), lambda route: None)  # no answer comes
        tab.press("deforum_load_settings_btn")
        tab.page.wait_for_selector("#deforum_load_settings_btn[aria-busy=true]")
        for _ in range(2):  # no file is named twice, and still it is answered
            tab.page.unroute_all()  # what waits is sent
            tab.wait_for_text("deforum_said", "no such file.txt")
            tab.page.wait_for_selector("#deforum_load_settings_btn:not([aria-busy])")
            tab.press("deforum_load_settings_btn")

    def test_a_wrong_schedule_is_marked_and_refused(self, tab):
        tab.go("Keyframes")
        tab.write("zoom", "0: (1), 20: (sine(t))")
        tab.page.wait_for_selector("#deforum_setting_zoom .deforum-view .deforum-error")
        tab.go("Run")
        tab.press("deforum_generate")
        tab.page.locator("#deforum_said .deforum-jump:visible").first.click()
        tab.page.wait_for_function("document.activeElement.closest('#deforum_setting_zoom') !== null")

    def test_a_schedule_is_drawn_while_it_is_written(self, tab):
        tab.go("Keyframes")
        tab.write("zoom", "0: (1), 20: (1.5)")
        tab.page.wait_for_function(
            "document.querySelector('#deforum_setting_zoom .deforum-range')?.innerText.includes('1.5')"
        )
        tab.write("zoom", "0: (1)")
        tab.page.wait_for_function("!document.querySelector('#deforum_setting_zoom .deforum-view svg')")

    def test_help_can_be_hidden(self, tab):
        tab.go("Keyframes")
        words = "2D scale factor per frame"
        assert tab.page.locator("#deforum_setting_zoom", has_text=words).count()
        tab.page.locator("#deforum_setting_show_info_on_ui input").uncheck()
        tab.page.wait_for_function(f"!document.querySelector('#deforum_setting_zoom').innerText.includes('{words}')")

    def test_the_keyboard_reaches_generate(self, tab):
        tab.page.locator("#deforum_generate").focus()
        tab.page.keyboard.press("Tab")
        tab.page.keyboard.press("Shift+Tab")
        assert tab.page.evaluate("document.activeElement.id") == "deforum_generate"

    def test_the_keyboard_opens_sections(self, tab):
        tab.go("Keyframes")
        heading = tab.page.locator("#anti_blur_accord .label-wrap >> nth=0")
        tab.page.wait_for_function("document.querySelector('#anti_blur_accord .label-wrap').tabIndex === 0")
        heading.focus()
        tab.page.keyboard.press("Enter")
        tab.page.wait_for_selector("#deforum_setting_amount_schedule:visible")


class TestPlan:
    def test_a_link_to_a_manifest(self, tab, files_url):
        tab.go("Init")
        tab.write("parseq_manifest", f"{files_url}/beat_sync/parseq.json")
        tab.wait_for_text("deforum_manifest_status", "Key frames")
        assert "1200" in tab.text("deforum_manifest_status")
        tab.go("Neo Core")
        tab.wait_for_text("deforum_plan", "1200")
        tab.page.wait_for_selector("#deforum_plan .deforum-parseq")
        tab.go("Keyframes")
        tab.page.wait_for_selector("#deforum_setting_strength_schedule.deforum-managed")
        assert not tab.page.locator("#deforum_setting_max_frames.deforum-managed").count()

    def test_a_pasted_manifest_becomes_a_file(self, tab):
        text = (ROOT / "examples" / "beat_sync" / "parseq.json").read_text("utf-8")
        tab.go("Init")
        tab.write("parseq_manifest", text)
        tab.wait_for_text("deforum_manifest_status", "Key frames")
        kept = Path(tab.value("parseq_manifest"))
        assert kept.parent == tab.out / "manifests"
        assert kept.read_text("utf-8") == text

    def test_a_manifest_that_is_none(self, tab):
        tab.go("Init")
        tab.write("parseq_manifest", '{"no": "manifest"}')
        tab.page.wait_for_selector("#deforum_manifest_status .deforum-error")

    def test_the_plan_follows_the_settings(self, tab):
        small(tab, 60)
        tab.go("Neo Core")
        tab.wait_for_text("deforum_plan", "30 (50%)")
        tab.go("Keyframes")
        tab.write("max_frames", "80")
        tab.go("Neo Core")
        tab.wait_for_text("deforum_plan", "40 (50%)")

    def test_a_part_of_the_plan_can_be_looked_at(self, tab):
        small(tab, 64)
        tab.go("Neo Core")
        tab.wait_for_text("deforum_plan", "All frames")
        tab.page.locator("#deforum_plan [data-zoom=in]").click()
        tab.wait_for_text("deforum_plan", "Frames 16 to 47")
        tab.page.locator("#deforum_plan [data-zoom=on]").click()
        tab.wait_for_text("deforum_plan", "Frames 32 to 63")
        tab.page.locator("#deforum_plan [data-zoom=all]").click()
        tab.wait_for_text("deforum_plan", "All frames")


class TestRuns:
    def test_a_run_is_watched_paused_stopped_resumed_and_played(self, tab):
        small(tab, 120)
        tab.press("deforum_generate")
        tab.page.wait_for_selector('#deforum_status [data-live="1"]')
        tab.page.wait_for_selector("#deforum_gallery img")
        tab.wait_for_text("deforum_status", "of 120")
        tab.press("deforum_skip")
        tab.wait_for_text("deforum_status", "Paused")
        tab.press("deforum_skip")
        tab.page.wait_for_function("!document.getElementById('deforum_status').innerText.includes('Paused')")
        tab.press("deforum_interrupt")
        assert "Stopped" in tab.wait_until_over()
        self.resume(tab)
        source = tab.page.locator("#deforum_video video").get_attribute("src")
        assert "file=" in source
        assert source.endswith(".mp4")
        played = (
            "async () => { const v = document.querySelector('#deforum_video video'); v.muted = true; await v.play();"
        )
        played += "await new Promise((done) => v.addEventListener('timeupdate', () => v.currentTime > 0 && done()));"
        assert tab.page.evaluate(f"({played} return v.currentTime; }})") > 0

    def resume(self, tab):
        tab.page.locator("button[role=tab]:visible, .tab-nav button:visible", has_text="Runs").first.click()
        card = tab.page.locator(".deforum-card:visible", has_text="can be resumed").first
        card.click()
        tab.page.wait_for_selector("#deforum_run_plan svg")
        tab.press("deforum_run_resume_btn")
        tab.wait_for_text("deforum_run_said", "It goes on")
        tab.page.locator("button[role=tab]:visible, .tab-nav button:visible", has_text="Deforum").first.click()
        tab.wait_for_text("deforum_status", "Done · 120 of 120")

    def test_a_page_that_is_opened_later_follows_the_run(self, tab):
        small(tab, 120)
        tab.press("deforum_generate")
        tab.page.wait_for_selector('#deforum_status [data-live="1"]')
        tab.open()
        tab.page.wait_for_selector('#deforum_status [data-live="1"]')
        tab.press("deforum_interrupt")
        tab.wait_until_over()

    def test_a_run_that_was_cut_off_is_picked_from_a_list(self, tab):
        small(tab, 120)
        tab.press("deforum_generate")
        tab.page.wait_for_selector('#deforum_status [data-live="1"]')
        tab.press("deforum_interrupt")
        assert "Stopped" in tab.wait_until_over()
        tab.go("Run")
        tab.unfold("deforum_section_run_batch_mode__resume_and_more")
        # An old page shows what arrives while its list is open when that is opened again.
        opened = "() => { const box = document.querySelector('#deforum_resumable input'); box.blur(); box.focus(); "
        tab.page.wait_for_function(f"{opened} return document.querySelector('ul.options li'); }}", polling=250)
        tab.page.locator("ul.options li:visible").first.click()
        box = "#deforum_setting_resume_timestring :is(input, textarea)"
        tab.page.wait_for_function(f"/^[0-9]{{14}}$/.test(document.querySelector('{box}').value)")

    def test_three_settings_files_in_one_go(self, tab, tmp_path):
        base = load_settings(ROOT / "examples" / "cadence" / "deforum_settings.txt").settings
        paths = [tmp_path / f"run{number}.txt" for number in range(3)]
        for number, path in enumerate(paths):
            path.write_text(dump_settings(base.replace(W=64, H=64, max_frames=4 + number)), "utf-8")
        tab.unfold("deforum_section_run_batch_mode__resume_and_more")
        tab.page.locator("#override_settings input").check()
        tab.page.wait_for_selector("#custom_setting_file:visible")
        tab.upload("custom_setting_file", *paths)
        tab.page.wait_for_function("document.querySelector('#deforum_batch_files textarea')?.value.includes('run2')")
        tab.press("deforum_generate")
        tab.wait_for_text("deforum_status", "3 of 3 runs over")
        assert "Done · 6 of 6" in tab.text("deforum_status")


class TestFiles:
    @pytest.mark.parametrize("name", ["20", "28"])
    def test_a_file_of_the_original_is_loaded_and_saved_unchanged(self, tab, name, tmp_path):
        source = CORPUS / f"{name}.txt"
        upload = tmp_path / f"original{name}.txt"
        upload.write_bytes(source.read_bytes())
        tab.upload("deforum_open_settings_btn", upload)
        tab.wait_for_text("deforum_said", "Loaded")
        expected = load_settings(source).settings
        tab.go("Keyframes")
        tab.page.wait_for_function(
            "(frames) => document.querySelector('#deforum_setting_max_frames input')?.value === frames",
            arg=str(expected.anim.max_frames),
        )
        tab.page.locator("#deforum_settings_path textarea, #deforum_settings_path input").first.fill(f"saved{name}.txt")
        tab.press("deforum_save_settings_btn")
        tab.wait_for_text("deforum_said", "Saved")
        assert (tab.out / f"saved{name}.txt").read_text("utf-8") == dump_settings(expected)

    def test_pictures_are_uploaded_for_frames(self, tab, tmp_path):
        from PIL import Image

        path = tmp_path / "guide.png"
        Image.new("RGB", (32, 16), (10, 200, 30)).save(path)
        tab.go("Keyframes")
        tab.unfold("guided_images_accord")
        tab.page.locator("#deforum_setting_use_looper input").check()
        field = "#deforum_setting_init_images"
        tab.page.locator(f"{field} .deforum-upload input").fill("24")
        with tab.page.expect_file_chooser() as chooser:
            tab.page.locator(f"{field} .deforum-upload button").click()
        chooser.value.set_files(str(path))
        tab.page.wait_for_function(f"document.querySelector('{field} textarea').value.includes('uploads')")
        named = json.loads(tab.value("init_images"))
        assert Path(named["24"]).parent == tab.out / "uploads"
        tab.page.wait_for_function(
            f"[...document.querySelectorAll('{field} figure')].some((each) => "
            "each.innerText.includes('24') && each.querySelector('img')?.naturalWidth === 32)"
        )

    def test_a_preset_is_kept_with_its_picture_and_fills_the_page(self, tab):
        small(tab, 10)
        tab.press("deforum_generate")
        assert "Done" in tab.wait_until_over()
        tab.unfold("deforum_presets_accord")
        tab.page.locator("#deforum_preset_name :is(textarea, input)").first.fill("Ten frames")
        tab.press("deforum_save_preset_btn")
        tab.wait_for_text("deforum_said", "Kept as preset Ten frames")
        tab.write("max_frames", "77")
        tab.press("deforum_presets_btn")
        card = tab.page.locator("#deforum_presets .deforum-card", has_text="Ten frames")
        tab.page.wait_for_function(
            "document.querySelector('[data-preset=\"Ten frames\"] img')?.naturalWidth > 0",
        )
        card.click()
        tab.wait_for_text("deforum_said", "Loaded Ten frames")
        tab.page.wait_for_function("document.querySelector('#deforum_setting_max_frames input').value === '10'")

    def test_every_controlnet_unit_keeps_its_own_settings(self, tab):
        tab.go("ControlNet")
        tab.unit(2)
        tab.page.locator("#deforum_setting_cn_2_enabled input").check()
        tab.page.wait_for_selector("#deforum_setting_cn_2_weight:visible")
        tab.write("cn_2_weight", "0: (0.25)")
        tab.unit(1)
        assert not tab.is_shown("cn_1_weight")
        assert "in use" in tab.page.locator("#deforum_unit label", has_text="CN Model 2").inner_text()
        tab.unit(2)
        assert tab.value("cn_2_weight") == "0: (0.25)"
        tab.page.locator("#deforum_settings_path :is(textarea, input)").first.fill("units.txt")
        tab.press("deforum_save_settings_btn")
        tab.wait_for_text("deforum_said", "Saved")
        saved = tab.settings(tab.out / "units.txt")
        assert [saved[f"cn_{unit}_enabled"] for unit in range(1, 6)] == [False, True, False, False, False]
        assert [saved[f"cn_{unit}_weight"] for unit in (1, 2)] == ["0:(1)", "0: (0.25)"]


class TestTools:
    SAID = "deforum_section_output_{}_said"

    def test_frames_to_video(self, tab):
        small(tab, 10)
        tab.press("deforum_generate")
        tab.wait_until_over()
        folder = tab.text("deforum_status").split("In ")[1].splitlines()[0]
        tab.go("Output")
        tab.unfold("deforum_section_output_frames_to_video")
        tab.write("image_path", folder)
        tab.press("deforum_section_output_frames_to_video_btn")
        said = self.SAID.format("frames_to_video")
        tab.wait_for_text(said, "Done · 10 frames")
        tab.page.wait_for_function(f"document.querySelector('#{said} video')?.readyState >= 1")
        assert tab.page.evaluate(f"document.querySelector('#{said} video').videoWidth") == 64
        assert (Path(folder) / f"{Path(folder).name}.mp4").is_file()

    def test_a_tool_is_stopped_and_its_video_plays(self, tab, tmp_path):
        video = tmp_path / "long clip.mp4"
        writer = FfmpegVideoWriter(
            video, width=640, height=360, fps=Fraction(30), options=EncodeOptions(51, "ultrafast")
        )
        picture = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
        for _ in range(900):
            writer.write(picture)
        writer.close()
        tab.go("Output")
        tab.unfold("deforum_section_output_vid2depth")
        with tab.page.expect_file_chooser() as chooser:
            tab.page.locator("#vid_to_depth_chosen_file .deforum-upload button").click()
        chooser.value.set_files(str(video))
        tab.page.wait_for_function(
            "document.querySelector('#vid_to_depth_chosen_file :is(textarea, input)').value.endsWith('long_clip.mp4')"
        )
        tab.page.locator("#mode input").first.click()
        tab.page.get_by_text("None (just grayscale)").last.click()
        tab.page.wait_for_selector("#deforum_setting_depth_network", state="hidden")
        tab.press("deforum_section_output_vid2depth_btn")
        said = self.SAID.format("vid2depth")
        tab.wait_for_text(said, "of 900")
        tab.page.locator(f"#{said} .deforum-tool-stop").first.click()
        tab.wait_for_text(said, "Stopped, with a video of the frames that were done")
        tab.page.wait_for_function(f"document.querySelector('#{said} video')?.videoWidth === 640")

    def test_mistakes_are_told_where_they_are_made(self, tab):
        tab.go("Output")
        tab.unfold("deforum_section_output_vid2depth")
        tab.press("deforum_section_output_vid2depth_btn")
        tab.wait_for_text(self.SAID.format("vid2depth"), "no file is named")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_of_every_tab(tab, served, theme, tmp_path):
    folder = Path(os.environ.get("DEFORUM_SCREENSHOTS", tmp_path))
    tab.open(theme)
    for heading in TABS:
        tab.go(heading)
        if heading == "Neo Core":
            tab.page.wait_for_selector("#deforum_plan svg")
        tab.picture(folder / f"{served[0]}-{theme}-{heading.lower().replace(' ', '-')}.png", whole=True)
    assert tab.page.evaluate("document.body.classList.contains('dark')") == (theme == "dark")
