from __future__ import annotations

from types import SimpleNamespace

calls = []
device = SimpleNamespace(type="cpu")


class NansException(Exception):  # noqa: N818 - the web UI's name
    pass


def torch_gc():
    calls.append("torch_gc")
