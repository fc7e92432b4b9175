from __future__ import annotations

from dataclasses import replace
from threading import Thread

import numpy as np
import pytest

from deforum_helpers.errors import EngineError, EngineMemoryError, EngineNaNError, Interrupted
from deforum_helpers.hosts.webui.controlnet import unit_values
from deforum_helpers.hosts.webui.engine import webui_engine
from deforum_helpers.jobs.control import RunControl
from deforum_helpers.ports import ControlUnit, DiffusionRequest, Inpainting

REQUEST = DiffusionRequest(64, 48, "a <lora:glow:0.7> lighthouse", "blurry", seed=11, subseed=5, subseed_strength=0.25)


@pytest.fixture
def init():
    return np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)


def diffuse(host, **changes):
    """Diffuse; returns the answer, the host's job and the options it was made with."""
    with webui_engine(host) as engine:
        made = engine.diffuse(replace(REQUEST, **changes))
    return (made, *host.processing.asked[-1])


class TestWhatTheHostIsAsked:
    def test_txt2img(self, host):
        _, job, _ = diffuse(host, steps=12, cfg_scale=6.5, sampler="dpm++ 2m karras", tiling=True, seed_resize=(32, 40))
        assert type(job).__name__ == "StableDiffusionProcessingTxt2Img"
        assert (job.prompt, job.negative_prompt) == (REQUEST.prompt, "blurry")
        assert (job.seed, job.subseed, job.subseed_strength) == (11, 5, 0.25)
        assert (job.sampler_name, job.scheduler, job.steps, job.cfg_scale) == ("DPM++ 2M", "Karras", 12, 6.5)
        assert (job.seed_resize_from_w, job.seed_resize_from_h) == (32, 40)
        assert (job.tiling, job.restore_faces) == (True, False)
        assert (job.do_not_save_samples, job.do_not_save_grid) == (True, True)
        assert job.scripts.alwayson_scripts == []  # reForge takes for granted that there is a runner

    def test_no_subseed_means_no_variation(self, host):
        _, job, _ = diffuse(host, subseed=-1, subseed_strength=0.8)
        assert job.subseed_strength == 0

    def test_img2img(self, host, init):
        _, job, _ = diffuse(host, init_image=init, strength=0.35, pix2pix_cfg_scale=1.5)
        assert type(job).__name__ == "StableDiffusionProcessingImg2Img"
        assert job.denoising_strength == pytest.approx(0.65)
        assert job.image_cfg_scale == 1.5
        assert np.array_equal(np.array(job.init_images[0]), init)
        assert job.mask is None

    @pytest.mark.parametrize(
        ("fill", "index"), [("fill", 0), ("original", 1), ("latent noise", 2), ("latent nothing", 3)]
    )
    def test_inpainting(self, host, init, fill, index):
        mask = np.zeros((48, 64), np.uint8)
        mask[8:40, 16:48] = 255
        inpainting = Inpainting(mask, blur=7, fill=fill, full_res=False, padding=9)
        made, job, options = diffuse(host, init_image=init, strength=0.2, inpainting=inpainting)
        assert np.array_equal(np.array(job.mask), mask)
        assert (job.mask_blur, job.inpainting_fill, job.inpaint_full_res) == (7, index, False)
        assert (job.inpaint_full_res_padding, job.inpainting_mask_invert) == (9, 0)
        assert options["overlay_inpaint"] is True
        assert np.array_equal(made.image[mask == 0], init[mask == 0])
        assert (made.image[mask == 255] != init[mask == 255]).any()

    def test_a_mask_of_nothing_changes_nothing(self, host, init):
        with webui_engine(host) as engine:
            blank = Inpainting(np.zeros((48, 64), np.uint8))
            made = engine.diffuse(replace(REQUEST, init_image=init, inpainting=blank))
        assert np.array_equal(made.image, init)
        assert host.processing.asked == []

    def test_sizes_are_filled_up_with_the_border_and_cut_again(self, host):
        init = np.random.default_rng(3).integers(0, 256, (50, 70, 3), np.uint8)
        mask = np.full((50, 70), 255, np.uint8)
        made, job, _ = diffuse(host, width=70, height=50, init_image=init, strength=0.5, inpainting=Inpainting(mask))
        assert (job.width, job.height) == (72, 56)
        given = np.array(job.init_images[0])
        assert np.array_equal(given[:50, :70], init)
        assert np.array_equal(given[50:, :70], np.repeat(init[-1:], 6, axis=0))
        assert np.array(job.mask)[:50, :70].all()
        assert not np.array(job.mask)[50:].any()
        assert made.image.shape == (50, 70, 3)

    def test_distilled_guidance_where_the_host_has_it(self, host):
        from dataclasses import dataclass

        _, job, _ = diffuse(host, distilled_cfg_scale=2.5)
        assert not hasattr(job, "distilled_cfg_scale")

        @dataclass
        class Flux(host.processing.StableDiffusionProcessingTxt2Img):
            distilled_cfg_scale: float = 3.5

        host.processing.StableDiffusionProcessingTxt2Img = Flux
        assert diffuse(host, distilled_cfg_scale=2.5)[1].distilled_cfg_scale == 2.5
        assert diffuse(host)[1].distilled_cfg_scale == 3.5

    def test_what_the_picture_before_left_of_chance_does_not_matter(self, host):
        diffuse(host, seed=21)
        assert host.rng.calls == [21]

    def test_what_was_used_is_told(self, host):
        made, *_ = diffuse(host, steps=9)
        assert made.used["Steps"] == 9
        assert made.used["Sampler"] == "Euler a"
        assert made.used["CFG scale"] == 7.0
        assert made.used["Model"] == 'a, "b"'


