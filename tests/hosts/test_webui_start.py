"""What happens when a web UI starts: the file it runs, tab, settings, flags, installing."""

from __future__ import annotations

import argparse
import json
import logging
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import webui_host
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient

from deforum_helpers import ui
from deforum_helpers.errors import InputError, StorageError
from deforum_helpers.hosts.webui import registration
from deforum_helpers.hosts.webui.conflicts import conflict_text, other_deforums
from deforum_helpers.hosts.webui.message_tab import what_to_do
from deforum_helpers.hosts.webui.options import run_options
from deforum_helpers.hosts.webui.run_now import check_files, split_files
from deforum_helpers.jobs.status import JobRequest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def host(monkeypatch):
    """The stand-in with gradio, as modules by name."""
    import importlib

    webui_host.put_in_place(monkeypatch, "a1111")
    monkeypatch.setitem(sys.modules, "gradio", webui_host.FakeGradio())
    yield lambda name: importlib.import_module(f"modules.{name}")
    webui_host.take_away()


@pytest.fixture
def fresh(monkeypatch):
    """The package under its web UI name is not loaded, before and after."""

    def forget():
        for name in [n for n in sys.modules if n.partition(".")[0] == "deforum_neocore"]:
            del sys.modules[name]

    forget()
    yield
    forget()


def extension(path, *, enabled=True):
    return SimpleNamespace(path=str(path), enabled=enabled)


