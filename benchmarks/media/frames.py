"""Reading the frames of a 1280×720 video: forward, beside ffmpeg alone with the same filters, and after jumps.

Run with ``PYTHONPATH=scripts python benchmarks/media/frames.py``.
"""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from deforum_helpers.media.decode import SCALE
from deforum_helpers.media.ffmpeg import find_ffmpeg, run_ffmpeg
from deforum_helpers.media.frames import FrameSources

WIDTH, HEIGHT, SECONDS, FPS = 1280, 720, 15, 30
FRAMES = SECONDS * FPS


def main() -> None:
    with TemporaryDirectory() as folder:
        video = Path(folder) / "video.mp4"
        source = f"testsrc2=s={WIDTH}x{HEIGHT}:r={FPS},noise=alls=12:allf=t"
        args = ["-f", "lavfi", "-i", source, "-t", str(SECONDS), "-preset", "veryfast", "-pix_fmt", "yuv420p", video]
        run_ffmpeg(args, purpose="make the video")
        print(f"ffmpeg, decoding only     {_alone(video, 'null'):6.1f} ms a frame")
        filters = f"scale={WIDTH}:{HEIGHT}:{SCALE},format=rgb24"
        print(f"ffmpeg, to RGB            {_alone(video, filters):6.1f} ms a frame")
        with FrameSources(WIDTH, HEIGHT) as sources:
            began = time.perf_counter()
            frames = sources.open(str(video), key="video_init_path")
            print(f"counting                  {_ms(began, FRAMES):6.1f} ms a frame")
            began = time.perf_counter()
            for index in range(frames.count):
                frames.frame(index)
            print(f"FrameSources, forward     {_ms(began, FRAMES):6.1f} ms a frame")
            jumps = random.Random(0).sample(range(FRAMES), 20)
            began = time.perf_counter()
            for index in jumps:
                frames.frame(index)
            print(f"FrameSources, after jumps {_ms(began, len(jumps)):6.1f} ms a frame")


def _alone(video: Path, filters: str) -> float:
    command = [str(find_ffmpeg()), "-loglevel", "error", "-i", str(video), "-vf", filters, "-f", "rawvideo", "pipe:1"]
    began = time.perf_counter()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return _ms(began, FRAMES)


def _ms(began: float, count: int) -> float:
    return (time.perf_counter() - began) * 1000 / count


if __name__ == "__main__":
    main()