class TestOptionsAreBorrowed:
    BORROWED = {  # noqa: RUF012
        "CLIP_stop_at_last_layers": 2,
        "eta_ddim": 0.4,
        "eta_ancestral": 0.6,
        "initial_noise_multiplier": 1.05,
        "img2img_fix_steps": False,
        "img2img_color_correction": False,
    }
    REQUEST = replace(REQUEST, clip_skip=2, ddim_eta=0.4, ancestral_eta=0.6, noise_multiplier=1.05)

    def diffuse(self, host):
        host.opts.data["img2img_fix_steps"] = True
        before = dict(host.opts.data)
        try:
            with webui_engine(host) as engine:
                engine.diffuse(self.REQUEST)
        finally:
            assert host.opts.data == before

    def test_after_success(self, host):
        self.diffuse(host)
        options = host.processing.asked[-1][1]
        assert {key: options[key] for key in self.BORROWED} == self.BORROWED

    def test_after_an_error(self, host):
        def fail():
            raise RuntimeError("size mismatch")

        host.processing.meanwhile.append(fail)
        with pytest.raises(EngineError, match="RuntimeError: size mismatch"):
            self.diffuse(host)

    def test_after_an_interrupt(self, host):
        host.processing.meanwhile.append(lambda: setattr(host.state, "interrupted", True))
        with pytest.raises(Interrupted):
            self.diffuse(host)

    def test_what_somebody_else_sets_meanwhile_stays(self, host):
        host.processing.meanwhile.append(lambda: host.opts.data.update(eta_ddim=0.9))
        with webui_engine(host) as engine:
            engine.diffuse(self.REQUEST)
        assert host.opts.eta_ddim == 0.9
        assert host.opts.eta_ancestral == 1.0

    def test_nothing_wished_nothing_changed(self, host):
        _, _, options = diffuse(host)
        assert options["CLIP_stop_at_last_layers"] == 1
        assert options["initial_noise_multiplier"] == 1.0
        assert options["auto_vae_precision_bfloat16"] is False

    def test_options_the_host_lacks_are_left_out(self, host):
        del host.opts.data_labels["eta_ddim"], host.opts.data["eta_ddim"]
        _, _, options = diffuse(host, ddim_eta=0.5)
        assert "eta_ddim" not in options
        assert "eta_ddim" not in host.opts.data


