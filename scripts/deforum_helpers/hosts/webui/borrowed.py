"""Options of the host, changed for a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from .host import Host

ABSENT: object = object()
"""Stands for an option that has its default because nobody has ever set it."""


@contextmanager
def borrowed(host: Host, values: Mapping[str, object]) -> Iterator[None]:
    """Set options of the host, and put back what was there, however this ends.

    No callbacks of the host run, so nothing is loaded or saved. Options that the host does not have are left out, and
    an option that somebody else has changed meanwhile keeps that change.
    """
    data = host.opts.data
    lent = {key: value for key, value in values.items() if host.knows_option(key)}
    before = {key: data.get(key, ABSENT) for key in lent}
    data.update(lent)
    try:
        yield
    finally:
        data = host.opts.data  # loading a settings file replaces it
        for key, value in before.items():
            if data.get(key, ABSENT) == lent[key]:
                put_back(data, key, value)


def put_back(data: MutableMapping[str, object], key: str, value: object) -> None:
    """Set the option ``key`` to what it was, which may be ``ABSENT``."""
    if value is ABSENT:
        data.pop(key, None)
    else:
        data[key] = value
