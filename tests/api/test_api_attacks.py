"""What strangers may try: each attack is refused with a 4xx, is never queued, leaves no file and tells no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from api_parts import served

from deforum_helpers.jobs.access import Access
from jobs_parts import PATIENCE, TINY, Gate, Scripted

SECRET = "the-content-of-the-secret-file"

OUTSIDE = {
    "absolute": "{secret}",
    "up": "../secret.json",
    "up and up": "../../../../../../../../etc/passwd",
    "up from a folder": "sub/../../secret.json",
    "through a link": "link.json",
    "through a linked folder": "linked/secret.json",
    "home": "~/secret.json",
    "home of root": "~root/.ssh/id_rsa",
    "quoted": '"{secret}"',
    "blanks": "   {secret}   ",
    "device": "/dev/zero",
    "process": "/proc/self/environ",
    "file link": "file://{secret}",
    "file link in capitals": "FILE://{secret}",
    "file without slashes": "file:{secret}",
    "ftp": "ftp://example.org/a.json",
    "data": "data:text/plain;base64,AAAA",
    "concat": "concat:{secret}|{secret}",
    "pipe": "pipe:0",
    "subfile": "subfile,,start,0,end,9,,:{secret}",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "network share": "\\\\\\\\server\\\\share\\\\a.json",
    "zero byte": "a.json\\u0000.png",
    "line break": "a.json\\n{secret}",
}
LINKS = {
    "loopback": "http://127.0.0.1/a.json",
    "loopback by name": "http://localhost:7860/a.json",
    "short": "http://127.1/a.json",
    "decimal": "http://2130706433/a.json",
    "hexadecimal": "http://0x7f000001/a.json",
    "octal": "http://0177.0.0.1/a.json",
    "nowhere": "http://0.0.0.0/a.json",
    "private": "http://192.168.0.1/a.json",
    "ten": "https://10.0.0.8/a.json",
    "carrier": "http://100.64.0.1/a.json",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "IPv6": "http://[::1]/a.json",
    "IPv4 in IPv6": "http://[::ffff:127.0.0.1]/a.json",
    "6to4": "http://[2002:7f00:1::]/a.json",
    "link local": "http://[fe80::1]/a.json",
    "unique local": "http://[fd00::1]/a.json",
    "multicast": "http://224.0.0.1/a.json",
    "bare name": "http://intranet/a.json",
    "internal": "http://metadata.google.internal/a.json",
    "trailing dot": "http://localhost./a.json",
    "password": "http://user:pw@example.org/a.json",
    "fooled": "http://example.org@127.0.0.1/a.json",
    "no host": "http:///a.json",
    "bad port": "http://example.org:99999/a.json",
    "blank": "http://example.org/a b\\r\\nHost: x",
}
PLACES = {
    "init_image": {"use_init": True},
    "mask_file": {"use_mask": True},
    "video_init_path": {"animation_mode": "Video Input"},
    "video_mask_path": {"use_mask_video": True},
    "soundtrack_path": {"add_soundtrack": "File"},
    "parseq_manifest": {},
    "color_coherence_image_path": {"color_coherence": "Image"},
    "cn_1_vid_path": {"cn_1_enabled": True},
    "cn_5_mask_vid_path": {"cn_5_enabled": True},
    "image_path": {},
}
VALUES: dict[str, dict[str, object]] = {
    "code in a schedule": {"zoom": "0: (__import__('os').system('touch pwned'))"},
    "attributes in a schedule": {"zoom": "0: (t.__class__.__mro__)"},
    "a lambda": {"angle": "0: ((lambda: 1)())"},
    "a file opened": {"angle": "0: (open('/etc/passwd').read())"},
    "an endless power": {"zoom": "0: (9**9**9**9**9)"},
    "deep brackets": {"zoom": "0: (" + "(" * 5000 + "1" + ")" * 5000 + ")"},
    "many signs": {"zoom": "0: (" + "-" * 20000 + "1)"},
    "code in a strength": {"strength_schedule": '0: (exec("import os"))'},
    "a file in a mask": {"use_mask": True, "mask_schedule": '0: ("[/etc/passwd]")'},
    "a file deep in a mask": {"mask_schedule": '0: ("{everywhere} & !([../secret.json] | [x.png])")'},
    "a link in a mask": {"noise_mask_schedule": '0: ("[http://127.0.0.1/x.png]")'},
    "a guide picture outside": {"use_looper": True, "init_images": '{"0": "/etc/passwd"}'},
    "a guide picture inside out": {"init_images": '{"0": "http://[::1]/x.png"}'},
    "a guide picture hidden": {"init_images": {"0": "a.png", "max_f-1": "../secret.json"}},
    "guide pictures that are no JSON": {"use_looper": True, "init_images": "{{{"},
    "a batch name up": {"batch_name": "../../pwned"},
    "a batch name from the top": {"batch_name": "/tmp/pwned"},
    "a batch name of Windows": {"batch_name": "..\\..\\pwned"},
    "a batch name with a zero": {"batch_name": "a\0b"},
    "a checkpoint that is a path": {
        "enable_checkpoint_scheduling": True,
        "checkpoint_schedule": '0: ("/tmp/evil.ckpt")',
    },
    "a checkpoint up": {"checkpoint_schedule": '0: ("a"), 5: ("../../evil.ckpt")'},
    "a ControlNet model up": {"cn_1_model": "../../evil"},
    "a depth model that is a path": {"depth_algorithm": "/tmp/evil"},
    "huge sides": {"W": 10**6, "H": 10**6},
    "endless sides": {"W": 10**400},
    "no side": {"W": 0},
    "negative sides": {"W": -64},
    "endless frames": {"max_frames": 10**12},
    "no frames": {"max_frames": -1},
    "a million frames": {"max_frames": 10**6},
    "steps of a wrong type": {"steps": {"$gt": 0}},
    "a list for a number": {"W": [64]},
    "a text for a number": {"W": "sixty-four"},
    "a switch of a wrong type": {"use_init": "maybe"},
    "prompts of a wrong type": {"prompts": 5},
    "prompts of prompts": {"prompts": {"0": {"1": "x"}}},
    "prompts of code": {"prompts": {"__import__('os')": "x"}},
    "a choice that is none": {"animation_mode": "$(touch pwned)"},
    "a rate below zero": {"fps": -24},
    "a rate of zero": {"fps": 0},
    "a resume from a folder": {"resume_from_timestring": True, "resume_timestring": "/tmp"},
    "a resume up": {"resume_from_timestring": True, "resume_timestring": "../../x"},
    "an upload that is a path": {"init_image_box": "/etc/passwd", "use_init": True},
    "a pasted picture that is a path": {
        "init_image_box": "data:image/png;base64,/../../../etc/passwd",
        "use_init": True,
    },
    "an upload that is none": {"init_image_box": {"path": "/etc/passwd"}},
    "a manifest of nonsense": {"parseq_manifest": "{}"},
    "a manifest of numbers": {"parseq_manifest": "[1, 2, 3]"},
    "a manifest nested deep": {"parseq_manifest": "[" * 50000},
}


def manifest(**columns: object) -> str:
    frames = [{"frame": frame, **columns} for frame in range(6)]
    return json.dumps({"options": {"output_fps": 12}, "rendered_frames": frames, "keyframes": []})


VALUES["a manifest with a file in a mask"] = {"use_mask": True, "parseq_manifest": manifest(mask="[/etc/passwd]")}
VALUES["a manifest with a link in a mask"] = {
    "use_noise_mask": True,
    "parseq_manifest": manifest(noise_mask="!([http://169.254.169.254/x.png])"),
}
VALUES["a manifest with a checkpoint up"] = {
    "enable_checkpoint_scheduling": True,
    "parseq_manifest": manifest(checkpoint="../../evil.ckpt"),
}
OPTIONS: dict[str, object] = {
    "deforum_ffmpeg_location": "/tmp/evil",
    "deforum_persistent_settings_path": "/etc/cron.d/evil",
    "outdir_samples": "/tmp",
    "outdir_img2img_samples": "/tmp",
    "control_net_detectedmap_dir": "/tmp",
    "__class__": "x",
    "sd_model_checkpoint": "../../evil.ckpt",
    "sd_vae": "/tmp/evil.vae",
    "deforum_ffmpeg_preset": {"a": 1},
    "deforum_save_gen_info_as_srt_params": ["/etc/passwd"],
}


@pytest.fixture
def api(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps({"secret": SECRET}))
    inputs = tmp_path / "inputs"
    (inputs / "sub").mkdir(parents=True)
    (inputs / "link.json").symlink_to(secret)
    (inputs / "linked").symlink_to(tmp_path)
    with served(tmp_path, Scripted(), most_bytes=1 << 20) as opened:
        yield opened


def everything(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if not path.name.startswith("jobs.db")}


def refused(api, settings: dict[str, object], options: dict[str, object] | None = None) -> None:
    folder = api.out.parent
    before = everything(folder)
    body = json.dumps({"deforum_settings": {**TINY, **settings}, "options_overrides": options})
    headers = {"Content-Type": "application/json"}
    for path in ("batches", "plan") if options is None and "resume_timestring" not in settings else ("batches",):
        reply = api.client.post(f"/deforum_api/{path}", content=body, headers=headers)
        assert 400 <= reply.status_code < 500, (path, reply.status_code, reply.text[:500])
        assert SECRET not in reply.text
        assert reply.json()
    lint = api.client.post("/deforum_api/lint", content=body, headers=headers)
    assert options or lint.status_code >= 400 or not lint.json()["ok"]
    assert SECRET not in lint.text
    assert api.queue.jobs() == ()
    assert everything(folder) == before


@pytest.mark.parametrize("attack", OUTSIDE)
def test_files_outside_the_allowed_folders(api, attack):
    named = json.loads(
        '"' + OUTSIDE[attack].replace('"', '\\"').replace("{secret}", str(api.inputs.parent / "secret.json")) + '"'
    )
    for key in ("init_image", "parseq_manifest"):
        refused(api, {**PLACES[key], key: named})


@pytest.mark.parametrize("attack", LINKS)
def test_links_to_private_places(api, attack):
    for key in ("soundtrack_path", "parseq_manifest"):
        refused(api, {**PLACES[key], key: json.loads(f'"{LINKS[attack]}"')})


@pytest.mark.parametrize("key", PLACES)
def test_every_setting_that_names_a_file(api, key):
    refused(api, {**PLACES[key], key: str(api.inputs.parent / "secret.json")})
    refused(api, {**PLACES[key], key: "http://169.254.169.254/x"})


@pytest.mark.parametrize("attack", VALUES)
def test_values(api, attack):
    refused(api, VALUES[attack])


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_the_host(api, name):
    refused(api, {}, {name: OPTIONS[name]})


BODIES = {
    "no JSON": b"{",
    "not an object": b"[1]",
    "null": b"null",
    "nothing": b"",
    "no UTF-8": b'{"deforum_settings": "\xff\xfe"}',
    "nested deep": b'{"deforum_settings": ' + b'{"a":' * 20000 + b"1" + b"}" * 20000 + b"}",
    "nested less deep": b'{"deforum_settings": {"x": ' + b"[" * 400 + b"]" * 400 + b"}}",
    "not a number": b'{"deforum_settings": {"x": NaN}}',
    "endless": b'{"deforum_settings": {"x": -Infinity, "W": 64}}',
    "too many digits": b'{"deforum_settings": {"W": ' + b"9" * 6000 + b"}}",
    "too large": b'{"deforum_settings": {"x": "' + b"x" * (1 << 20) + b'"}}',
    "too many jobs": json.dumps({"deforum_settings": [{}] * 101}).encode(),
    "a list of lists": b'{"deforum_settings": [[1]]}',
    "a list with an empty one": b'{"deforum_settings": [{"W": 64}, 5]}',
    "options of a wrong type": b'{"deforum_settings": {"W": 64}, "options_overrides": "x"}',
    "half a character": b'{"deforum_settings": {"W": "\\ud800"}}',
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", ["batches", "plan", "lint"])
def test_bodies(api, path, body):
    reply = api.client.post(f"/deforum_api/{path}", content=BODIES[body], headers={"Content-Type": "application/json"})
    # Looking at settings that hold something odd where nobody needs it is harmless.
    harmless = body in {"nested less deep", "not a number", "endless", "options of a wrong type", "half a character"}
    assert 400 <= reply.status_code < 500 or (harmless and path != "batches"), reply.text[:300]
    reply.json()
    assert reply.status_code < 500
    assert api.queue.jobs() == ()


def test_a_body_that_lies_about_its_size(api):
    def parts():
        yield b'{"deforum_settings": {"x": "'
        for _ in range(40):
            yield b"x" * (1 << 16)

    reply = api.client.post("/deforum_api/lint", content=parts(), headers={"Content-Type": "application/json"})
    assert reply.status_code == 413


@pytest.mark.parametrize("identity", ["..%2f..%2fetc%2fpasswd", "%00", "a'; DROP TABLE jobs;--", "batch(1)-0" * 999])
def test_ids(api, identity):
    for path in (f"jobs/{identity}", f"batches/{identity}", f"jobs/{identity}/video", f"jobs/{identity}/frames/latest"):
        assert api.client.get(f"/deforum_api/{path}").status_code == 404
    assert api.client.post(f"/deforum_api/jobs/{identity}/resume").status_code == 404
    assert api.queue.jobs() == ()


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic s3cret",
        "s3cret",
        "Bearer s3cret2",
        "Bearer s3cre",
        "Bearer \xff",
    ],
)
def test_without_the_token(tmp_path, given):
    with served(tmp_path, token="s3cret") as api:
        headers = {b"Authorization": given.encode("latin-1")} if given else {}
        for method, path in (("GET", "/deforum_api/jobs"), ("POST", "/deforum/run"), ("POST", "/deforum_api/batches")):
            reply = api.client.request(method, path, headers=headers)
            assert reply.status_code == 401
            assert reply.headers["WWW-Authenticate"] == "Bearer"
        reply = api.client.get("/deforum_api/jobs", headers={"Authorization": "Bearer s3cret"})
        assert (reply.status_code, reply.json()) == (200, {})


def test_pages_of_other_servers(tmp_path):
    with served(tmp_path, origins=frozenset({"https://friend.example"})) as api:
        for origin in ("https://evil.example", "null", "http://testserver.evil.example", "http://[", ""):
            reply = api.client.post("/deforum/run?settings_json={}", headers={"Origin": origin})
            assert reply.status_code == 403
            assert "Access-Control-Allow-Origin" not in reply.headers
        for origin in ("https://friend.example", "http://testserver"):
            assert api.client.get("/deforum_api/jobs", headers={"Origin": origin}).status_code == 200
        assert api.queue.jobs() == ()


def test_browsers_of_welcome_pages_are_told_so(tmp_path):
    with served(tmp_path, origins=frozenset({"https://friend.example"}), token="s3cret") as api:
        asked = {"Origin": "https://friend.example", "Access-Control-Request-Method": "POST"}
        reply = api.client.options("/deforum_api/batches", headers=asked)
        assert reply.status_code == 200
        assert reply.headers["Access-Control-Allow-Origin"] == "https://friend.example"
        assert "POST" in reply.headers["Access-Control-Allow-Methods"]
        for headers, status in ((asked, 401), ({**asked, "Authorization": "Bearer s3cret"}, 200)):
            reply = api.client.get("/deforum_api/jobs", headers=headers)
            assert reply.status_code == status
            assert reply.headers["Access-Control-Allow-Origin"] == "https://friend.example"
        evil = api.client.options("/deforum_api/batches", headers={**asked, "Origin": "https://evil.example"})
        assert evil.status_code == 403
        assert "Access-Control-Allow-Origin" not in evil.headers


def test_pages_of_servers_that_a_pattern_names(tmp_path):
    with served(tmp_path, origin_pattern=r"https://\w+\.friend\.example") as api:
        for origin in (
            "https://a.friend.example.evil.example",
            "https://evil.example/https://a.friend.example",
            "null",
        ):
            assert api.client.get("/deforum_api/jobs", headers={"Origin": origin}).status_code == 403
        assert api.client.get("/deforum_api/jobs", headers={"Origin": "https://a.friend.example"}).status_code == 200
    with served(tmp_path, origins=frozenset({"*"})) as api:
        assert api.client.get("/deforum_api/jobs", headers={"Origin": "https://any.example"}).status_code == 200


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "evil.example:80", "", "127.0.0.1.nip.io"])
def test_names_that_the_server_does_not_go_by(tmp_path, name):
    with served(tmp_path, names=frozenset({"localhost", "127.0.0.1", "[::1]"})) as api:
        for own in ("localhost", "127.0.0.1:7870", "[::1]:7870", "LOCALHOST:7870"):
            assert api.client.get("/deforum_api/jobs", headers={"Host": own}).status_code == 200
        headers = {"Host": name, "Origin": f"http://{name}"}
        assert api.client.post("/deforum/run?settings_json={}", headers=headers).status_code == 400
        assert api.queue.jobs() == ()


@pytest.mark.parametrize(
    "key", ["engine", "model", "model_config", "vae", "checkpoints", "lora_dir", "device", "download", "out", "models"]
)
def test_what_the_command_line_says_is_not_said_by_a_request(api, key):
    """Engine, models and folders are whoever started the server's business."""
    body = {"deforum_settings": TINY, "options_overrides": {key: "/tmp/evil.ckpt"}}
    reply = api.client.post("/deforum_api/batches", json=body)
    assert (reply.status_code, reply.json()["findings"][0]["key"]) == (403, f"options_overrides.{key}")
    reply = api.client.post("/deforum_api/batches", json={**body, "options_overrides": {}, key: "/tmp/evil.ckpt"})
    assert reply.status_code == 202  # passed over, as any unknown field
    (job,) = api.queue.jobs()
    assert (key in job.deforum_settings, job.options_overrides) == (False, {})