class TestCheckpointAndVae:
    @pytest.mark.parametrize("name", ["second", "second.safetensors [2222222222]", "2222222222", "Second.SAFETENSORS"])
    def test_checkpoint_by_any_name_and_back(self, host, name):
        diffuse(host, checkpoint=name)
        assert host.sd_models.loaded == ["second.safetensors [2222222222]"]
        assert host.opts.sd_model_checkpoint == "first.safetensors [1111111111]"
        diffuse(host)
        assert host.sd_models.loaded[-1] == "first.safetensors [1111111111]"

    def test_switching_costs_once(self, host):
        with webui_engine(host) as engine:
            for checkpoint in ("second", "second", "", "first", "second"):
                engine.diffuse(replace(REQUEST, checkpoint=checkpoint))
        assert [title[:5] for title in host.sd_models.loaded] == ["secon", "first", "secon"]

    def test_unknown_checkpoint(self, host):
        with pytest.raises(EngineError, match=r"'sekond' is unknown. Did you mean second.safetensors"):
            diffuse(host, checkpoint="sekond")
        assert host.processing.asked == []

    def test_no_checkpoint_at_all(self, host):
        host.sd_models.checkpoints_list.clear()
        with pytest.raises(EngineError, match="models/Stable-diffusion"):
            diffuse(host)

    def test_a_checkpoint_that_does_not_load(self, host):
        host.shared.sd_model = None
        with pytest.raises(EngineError, match="could not load its checkpoint"):
            diffuse(host)

    def test_forge_has_no_model_before_its_first_picture(self, forge):
        forge.shared.sd_model = None
        assert diffuse(forge)[0].image.any()

    @pytest.mark.parametrize(
        ("name", "option"),
        [("vae-ft-mse", "vae-ft-mse.safetensors"), ("models/VAE/anything.vae.pt", "Anything.vae.pt"), ("NONE", "None")],
    )
    def test_vae(self, host, name, option):
        _, _, options = diffuse(host, vae=name)
        assert options["sd_vae"] == option
        assert host.sd_vae.loaded == [option, "Automatic"]
        assert host.opts.sd_vae == "Automatic"

    def test_choices_that_were_never_made_are_not_made(self, host):
        del host.opts.data["sd_vae"], host.opts.data["sd_model_checkpoint"]
        diffuse(host, vae="vae-ft-mse", checkpoint="second")
        assert not {"sd_vae", "sd_model_checkpoint"} & set(host.opts.data)

    def test_vae_by_hash(self, host, tmp_path):
        file = tmp_path / "x.pt"
        file.write_bytes(b"weights")
        host.sd_vae.vae_dict.clear()
        host.sd_vae.vae_dict["x.pt"] = str(file)
        assert diffuse(host, vae=_sha256(file)[:10])[2]["sd_vae"] == "x.pt"

    def test_unknown_vae(self, host):
        with pytest.raises(EngineError, match=r"'anithing' is unknown\. Did you mean Anything.vae.pt"):
            diffuse(host, vae="anithing")

    def test_forge_is_told_in_its_own_way_and_saves_nothing(self, forge):
        diffuse(forge, checkpoint="second")
        assert forge.loader.calls == [
            ("checkpoint", "second.safetensors [2222222222]", False),
            ("checkpoint", "first.safetensors [1111111111]", False),
        ]

    def test_in_forge_text_encoders_stay_beside_the_vae(self, forge):
        before = ["models/text_encoder/clip_l.safetensors", "models/VAE/ae.safetensors"]
        forge.opts.data["forge_additional_modules"] = list(before)
        diffuse(forge, vae="other")
        assert forge.loader.calls == [
            ("modules", [before[0], "models/VAE/other.safetensors"], False),
            ("modules", before, False),
        ]


