"""The pictures that a setting names, small, as HTML."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

from ..errors import InputError
from ..settings.reading import read_object
from ..web import is_url
from .findings_view import findings_html

_MOST = 60


def pictures_html(key: str, text: str, url: Callable[[Path], str]) -> str:
    """What stands below the box of a setting that names pictures.

    Args:
        key: of the setting; the text of ``init_images`` is JSON, of the others a path or URL.
        text: what stands in its box.
        url: where the page finds a file, if it may show it at all.
    """
    if key != "init_images":
        named = {"": text.strip()} if text.strip() else {}
    else:
        try:
            data, _ = read_object(text, key) if text.strip() else ({}, ())
        except InputError as error:
            return findings_html(error.findings)
        named = {str(frame): str(source) for frame, source in data.items()}
    cards = [_card(frame, source, url) for frame, source in list(named.items())[:_MOST]]
    return f'<div class="deforum-thumbs">{"".join(cards)}</div>' if cards else ""


def _card(frame: str, source: str, url: Callable[[Path], str]) -> str:
    caption = f"<figcaption>{escape(frame)}</figcaption>" if frame else ""
    return f'<figure title="{escape(source[:300], quote=True)}">{_image(source, url)}{caption}</figure>'


def _image(source: str, url: Callable[[Path], str]) -> str:
    if is_url(source) or source.startswith("data:image/"):
        address = source
    elif Path(source).is_absolute():
        address = url(Path(source))
    else:  # where it lies is known when it is rendered
        return f"<span>{escape(Path(source).name)}</span>"
    facts = 'loading="lazy" referrerpolicy="no-referrer" alt="cannot be shown here"'
    return f'<img {facts} src="{escape(address, quote=True)}">'
