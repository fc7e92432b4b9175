"""Files in and out: frames on disk, videos, soundtracks, subtitles, and the names they get."""
