from __future__ import annotations

extensions = []


def active():
    return [extension for extension in extensions if extension.enabled]
