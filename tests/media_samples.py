"""Material for the media tests, made on the spot."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np

from deforum_helpers.media.encode import EncodeOptions, FfmpegVideoWriter
from deforum_helpers.media.ffmpeg import run_ffmpeg

RATE = 44100
_N = np.arange(441)
TONE = 0.8 * np.sin(2 * np.pi * 3000 * _N / RATE) * np.exp(-_N / 100)
FAST = EncodeOptions(crf=10, preset="ultrafast", threads=1)


def grey(value, height=48, width=64):
    return np.full((height, width, 3), value, np.uint8)


def picture(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_video(path, levels=range(0, 240, 10), fps=Fraction(24), options=FAST):
    writer = FfmpegVideoWriter(path, width=64, height=48, fps=fps, options=options)
    for level in levels:
        writer.write(grey(level))
    return writer.close()


def make_clicks(path: Path, duration: float, times) -> Path:
    """A WAV with a short, loud tone at each of ``times``."""
    sound = np.zeros(int(duration * RATE))
    for time in times:
        at = round(time * RATE)
        sound[at : at + TONE.size] = TONE
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


def decode_sound(path: Path):
    args = ["-i", path, "-map", "0:a:0", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
    return np.frombuffer(run_ffmpeg(args, purpose="decode"), "<i2") / 32767


def onsets(path: Path):
    """Seconds at which the tones of ``make_clicks`` begin."""
    sound = decode_sound(path)
    loud = np.flatnonzero(np.abs(sound) > 0.2)
    first = loud[np.diff(loud, prepend=-RATE) > RATE // 10]
    # Lossy coding smears a tone's beginning, but not where the tone as a whole fits best.
    padded, reach = np.pad(sound, RATE // 100 + TONE.size), RATE // 100
    windows = [padded[at + TONE.size : at + 2 * TONE.size + 2 * reach - 1] for at in first]
    fits = [int(np.argmax(np.correlate(window, TONE, "valid"))) for window in windows]
    return (first - reach + fits) / RATE


def decode_frames(path: Path, height=48, width=64):
    raw = run_ffmpeg(["-i", path, "-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], purpose="decode")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def frame_times(path: Path):
    """When each frame is shown, exact seconds."""
    args = ["-i", path, "-map", "0:v:0", "-enc_time_base", "-1", "-f", "framecrc", "-"]
    lines = run_ffmpeg(args, purpose="list frames").decode().splitlines()
    base = Fraction(next(line for line in lines if line.startswith("#tb 0:")).split(":")[1].strip())
    return [int(line.split(",")[2]) * base for line in lines if not line.startswith("#")]
