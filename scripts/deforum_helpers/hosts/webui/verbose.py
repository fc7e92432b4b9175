"""More in the log while a job runs, where the settings page asks for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .host import Host
from .options import DEBUG

_FORMAT = "%(asctime)s Deforum %(levelname)s %(message)s"
_LOG = logging.getLogger(__name__)
_PACKAGE = __name__.partition(".")[0]


@contextmanager
def logged(what: str) -> Iterator[None]:
    """Log how long ``what`` takes, and with all details what stops it."""
    begun = time.monotonic()
    _LOG.debug("%s begins", what)
    try:
        yield
    except BaseException as error:
        _LOG.debug("%s failed after %.2f s", what, time.monotonic() - begun, exc_info=error)
        raise
    _LOG.debug("%s took %.2f s", what, time.monotonic() - begun)


@contextmanager
def verbose_log(host: Host) -> Iterator[None]:
    """Have everything that this package logs shown in the console while this lasts, if the option is on."""
    if not host.opts.data.get(DEBUG, False):
        yield
        return
    logger = logging.getLogger(_PACKAGE)
    before = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    console = logging.StreamHandler()
    console.setFormatter(logging.Formatter(_FORMAT))
    # Web UIs show only what is more urgent, unless they have been told otherwise; then they show this as well.
    alone = not logger.hasHandlers()
    if alone:
        logger.addHandler(console)
        logger.propagate = False  # some library may set up the root's log in the middle, and all would be told twice
    try:
        yield
    finally:
        logger.setLevel(before[0])
        logger.propagate = before[1]
        if alone:
            logger.removeHandler(console)
