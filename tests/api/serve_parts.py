"""The server as a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deforum_helpers

SCRIPTS = Path(deforum_helpers.__file__).parents[1]


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    address: str
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The reply to a request, read as JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.loads(reply.read())

    def events(self, job: str) -> Iterator[dict[str, Any]]:
        """What the server sends of a job."""
        path = f"{self.address}/deforum_api/jobs/{job}/events"
        with urllib.request.urlopen(path, timeout=60) as reply:
            for line in reply:
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])

    def job(self, job: str) -> dict[str, Any]:
        return self.ask("GET", f"/deforum_api/jobs/{job}")


@contextmanager
def serving(out: Path, *arguments: str, token: str = "") -> Iterator[Server]:
    """A server with the preview engine that keeps its runs in ``out``; killed at the end if it still runs."""
    command = [sys.executable, "-m", "deforum_helpers", "serve", "--port", "0", "--out", str(out), *arguments]
    command += ["--token", token] if token else []
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        lines = []
        while line := process.stderr.readline():
            lines.append(line)
            if found := re.search(r"listens at (http://\S+)", line):
                yield Server(process, found[1], token)
                break
        else:
            raise AssertionError("".join(lines))
    finally:
        process.kill()
        process.communicate()