def test_the_simple_api_uses_what_it_is_allowed_to(api):
    for settings in ({"init_image": "/etc/passwd", "use_init": True}, {"batch_name": "../../x"}):
        parameters = {"settings_json": json.dumps(settings), "allowed_params": "init_image;use_init"}
        reply = api.client.post("/deforum/run", params=parameters)
        allowed = "init_image" in settings
        assert reply.status_code == (403 if allowed else 200), reply.text
    (job,) = api.queue.jobs()
    assert set(job.deforum_settings) == {"batch_name"}
    assert len(job.deforum_settings["batch_name"]) == 32


def test_what_is_allowed_is_allowed(tmp_path):
    """The other way round: the checks above do not refuse everything."""
    gate = Gate()
    with served(tmp_path, Scripted(wait=gate)) as api:
        manifest = {"options": {"output_fps": 12}, "rendered_frames": [{"frame": f} for f in range(6)], "keyframes": []}
        (api.inputs / "manifest.json").write_text(json.dumps(manifest))
        for settings in (
            {"parseq_manifest": "manifest.json"},
            {"parseq_manifest": str(api.inputs / "manifest.json")},
            {"parseq_manifest": json.dumps(manifest)},
            {"parseq_manifest": "https://example.org/manifest.json"},
            {"parseq_manifest": "https://93.184.216.34/manifest.json"},
            {"init_image_box": "data:image/png;base64,iVBORw0KGgo="},
            {"batch_name": "Neon {timestring} 1.5.. ok"},
            {"checkpoint_schedule": '0: ("sd15/model v1..5.safetensors [abc]")'},
            {"add_soundtrack": "File", "soundtrack_path": "https://example.org/a.mp3"},
        ):
            reply = api.client.post("/deforum_api/batches", json={"deforum_settings": {**TINY, **settings}})
            assert reply.status_code == 202, (settings, reply.text)
        options = {"deforum_ffmpeg_crf": 20, "sd_model_checkpoint": "sd15/model.safetensors [abc]"}
        body = {"deforum_settings": TINY, "options_overrides": options}
        assert api.client.post("/deforum_api/batches", json=body).status_code == 202


def test_access_to_private_links_can_be_given(tmp_path):
    access = Access(roots=(tmp_path,), allow_private=True)
    with served(tmp_path, access=access) as api:
        settings = {**TINY, "add_soundtrack": "File", "soundtrack_path": "http://192.168.0.7/a.mp3"}
        assert api.client.post("/deforum_api/batches", json={"deforum_settings": settings}).status_code == 202
        settings["soundtrack_path"] = "file:///etc/passwd"
        assert api.client.post("/deforum_api/batches", json={"deforum_settings": settings}).status_code == 403


def test_a_video_outside_the_output_folder_is_not_served(tmp_path):
    from deforum_helpers.jobs.work import Outcome

    outside = tmp_path / "elsewhere.mp4"
    outside.write_bytes(b"not for you")
    runner = Scripted(x=lambda work, control, report: Outcome(outside))
    runner.deed_of = lambda settings: "x"
    with served(tmp_path, runner) as api:
        job = api.client.post("/deforum_api/batches", json={"deforum_settings": TINY}).json()["job_ids"][0]
        for status in api.queue.events(job, heartbeat=PATIENCE):
            last = status
        assert last.video == str(outside)
        assert api.client.get(f"/deforum_api/jobs/{job}/video").status_code == 404
