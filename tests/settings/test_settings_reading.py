"""Text that is almost JSON is mended and reported; anything else is refused in one clear sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deforum_helpers.errors import SettingsError
from deforum_helpers.settings.files import load_settings, parse_settings
from deforum_helpers.settings.reading import read_object


def messages(findings) -> list[str]:
    return [str(finding) for finding in findings]


@pytest.mark.parametrize(
    ("text", "expected", "line"),
    [
        ('{\n"a": 1,\n}', {"a": 1}, 2),
        ('{\n"a": [1, 2,],\n"b": 2}', {"a": [1, 2], "b": 2}, 2),
        ('{"a": 1,\n"scheduler": karras,\n"b": 2}', {"a": 1, "scheduler": "karras", "b": 2}, 2),
        ('{"sampler": Euler a}', {"sampler": "Euler a"}, 1),
        ('{"a": None, "b": True}', {"a": None, "b": True}, 1),
        ('{"a": "x, }", "b": word\r\n}', {"a": "x, }", "b": "word"}, 1),
        (r'{"a": "say \"no, }\"", "b": C:\models\a.ckpt}', {"a": 'say "no, }"', "b": r"C:\models\a.ckpt"}, 1),
        ('{"a": -1.5e3, "b": 2,}', {"a": -1500.0, "b": 2}, 1),
    ],
)
def test_slips_are_mended_and_the_line_is_named(text, expected, line):
    data, findings = read_object(text, "file.txt")
    assert data == expected
    assert findings
    assert all(finding.severity == "warning" and finding.key == "file.txt" for finding in findings)
    assert findings[0].message.startswith(f"line {line}:")


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}', '\ufeff{"a": 1}', '{"a":\r\n1\r\n}', '  \n{"a": 1}\n\n', '{"a": 1, "a": 1}'],
)
def test_sound_json_is_read_without_remarks(text):
    assert read_object(text, "file.txt") == ({"a": 1}, ())


def test_nesting_up_to_the_limit_is_read():
    assert read_object('{"a": ' + "[" * 99 + "]" * 99 + "}", "")[1] == ()


def test_line_breaks_inside_texts_are_kept():
    assert read_object('{"a": "0: (1),\n5: (2)"}', "")[0] == {"a": "0: (1),\n5: (2)"}


def test_of_a_double_key_the_last_one_counts_and_a_difference_is_reported():
    data, findings = read_object('{"prompts": {"0": "a", "0": "b"}, "W": 1, "W": 1}', "")
    assert data == {"prompts": {"0": "b"}, "W": 1}
    assert messages(findings) == ["0: is there twice with different values; the last one counts."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("<!DOCTYPE html><html><body>404</body></html>", "web page"),
        ("\n[general]\nmax_frames = 100\nwidth = 512\n", "INI"),
        ("max_frames = 100\n", "INI"),
        ("[1, 2]", "a list"),
        ('"text"', "a text"),
        ("12", "a single value"),
        ("null", "a single value"),
        ('{"a": 1', "line 1"),
        ('{"a" 1}', "line 1"),
        ('{"a": 1}\n{"b": 2}', "line 2"),
        ('{"a": "never closed}', "line 1"),
        ("just words", "not a"),
        ('{"a": ' + "[" * 100_000, "levels deep"),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "levels deep"),
        ('{"a": ' * 100_000, "levels deep"),
        ('{"rendered_frames": [], "keyframes": []}', "Parseq manifest"),
    ],
)
def test_other_text_is_refused_with_the_name_of_the_file(text, expected):
    with pytest.raises(SettingsError) as caught:
        parse_settings(text, "file.txt")
    assert expected in str(caught.value)
    assert [finding.key for finding in caught.value.findings] == ["file.txt"]


def test_an_error_in_json_points_at_the_column():
    with pytest.raises(SettingsError) as caught:
        read_object('{\n  "a": 1,\n  "b" 2\n}', "file.txt")
    assert str(caught.value).splitlines()[1:] == ['      "b" 2', "          ^"]


def test_an_endless_integer_is_refused_or_read_but_never_crashes():
    text = '{"unknown": ' + "9" * 6000 + "}"
    try:
        read_object(text, "")
    except SettingsError as error:
        assert "cannot be read" in str(error)  # noqa: PT017 - newer versions of Python limit the digits, older do not


@pytest.mark.parametrize(
    "raw",
    [b'{"W": 640}', b'\xef\xbb\xbf{"W": 640}', '{"W": 640}'.encode("utf-16"), b'{"W":\r\n640}\r\n'],
)
def test_encodings(tmp_path, raw):
    file = tmp_path / "settings.txt"
    file.write_bytes(raw)
    loaded = load_settings(file)
    assert loaded.settings.run.W == 640
    assert loaded.folder == tmp_path.resolve()
    assert loaded.source == "settings.txt"


def test_windows_encoding_is_read_with_a_warning(tmp_path):
    file = tmp_path / "settings.txt"
    file.write_bytes('{"batch_name": "Übung"}'.encode("cp1252"))
    loaded = load_settings(file)
    assert loaded.settings.run.batch_name == "Übung"
    assert "Windows-1252" in loaded.findings[0].message


def test_files_that_cannot_be_read(tmp_path):
    binary = tmp_path / "frame.png"
    binary.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    with pytest.raises(SettingsError, match="binary"):
        load_settings(binary)
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "missing.txt")
    with pytest.raises(SettingsError, match="a folder"):
        load_settings(tmp_path)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings("null\0character.txt")


@given(st.text(alphabet='{}[]",:\\ \n\r\tabNnull019.-<=é', max_size=60))
def test_arbitrary_text_is_read_or_refused(text):
    try:
        data, _ = read_object(text, "file")
    except SettingsError:
        return
    assert isinstance(data, dict)


@given(
    st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.lists(st.text()), max_size=4)
)
def test_every_json_object_is_read_unchanged(data):
    assert read_object(json.dumps(data), "file") == (data, ())
    assert read_object(json.dumps(data, indent=4, ensure_ascii=False), "file") == (data, ())


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.text(), min_size=1), min_size=1))
def test_trailing_commas_never_change_the_values(data):
    text = json.dumps(data, indent=1)
    assert read_object(text[:-2] + ",\n}", "file")[0] == data


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(tmp_path_factory, raw):
    file = tmp_path_factory.getbasetemp() / "arbitrary.txt"
    file.write_bytes(raw)
    try:
        load_settings(file)
    except SettingsError:
        return
    assert raw.strip()
