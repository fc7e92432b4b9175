"""Write the click track of a Parseq manifest: a short click on every beat, an accent on every fourth.

Only the standard library is used. Run it in this folder to make ``clicks.wav`` again:

    python make_click_track.py [parseq.json] [clicks.wav] [--rate 22050]
"""

from __future__ import annotations

import argparse
import array
import json
import math
import sys
import wave
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).parent
CLICK_SECONDS = Fraction(3, 100)
DECAY_SECONDS = 0.006
BEATS_PER_BAR = 4


def beat_samples(bpm: Fraction, seconds: Fraction, rate: int) -> list[int]:
    """Index of the first sample of every beat; exact, however long the track."""
    period = 60 / bpm
    return [round(beat * period * rate) for beat in range(math.ceil(seconds / period))]


def click(accent: bool, rate: int) -> list[int]:
    """Samples of one click; the very first sample is the loudest."""
    pitch, level = (1760.0, 26000) if accent else (1100.0, 15000)
    times = (n / rate for n in range(round(CLICK_SECONDS * rate)))
    return [round(level * math.cos(2 * math.pi * pitch * t) * math.exp(-t / DECAY_SECONDS)) for t in times]


def click_track(bpm: Fraction, seconds: Fraction, rate: int) -> array.array[int]:
    """The whole track, 16-bit mono."""
    track = array.array("h", bytes(2 * round(seconds * rate)))
    for beat, start in enumerate(beat_samples(bpm, seconds, rate)):
        for n, sample in enumerate(click(beat % BEATS_PER_BAR == 0, rate)[: len(track) - start]):
            track[start + n] = sample
    return track


def length_of(manifest: dict) -> tuple[Fraction, Fraction]:
    """Beats per minute and seconds of a manifest."""
    options = manifest["options"]
    frames = 1 + max(frame["frame"] for frame in manifest["rendered_frames"])
    return Fraction(str(options["bpm"])), frames / Fraction(str(options["output_fps"]))


def main() -> None:
    """Read the manifest, write the sound file."""
    parser = argparse.ArgumentParser(description="Write the click track of a Parseq manifest.")
    parser.add_argument("manifest", nargs="?", type=Path, default=HERE / "parseq.json")
    parser.add_argument("output", nargs="?", type=Path, default=HERE / "clicks.wav")
    parser.add_argument("--rate", type=int, default=22050, help="samples per second (default: %(default)s)")
    args = parser.parse_args()
    bpm, seconds = length_of(json.loads(args.manifest.read_text("utf-8")))
    track = click_track(bpm, seconds, args.rate)
    if sys.byteorder == "big":
        track.byteswap()
    with wave.open(str(args.output), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(args.rate)
        sound.writeframes(track.tobytes())
    print(f"{args.output}: {float(seconds):g} s, {float(bpm):g} beats per minute, {args.rate} Hz")


if __name__ == "__main__":
    main()