class TestTheFileThatWebUisRun:
    def test_registers_everything(self, host, fresh):
        runpy.run_path(str(ROOT / "scripts" / "deforum.py"))
        registered = host("script_callbacks").registered
        assert [len(registered[name]) for name in ("tabs", "settings", "started")] == [1, 1, 1]
        assert "deforum_neocore.hosts.webui.registration" in sys.modules

    def test_runs_again_after_reload_ui(self, host, fresh):
        runpy.run_path(str(ROOT / "scripts" / "deforum.py"))
        package = sys.modules["deforum_neocore"]
        runpy.run_path(str(ROOT / "scripts" / "deforum.py"))
        assert sys.modules["deforum_neocore"] is package

    def test_a_package_that_cannot_be_loaded_is_a_tab_that_says_so(self, host, fresh, tmp_path, caplog):
        (tmp_path / "scripts" / "deforum_helpers").mkdir(parents=True)
        (tmp_path / "scripts" / "deforum_helpers" / "__init__.py").write_text("1 / 0", "utf-8")
        script = tmp_path / "scripts" / "deforum.py"
        script.write_text((ROOT / "scripts" / "deforum.py").read_text("utf-8"), "utf-8")
        runpy.run_path(str(script))
        (tab,) = host("script_callbacks").registered["tabs"]
        ((page, title, _),) = tab()
        assert title == "Deforum"
        assert "ZeroDivisionError" in page.shown[0]
        assert len(caplog.records) == 1

    def test_loads_nothing_heavy(self):
        code = (
            "import json, runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_path(sys.argv[2]); "
            "print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
        )
        standin = str(webui_host.STANDINS / "a1111")
        command = [sys.executable, "-c", code, standin, str(ROOT / "scripts" / "deforum.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        loaded = set(json.loads(done.stdout.splitlines()[-1]))
        assert "deforum_neocore" in loaded
        assert loaded.isdisjoint({"torch", "numpy", "cv2", "PIL", "gradio", "transformers", "matplotlib"})


class TestTab:
    def register(self, host, tmp_path):
        host("shared").opts.data["outdir_img2img_samples"] = str(tmp_path / "out")
        registration.register(ROOT)

    @pytest.fixture(autouse=True)
    def _closed(self, host):
        yield
        for unloaded in host("script_callbacks").registered["unloaded"]:
            unloaded()

    def test_is_built_over_the_queue(self, host, tmp_path, monkeypatch):
        monkeypatch.setattr(ui, "build_tab", lambda door: door)
        self.register(host, tmp_path)
        ((door, title, elem_id),) = host("script_callbacks").registered["tabs"][0]()
        assert (title, elem_id) == ("Deforum", "deforum_interface")
        assert door.out == tmp_path / "out"
        assert "DPM++ 2M" in door.choices()["sampler"]
        assert "Karras" in door.choices()["scheduler"]
        assert door.active() == ()
        assert door.access is None

    def test_jobs_run_when_the_web_ui_has_started(self, host, tmp_path, monkeypatch):
        monkeypatch.setattr(ui, "build_tab", lambda door: door)
        self.register(host, tmp_path)
        registered = host("script_callbacks").registered
        ((door, _, _),) = registered["tabs"][0]()
        (job,) = door.queue.submit([JobRequest(TestRunNow.SETTINGS, {}, base_dir=tmp_path)]).job_ids
        states = door.queue.events(job)
        while next(states).phase != "PREPARING":
            pass
        registered["started"][0](None, None)
        *_, last = states
        assert last.status == "SUCCEEDED"

    def test_runs_can_be_seen_wherever_they_lie(self, host, tmp_path):
        self.register(host, tmp_path)
        page = SimpleNamespace(allowed_paths=["here"])
        host("script_callbacks").registered["started"][0](page, None)
        assert page.allowed_paths == ["here", str(tmp_path / "out"), str(ROOT / "examples")]

    @pytest.mark.parametrize(
        ("flags", "welcome"),
        [
            ({}, ()),
            ({"cors_allow_origins": None, "cors_allow_origins_regex": None}, ()),
            ({"cors_allow_origins": "https://a.example,https://b.example"}, "ab"),
            ({"cors_allow_origins_regex": r"https://[ac]\.example"}, "ac"),
            ({"cors_allow_origins": "*"}, "abcd"),
        ],
    )
    def test_the_api_heeds_the_origins_that_the_web_ui_allows(self, host, tmp_path, flags, welcome):
        for name, value in {"deforum_api": True, **flags}.items():
            setattr(host("shared").cmd_opts, name, value)
        self.register(host, tmp_path)
        app = FastAPI()
        host("script_callbacks").registered["started"][0](None, app)
        client = TestClient(app)
        for name in "abcd":
            code = client.get("/deforum_api/jobs", headers={"Origin": f"https://{name}.example"}).status_code
            assert code == (200 if name in welcome else 403), name

    def test_a_server_that_answers_browsers_before_any_route_is_asked(self, host, tmp_path):
        """As Forge's gradio does: it is running when the routes come, and lets no other page in on this computer."""

        class Denies:
            def __init__(self, app):
                self.app = app

            async def __call__(self, scope, receive, send):
                if scope["type"] == "http" and scope["method"] == "OPTIONS":
                    await Response("OK", headers={"Access-Control-Max-Age": "600"})(scope, receive, send)
                else:
                    await self.app(scope, receive, send)

        flags = host("shared").cmd_opts
        flags.deforum_api, flags.cors_allow_origins = True, "https://a.example"
        self.register(host, tmp_path)
        app = FastAPI()
        app.add_middleware(Denies)
        client = TestClient(app)
        assert client.get("/").status_code == 404
        host("script_callbacks").registered["started"][0](None, app)

        def asked(path, origin):
            wants = {"Origin": f"https://{origin}.example", "Access-Control-Request-Method": "POST"}
            reply = client.options(path, headers=wants)
            return reply.status_code, reply.headers.get("Access-Control-Allow-Origin")

        assert asked("/deforum_api/batches", "a") == (200, "https://a.example")
        assert asked("/deforum_api/batches", "b") == (403, None)
        assert asked("/deforum_apis/batches", "a") == (200, None)
        welcome = {"Origin": "https://a.example"}
        assert client.post("/deforum_api/batches", json={}, headers=welcome).status_code == 400

    def test_files_of_others_are_out_of_reach_where_others_may_come(self, host, tmp_path, monkeypatch):
        flags = host("shared").cmd_opts
        flags.webui_is_non_local, flags.gradio_allowed_path = True, [str(tmp_path / "allowed")]
        monkeypatch.setattr(ui, "build_tab", lambda door: door)
        self.register(host, tmp_path)
        ((door, _, _),) = host("script_callbacks").registered["tabs"][0]()
        assert {tmp_path / "out", tmp_path / "allowed"} <= set(door.access.roots)

    def test_what_the_user_can_mend_is_logged_without_a_trace(self, host, tmp_path, monkeypatch, caplog):
        def in_use(door):
            raise StorageError("Another Deforum runs the jobs. Use that one.")

        monkeypatch.setattr(ui, "build_tab", in_use)
        self.register(host, tmp_path)
        host("script_callbacks").registered["tabs"][0]()
        (record,) = caplog.records
        assert record.getMessage().endswith("Another Deforum runs the jobs. Use that one.")
        assert record.exc_info is None

    def test_a_missing_room_is_told_in_the_tab_and_logged_once(self, host, tmp_path, monkeypatch, caplog):
        def missing(door):
            raise ModuleNotFoundError("No module named 'plotting'", name="plotting.axes")

        monkeypatch.setattr(ui, "build_tab", missing)
        self.register(host, tmp_path)
        ((page, title, elem_id),) = host("script_callbacks").registered["tabs"][0]()
        assert (title, elem_id) == ("Deforum", "deforum_interface")
        assert "pip install plotting" in page.shown[0]
        assert [record.levelname for record in caplog.records] == ["ERROR"]

    def test_any_other_failure_is_told_too(self, host, tmp_path, monkeypatch):
        def broken(door):
            raise AttributeError("module 'gradio' has no attribute '<Tab>'")

        monkeypatch.setattr(ui, "build_tab", broken)
        self.register(host, tmp_path)
        ((page, _, _),) = host("script_callbacks").registered["tabs"][0]()
        assert "&lt;Tab&gt;" in page.shown[0]
        assert "other tabs are not affected" in page.shown[0]

    def test_what_another_process_holds_is_told_as_it_is(self):
        text = what_to_do(StorageError("Another Deforum runs the jobs. Use that one."))
        assert text.startswith("Another Deforum runs the jobs. Use that one.\nThen reload the web UI.")

    def test_own_modules_are_no_packages_to_install(self):
        own = f"{registration.__name__.partition('.')[0]}.ui"
        assert "pip install" not in what_to_do(ModuleNotFoundError(f"No module named {own!r}", name=own))


class TestAnotherDeforum:
    @pytest.fixture
    def other(self, tmp_path):
        folder = tmp_path / "sd-webui-deforum"
        (folder / "scripts" / "deforum_helpers").mkdir(parents=True)
        return folder

    def test_is_found(self, other, tmp_path):
        (tmp_path / "lora").mkdir()
        assert other_deforums(ROOT, [ROOT, tmp_path / "lora", other]) == (other,)

    def test_ours_behind_a_link_is_none(self, tmp_path):
        link = tmp_path / "link"
        link.symlink_to(ROOT)
        assert other_deforums(ROOT, [link]) == ()

    def test_only_a_message_is_registered(self, host, other, caplog):
        host("extensions").extensions.extend([extension(ROOT), extension(other)])
        registration.register(ROOT)
        registered = host("script_callbacks").registered
        assert [len(registered[name]) for name in ("tabs", "settings", "started")] == [1, 0, 0]
        ((page, _, elem_id),) = registered["tabs"][0]()
        assert str(other) in page.shown[0]
        assert elem_id != "deforum_interface"
        assert caplog.messages == [conflict_text(ROOT, [other])]

    def test_one_that_is_switched_off_does_not_matter(self, host, other):
        host("extensions").extensions.append(extension(other, enabled=False))
        registration.register(ROOT)
        assert len(host("script_callbacks").registered["settings"]) == 1


class TestSettingsPage:
    KEYS = [  # noqa: RUF012
        "deforum_keep_3d_models_in_vram",
        "deforum_enable_persistent_settings",
        "deforum_persistent_settings_path",
        "deforum_ffmpeg_location",
        "deforum_ffmpeg_crf",
        "deforum_ffmpeg_preset",
        "deforum_preview",
        "deforum_preview_interval_frames",
        "deforum_save_gen_info_as_srt",
        "deforum_embed_srt",
        "deforum_save_gen_info_as_srt_params",
        "deforum_debug_mode_enabled",
    ]

    def options(self, host):
        registration.register(ROOT)
        host("script_callbacks").registered["settings"][0]()
        labels = host("shared").opts.data_labels
        return {key: info for key, info in labels.items() if key.startswith("deforum_") and not info.do_not_save}

    def test_has_all_options(self, host):
        options = self.options(host)
        assert list(options) == self.KEYS
        assert {info.section for info in options.values()} == {("deforum", "Deforum")}
        assert options["deforum_ffmpeg_crf"].component_args == {"minimum": 0, "maximum": 51, "step": 1}
        assert options["deforum_ffmpeg_crf"].default == 17
        assert "Noise Sch" in options["deforum_save_gen_info_as_srt_params"].component_args["choices"]

    def test_groups_have_headings_and_options_help(self, host):
        options = self.options(host)
        known = host("shared").opts.data_labels
        headings = [info.default for key, info in known.items() if key.startswith("deforum_") and info.do_not_save]
        assert "<h3>Video</h3>" in headings
        assert list(known).index("deforum_ffmpeg_location_heading") + 1 == list(known).index("deforum_ffmpeg_location")
        assert {info.category_id for info in options.values()} == {"saving"}
        assert "0 loses nothing" in options["deforum_ffmpeg_crf"].comment_after

    @pytest.mark.parametrize("flag", ["lowvram", "medvram"])
    def test_models_cannot_be_kept_where_memory_is_short(self, host, flag):
        setattr(host("shared").cmd_opts, flag, True)
        assert self.options(host)["deforum_keep_3d_models_in_vram"].component_args == {"visible": False}

    def test_one_that_fails_does_not_take_the_others_with_it(self, host, monkeypatch, caplog):
        shared = host("shared")
        original = shared.opts.add_option

        def fail(key, info):
            if key == "deforum_ffmpeg_crf":
                raise TypeError("unexpected")
            original(key, info)

        object.__setattr__(shared.opts, "add_option", fail)
        assert list(self.options(host)) == [key for key in self.KEYS if key != "deforum_ffmpeg_crf"]
        assert len(caplog.records) == 1

    def test_what_a_run_makes_of_it(self, host, tmp_path):
        from deforum_helpers.hosts.webui.host import open_host

        opened = open_host()
        options = run_options(opened, tmp_path)
        assert (options.encode.crf, options.encode.preset, options.encode.ffmpeg) == (17, "slow", None)
        assert (options.subtitles, options.preview_every) == (None, 0)
        opened.opts.data.update(
            deforum_ffmpeg_crf=21.0,
            deforum_preview="On",
            deforum_save_gen_info_as_srt=True,
            deforum_save_gen_info_as_srt_params=["Noise Schedule", "Prompt"],
        )
        options = run_options(opened, tmp_path, {"deforum_preview_interval_frames": 30, "eta_ddim": 1})
        assert (options.encode.crf, options.preview_every) == (21, 30)
        assert options.subtitles == ("Noise Schedule", "Prompt")


class TestFlags:
    def parse(self, *arguments):
        module = runpy.run_path(str(ROOT / "preload.py"))
        parser = argparse.ArgumentParser()
        module["preload"](parser)
        return parser.parse_args(arguments)

    def test_defaults(self):
        flags = self.parse()
        assert not flags.deforum_api
        assert not flags.deforum_simple_api
        assert flags.deforum_run_now is None
        assert not flags.deforum_terminate_after_run_now

    def test_run_now(self):
        flags = self.parse("--deforum-run-now", "a.txt, b/c d.txt,", "--deforum-terminate-after-run-now")
        assert split_files(flags.deforum_run_now) == (Path("a.txt"), Path("b/c d.txt"))

    def test_missing_files_are_all_named(self, tmp_path):
        (tmp_path / "there.txt").touch()
        with pytest.raises(InputError) as caught:
            check_files([tmp_path / "there.txt", tmp_path / "x.txt", tmp_path / "y.txt"])
        assert [Path(finding.key).name for finding in caught.value.findings] == ["x.txt", "y.txt"]


class TestRunNow:
    SETTINGS = {  # noqa: RUF012
        "W": 64,
        "H": 48,
        "max_frames": 4,
        "animation_mode": "2D",
        "diffusion_cadence": 2,
        "neocore_key_index_distribution": "Uniform Spacing",
        "fps": 12,
        "batch_name": "now",
        "prompts": {"0": "a lighthouse"},
        "add_soundtrack": "None",
        "steps": 3,
    }

    def start(self, host, tmp_path, *texts):
        """Start the web UI with settings files of these texts, and wait for what it does with them."""
        files = []
        for number, text in enumerate(texts):
            file = tmp_path / f"{number}.txt"
            file.write_text(text, "utf-8")
            files.append(str(file))
        shared = host("shared")
        shared.opts.data["outdir_img2img_samples"] = str(tmp_path / "out")
        vars(shared.cmd_opts).update(deforum_run_now=",".join(files), deforum_terminate_after_run_now=True)
        registration._run_now()

    def test_renders_and_ends_the_web_ui(self, host, tmp_path, caplog):
        caplog.set_level(logging.INFO)
        self.start(host, tmp_path, json.dumps(self.SETTINGS))
        made = sorted(path.name for path in (tmp_path / "out" / "now").iterdir())
        assert len([name for name in made if name.endswith(".png")]) == 4
        assert any(name.endswith(".mp4") for name in made)
        assert host("restart").calls == ["stop_program"]
        assert any("done" in message for message in caplog.messages)

    def test_a_file_that_cannot_be_rendered_does_not_stop_the_others(self, host, tmp_path, caplog):
        self.start(host, tmp_path, json.dumps({**self.SETTINGS, "zoom": "0: (sine(t))"}), json.dumps(self.SETTINGS))
        assert (tmp_path / "out" / "now").is_dir()
        assert any("unknown name sine" in message for message in caplog.messages)
        assert host("restart").calls == ["stop_program"]


class TestInstall:
    @pytest.fixture
    def installer(self):
        return runpy.run_path(str(ROOT / "install.py"))

    def test_nothing_is_installed_where_all_is_there(self, installer):
        assert installer["missing"]({"DEFORUM_FFMPEG": "x"}, lambda module: True) == []

    def test_ffmpeg_comes_from_a_package_only_where_there_is_none(self, installer):
        def found(module):
            return module != "imageio_ffmpeg"

        assert installer["missing"]({"PATH": ""}, found) == ["imageio-ffmpeg"]
        assert installer["missing"]({"PATH": "", "DEFORUM_FFMPEG": "x"}, found) == []

    def test_only_what_is_missing(self, installer):
        missing = installer["missing"]({"DEFORUM_FFMPEG": "x"}, lambda module: module != "cv2")
        assert missing == ["opencv-python-headless"]

    def test_is_installed_alone(self, installer, monkeypatch):
        asked = []
        monkeypatch.setitem(sys.modules, "launch", SimpleNamespace(run_pip=lambda *args: asked.append(args)))
        installer["install"]("tqdm")
        assert asked == [("install --no-deps tqdm", "tqdm for Deforum")]