def _sha256(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (type("OutOfMemoryError", (RuntimeError,), {})("tried to allocate"), EngineMemoryError),
            (RuntimeError("CUDA error: out of memory"), EngineMemoryError),
            (MemoryError(), EngineMemoryError),
            (AssertionError("bad"), EngineError),
        ],
    )
    def test_are_mapped(self, host, error, kind):
        def fail():
            raise error

        host.processing.meanwhile.append(fail)
        with pytest.raises(kind) as caught:
            diffuse(host)
        assert type(caught.value) is kind
        assert caught.value.__cause__ is error

    def test_nan(self, host):
        def fail():
            raise host.devices.NansException("A tensor with NaNs was produced in VAE.")

        host.processing.meanwhile.append(fail)
        with pytest.raises(EngineNaNError, match="in VAE"):
            diffuse(host)

    def test_full_precision_is_borrowed(self, host):
        host.opts.data.update(auto_vae_precision=False, auto_vae_precision_bfloat16=True)
        _, _, options = diffuse(host, vae_full_precision=True)
        assert (options["auto_vae_precision"], options["auto_vae_precision_bfloat16"]) == (True, False)
        assert (host.opts.auto_vae_precision, host.opts.auto_vae_precision_bfloat16) == (False, True)

    def test_another_size_is_told(self, host):
        def bigger(job):
            job.width = job.height = 128
            return original(job)

        original, host.processing.process_images = host.processing.process_images, bigger
        with pytest.raises(EngineError, match="128×128 instead of 64×48"):
            diffuse(host)

    def test_unknown_sampler(self, host):
        with pytest.raises(EngineError, match=r"'Euler b' is unknown. Did you mean Euler a or Euler\?"):
            diffuse(host, sampler="Euler b")


class TestButtons:
    def test_a_diffusion_broken_off_by_a_pause_is_made_again(self, host):
        run = RunControl()
        from deforum_helpers.hosts.webui.control import WebuiControl

        control = WebuiControl(host.state, run)
        host.processing.meanwhile.append(lambda: setattr(host.state, "skipped", True))
        made = []
        with webui_engine(host, control) as engine:
            worker = Thread(target=lambda: made.append(engine.diffuse(REQUEST)), daemon=True)
            worker.start()
            while not run.is_paused:
                worker.join(0.01)
            assert made == []
            host.state.skipped = True
            worker.join(10)
        assert len(made) == 1
        assert len(host.processing.asked) == 2

    def test_interrupt_while_paused(self, host):
        def pause():
            host.state.skipped = True
            host.state.stopping_generation = False

        from deforum_helpers.hosts.webui.control import WebuiControl

        control = WebuiControl(host.state)
        host.processing.meanwhile.append(pause)
        raised = []

        def work():
            try:
                engine.diffuse(REQUEST)
            except Interrupted as error:
                raised.append(error)

        with webui_engine(host, control) as engine:
            worker = Thread(target=work, daemon=True)
            worker.start()
            while host.state.textinfo is None:
                worker.join(0.01)
            host.state.interrupted = True
            worker.join(10)
        assert len(raised) == 1


class ControlNet:
    """The extension's script, as far as its callers see it."""

    args_from, args_to = 3, 6

    def title(self):
        return "ControlNet"

    def process(self, p, *args):
        return global_state


class global_state:  # noqa: N801 - the extension's name
    cn_models_names = {"canny": "control_canny [1a2b3c4d]", "none": "None"}  # noqa: RUF012
    cn_preprocessor_modules = {"none": 1, "canny": 2}  # noqa: RUF012


class Other(ControlNet):
    args_from, args_to = 1, 3

    def title(self):
        return "Another script"


UNIT = ControlUnit(1, "canny", "CONTROL_CANNY", np.zeros((8, 8, 3), np.uint8), weight=0.5)


