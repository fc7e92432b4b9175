"""Options of the host, changed for a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .host import Host

_ABSENT = object()


@contextmanager
def borrowed(host: Host, values: Mapping[str, object]) -> Iterator[None]:
    """Set options of the host, and put back what was there, however this ends.

    No callbacks of the host run, so nothing is loaded or saved. Options that the host does not have are left out, and
    an option that somebody else has changed meanwhile keeps that change.
    """
    data = host.opts.data
    lent = {key: value for key, value in values.items() if host.knows_option(key)}
    before = {key: data.get(key, _ABSENT) for key in lent}
    data.update(lent)
    try:
        yield
    finally:
        data = host.opts.data  # loading a settings file replaces it
        for key, value in before.items():
            if data.get(key, _ABSENT) != lent[key]:
                continue
            if value is _ABSENT:
                del data[key]
            else:
                data[key] = value
