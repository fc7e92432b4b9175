"""The settings page: every option of it does something, and says so here."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from deforum_helpers.errors import EngineError
from deforum_helpers.hosts.webui.desk import persistent_settings
from deforum_helpers.hosts.webui.engine import webui_engine
from deforum_helpers.hosts.webui.options import run_options, webui_options
from deforum_helpers.hosts.webui.verbose import logged, verbose_log
from deforum_helpers.hosts.webui.vram import WebuiMemory
from deforum_helpers.ports import DiffusionRequest

PACKAGE = "deforum_helpers"

RUN = {
    "deforum_ffmpeg_location": ("/opt/ffmpeg", {}),
    "deforum_ffmpeg_crf": (30, {}),
    "deforum_ffmpeg_preset": ("fast", {}),
    "deforum_save_gen_info_as_srt": (True, {}),
    "deforum_embed_srt": (True, {}),
    "deforum_save_gen_info_as_srt_params": (["Zoom"], {"deforum_save_gen_info_as_srt": True}),
    "deforum_preview": ("On", {}),
    "deforum_preview_interval_frames": (30, {"deforum_preview": "On"}),
}
"""Options that change how a run is done: another value than the default, and what has to be on besides."""


def keeps_networks(host, tmp_path):
    def stays():
        host.shared.cmd_opts.medvram = True
        return WebuiMemory(host).may_stay("cuda", lambda: None)

    return stays, True


def persists(host, tmp_path):
    return persistent_settings, True


def persists_elsewhere(host, tmp_path):
    host.opts.data["deforum_enable_persistent_settings"] = True
    return persistent_settings, str(tmp_path / "mine.txt")


def logs(host, tmp_path):
    def shown():
        with verbose_log(host):
            return logging.getLogger(PACKAGE).isEnabledFor(logging.DEBUG)

    return shown, True


OTHERS = {
    "deforum_keep_3d_models_in_vram": keeps_networks,
    "deforum_enable_persistent_settings": persists,
    "deforum_persistent_settings_path": persists_elsewhere,
    "deforum_debug_mode_enabled": logs,
}
"""Options that change something else: what shows it, and a value that does."""


def test_each_is_known_here():
    assert {option.key for option in webui_options([])} == RUN.keys() | OTHERS.keys()


@pytest.mark.parametrize("key", RUN)
def test_changes_how_a_run_is_done(host, tmp_path, key):
    value, besides = RUN[key]
    host.opts.data.update(besides)
    before = run_options(host, tmp_path)
    host.opts.data[key] = value
    after = run_options(host, tmp_path)
    assert replace(after, on_folder=before.on_folder) != before
    del host.opts.data[key]
    assert run_options(host, tmp_path, {key: value}) == after


@pytest.mark.parametrize("key", OTHERS)
def test_changes_something_else(host, tmp_path, key):
    look, value = OTHERS[key](host, tmp_path)
    before = look()
    host.opts.data[key] = value
    assert look() != before


class TestPersistentSettings:
    def test_nowhere_by_default(self, host):
        assert persistent_settings() is None

    def test_beside_the_web_uis_data(self, host, tmp_path):
        from deforum_helpers.hosts.webui.host import part

        part("paths").data_path = str(tmp_path)
        host.opts.data["deforum_enable_persistent_settings"] = True
        assert persistent_settings() == tmp_path / "models" / "Deforum" / "deforum_persistent_settings.txt"
        host.opts.data["deforum_persistent_settings_path"] = "models/Deforum/mine.txt"
        assert persistent_settings() == tmp_path / "models" / "Deforum" / "mine.txt"

    @pytest.mark.parametrize("path", ["", "webui.sh", "config", "config.py"])
    def test_never_over_something_else(self, host, path):
        host.opts.data.update(deforum_enable_persistent_settings=True, deforum_persistent_settings_path=path)
        assert persistent_settings() is None


class TestVerboseLog:
    @pytest.fixture
    def console(self, monkeypatch, capsys):
        """What the console shows, of a web UI that has set up no logging."""
        monkeypatch.setattr(logging.Logger, "hasHandlers", lambda self: False)
        return lambda: capsys.readouterr().err

    def diffuse(self, host):
        with verbose_log(host), webui_engine(host) as engine:
            engine.diffuse(DiffusionRequest(64, 48, "a lighthouse", steps=3, seed=9))

    def test_says_what_was_asked_made_and_how_long_it_took(self, host, console):
        host.opts.data["deforum_debug_mode_enabled"] = True
        self.diffuse(host)
        said = console()
        assert "'prompt': 'a lighthouse', 'seed': 9, 'steps': 3" in said
        assert "'Sampler': 'Euler a'" in said
        assert "diffusing took 0." in said
        assert "cfg_scale" not in said

    def test_is_silent_otherwise_and_afterwards(self, host, console):
        self.diffuse(host)
        assert console() == ""
        host.opts.data["deforum_debug_mode_enabled"] = True
        with verbose_log(host):
            pass
        host.opts.data["deforum_debug_mode_enabled"] = False
        self.diffuse(host)
        assert console() == ""
        assert logging.getLogger(PACKAGE).handlers == []

    def test_tells_errors_with_all_details(self, host, console):
        host.opts.data["deforum_debug_mode_enabled"] = True
        with pytest.raises(EngineError), verbose_log(host), logged("job"):
            raise EngineError("no picture")
        assert "Traceback" in console()

    def test_uses_the_web_uis_own_log_where_there_is_one(self, host, caplog):
        host.opts.data["deforum_debug_mode_enabled"] = True
        with verbose_log(host):
            assert logging.getLogger(PACKAGE).handlers == []
