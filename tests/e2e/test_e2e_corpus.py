"""Settings files of 2022 to 2025 as people have them: each is planned, or refused in a clear sentence."""

from __future__ import annotations

import pytest
from e2e_parts import CORPUS, frame_indices, only_run, run_main

FILES = sorted(path.stem for path in CORPUS.glob("*.txt"))
REFUSED = {
    "03": "prompts, column 1: The prompts are inverted",
    "06": "video_init_path: ",
    "08": "init_image: is empty",
    "11": "init_image: ",
    "19": "video_init_path: ",
    "20": "video_init_path: ",
    "23": "rotation_3d_x (frame 0), column 5: ",
    "28": "prompts: there are none",
    "29": "prompts: there are none",
    "30": "30.txt: this is an INI file",
}
"""What is wrong with those that cannot be planned as they are."""
SHORT = ("max_frames=3", "W=64", "H=64", "skip_video_creation=true", "delete_imgs=false")
IN_2D = ("animation_mode=2D", "zoom=0: (1)")  # in 3D zoom takes no part, and may be 0
WITHOUT_FILES = (
    "use_init=false",
    "use_mask=false",
    "use_looper=false",
    "hybrid_composite=None",
    "hybrid_motion=None",
    "color_coherence=LAB",
)
WITHOUT_CONTROLNET = tuple(f"cn_{unit}_enabled=false" for unit in range(1, 6))


def test_all_files_are_here():
    assert len(FILES) == 20


@pytest.mark.parametrize("command", ["plan", "lint"])
@pytest.mark.parametrize("name", FILES)
def test_each_file_is_planned_or_refused_in_a_clear_sentence(capsys, name, command):
    said = run_main(capsys, command, CORPUS / f"{name}.txt")
    assert "Traceback" not in said.err
    missing_file = name in {"06", "08", "11", "19", "20"}
    if name in REFUSED and not (command == "plan" and missing_file):
        assert said.code == 1
        assert said.out == ""
        assert said.errors[0].startswith("error: " + REFUSED[name])
    elif command == "plan":
        assert said.code == 0
        assert said.err == ""
        assert said.out.startswith("Frames ")
    else:
        # What is planned may still be something that cannot be rendered yet.
        assert (said.code, bool(said.errors)) in {(0, False), (1, True)}


@pytest.mark.parametrize("name", [name for name in FILES if name != "30"])
def test_each_file_renders_as_2d_once_its_missing_files_are_switched_off(tmp_path, capsys, name):
    changes = [*SHORT, *IN_2D, *WITHOUT_FILES, *WITHOUT_CONTROLNET]
    if "prompts" in REFUSED.get(name, ""):
        changes.append('prompts={"0": "a harbour"}')
    options = [word for change in changes for word in ("--set", change)]
    said = run_main(capsys, "render", CORPUS / f"{name}.txt", "--out", tmp_path, *options)
    assert said.code == 0, said.err
    assert said.errors == []
    folder = only_run(tmp_path)
    assert said.out.splitlines() == [str(folder)]
    assert frame_indices(folder) == [0, 1, 2]
