"""The page as people start it: the command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import deforum_helpers

PACKAGE = Path(deforum_helpers.__file__).parent.parent


@contextmanager
def serving(python: str, out: Path) -> Iterator[str]:
    """Serve the page with the preview engine, which takes its time; yields the address."""
    names = ("http_proxy", "https_proxy", "all_proxy")
    clean = {key: value for key, value in os.environ.items() if key.lower() not in names}
    env = {
        **clean,
        "PYTHONPATH": str(PACKAGE),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(out / "tmp"),
    }
    command = [python, "-W", "ignore", "-m", "deforum_helpers", "ui", "--out", str(out), "--latency", "0.1"]
    log = out.parent / f"{out.name}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env, cwd=out) as server,
    ):
        assert server.stdout is not None
        address = ""
        for line in server.stdout:
            if line.startswith("http"):
                address = line.strip()
                break
        try:
            assert address, log.read_text()[-3000:]
            yield address
        finally:
            server.terminate()