class TestControlNet:
    @pytest.fixture(autouse=True)
    def _installed(self, host):
        for runner in (host.scripts.scripts_txt2img, host.scripts.scripts_img2img):
            runner.alwayson_scripts = [Other(), ControlNet()]

    def test_units_are_handed_over_and_others_left_alone(self, host):
        _, job, _ = diffuse(host, control_units=(UNIT,))
        assert [script.title() for script in job.scripts.alwayson_scripts] == ["ControlNet"]
        assert job.scripts is not host.scripts.scripts_txt2img
        assert len(host.scripts.scripts_txt2img.alwayson_scripts) == 2
        assert job.script_args[:3] == [None, None, None]
        unit, *unused = job.script_args[3:]
        assert (unit["model"], unit["module"], unit["weight"]) == ("control_canny [1a2b3c4d]", "canny", 0.5)
        assert unit["image"]["image"].shape == (8, 8, 3)
        assert unused == [{"enabled": False}] * 2

    def test_forge_and_reforge_take_pictures_in_their_own_forms(self, host, monkeypatch):
        for fields, form in (
            ({"image": 0, "image_fg": 0}, (8, 8, 3)),
            ({"image": 0}, {"image", "mask"}),
            ({"image": 0, "effective_region_mask": 0}, {"image", "mask"}),
        ):
            monkeypatch.setitem(globals(), "ControlNetUnit", type("ControlNetUnit", (), {"__annotations__": fields}))
            image = diffuse(host, control_units=(UNIT,))[1].script_args[3]["image"]
            assert (image.keys() if isinstance(image, dict) else image.shape) == form

    def test_a_mask_is_a_region_but_for_inpainting(self, host):
        masked = replace(UNIT, mask=np.full((8, 8), 255, np.uint8))
        unit = diffuse(host, control_units=(masked,))[1].script_args[3]
        assert unit["effective_region_mask"].shape == (8, 8, 3)
        assert not unit["image"]["mask"].any()
        loopback = unit_values(replace(masked, image=None), {}, "region")
        assert loopback["image"] is None
        assert loopback["effective_region_mask"].all()
        inpaint = unit_values(replace(masked, module="inpaint_only"), {}, "region")
        assert inpaint["image"]["mask"].all()
        assert "effective_region_mask" not in inpaint

    def test_a_mask_stands_beside_the_picture_in_forge(self):
        masked = replace(UNIT, mask=np.full((8, 8), 255, np.uint8))
        assert unit_values(masked, {}, "alone")["mask_image"].all()
        assert unit_values(masked, {}, "pairs")["mask_image"]["image"].all()
        assert all("mask_image" not in unit_values(UNIT, {}, form) for form in ("alone", "pairs", "region"))

    def test_loopback_rests_where_there_is_no_picture(self, host, init):
        unit = replace(UNIT, image=None)
        assert diffuse(host, control_units=(unit,))[1].scripts.alwayson_scripts == []
        assert diffuse(host, control_units=(unit,), init_image=init)[1].script_args[3]["image"] is None

    def test_runs_once_more_without_units_to_undo_what_it_did(self, host):
        with webui_engine(host) as engine:
            for units in ((), (UNIT,), ()):
                engine.diffuse(replace(REQUEST, control_units=units))
        before, during, after = (job for job, _ in host.processing.asked)
        assert before.scripts.alwayson_scripts == []
        assert during.script_args[3]["enabled"]
        assert after.script_args[3:] == [{"enabled": False}] * 3

    def test_too_many_units(self, host):
        with pytest.raises(EngineError, match="4 ControlNet units are in use, but the web UI has 3"):
            diffuse(host, control_units=(UNIT,) * 4)

    def test_unknown_model(self, host):
        with pytest.raises(EngineError, match=r"unit 1: the model 'cany' is unknown\. Did you mean control_canny"):
            diffuse(host, control_units=(replace(UNIT, model="cany"),))

    @pytest.mark.parametrize("then", [None, AttributeError("something that follows from it")])
    def test_what_it_only_prints_is_an_error(self, host, then):
        def fail():
            trace = [["extensions/sd-webui-controlnet/scripts/controlnet.py, line 3, process", "x"]]
            host.errors.exception_records.append({"exception": "no such file", "traceback": trace})
            if then is not None:
                raise then

        host.processing.meanwhile.append(fail)
        with pytest.raises(EngineError, match="ControlNet failed: no such file"):
            diffuse(host, control_units=(UNIT,))

    def test_errors_of_others_are_theirs(self, host):
        def fail():
            raise AttributeError("a broken sampler")

        host.processing.meanwhile.append(fail)
        with pytest.raises(EngineError, match="AttributeError: a broken sampler"):
            diffuse(host, control_units=(UNIT,))

    def test_absent(self, host):
        host.scripts.scripts_txt2img.alwayson_scripts = [Other()]
        with pytest.raises(EngineError, match="Install the extension"):
            diffuse(host, control_units=(UNIT,))
        assert diffuse(host)[0].image.any()
