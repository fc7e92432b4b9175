"""What requests of strangers may reach: files below allowed folders, links to the public internet, sizes within reason.

Links are looked at again when they are fetched (``web.open_url`` with ``allow_private=False``): only then is it known
where a name leads.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import AccessError, Finding, InputError
from ..settings.paths import resolve_path
from ..settings.reading import read_object
from ..settings.schema import SETTINGS, Setting, Settings
from ..web import is_url

if TYPE_CHECKING:
    from ..rendering.data.render_data import RenderData

_SCHEME = re.compile(r"[^\\/]{2,}:")
"""What ffmpeg and others take for a protocol; ``./12:30.png`` is a file all the same."""
_PASTED = re.compile(r"data:image/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=\s]*")
"""A picture that is sent along."""
_MASK_FILE = re.compile(r"\[([^\]]*)\]")
_CLIMBS = re.compile(r"(^|[\\/\"'(\s])\.\.([\\/]|$)")
_ABSOLUTE_NAME = re.compile(r"""(^|["'(\s])\s*([\\/~]|[a-zA-Z]:[\\/]|[a-zA-Z][a-zA-Z0-9+.-]+://)""")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain")


@dataclass(frozen=True)
class Access:
    """What restricted requests may reach.

    Attributes:
        roots: folders below which input files may lie; without any, no file may be named at all.
        allow_private: whether links may lead to hosts that are not on the public internet.
        most_pixels: of a frame.
        most_frames: of a video.
    """

    roots: tuple[Path, ...] = ()
    allow_private: bool = False
    most_pixels: int = 4096 * 4096
    most_frames: int = 100_000


def check_access(settings: Settings, folder: Path, access: Access) -> None:
    """See that settings reach for nothing they may not.

    Args:
        settings: of a restricted request.
        folder: where relative paths are looked up first.
        access: what is allowed.

    Raises:
        AccessError: they do; everything is listed. Whether a file exists is not told.
    """
    found = [finding for check in _CHECKS for finding in check(settings, folder, access)]
    if found:
        raise AccessError(found)


def check_plan(data: RenderData, folder: Path, access: Access) -> None:
    """See that a plan reaches for nothing it may not: a manifest, too, can name files and models.

    Args:
        data: the plan of a restricted request whose settings have been checked.
        folder: where relative paths are looked up first.
        access: what is allowed.

    Raises:
        AccessError: it does; everything is listed.
    """
    found: list[Finding] = []
    from ..rendering.data.mask_texts import mask_texts  # with numpy and the plan, which a start need not wait for

    for mask in mask_texts(data.series, data.settings):
        for named in _MASK_FILE.findall(mask.text):
            found += refused_place(named, mask.key, folder, access)
    for guide in data.guides:
        if data.settings.loop.init_images != SETTINGS["init_images"].default:
            found += refused_place(guide.picture, "init_images", folder, access)
    for name in {key.checkpoint for key in data.keys}:
        found += _model_name(name, "checkpoint_schedule")
    if found:
        raise AccessError(found)


def _paths(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    for key, setting in SETTINGS.items():
        value = settings.value(key)
        # What nobody has set is not what a stranger asks for.
        if setting.kind == "path" and value != setting.default:
            yield from refused_place(value, key, folder, access)


def _manifest(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    text = settings.parseq.parseq_manifest.strip().lstrip("\ufeff").strip()
    if text and not text.startswith(("{", "[", "<")):
        yield from refused_place(text, "parseq_manifest", folder, access)


def _guide_pictures(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    text, key = settings.loop.init_images, "init_images"
    if text == SETTINGS[key].default:
        return
    try:
        pictures = read_object(text, key)[0] if text.strip() else {}
    except InputError as error:
        if settings.loop.use_looper:
            yield from error.findings
        return
    for picture in pictures.values():
        yield from refused_place(str(picture), key, folder, access)


def _mask_files(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    for key in ("mask_schedule", "noise_mask_schedule"):
        for named in _MASK_FILE.findall(settings.value(key)):
            yield from refused_place(named, key, folder, access)


def _model_names(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    """Names of models are names, not paths: a file of weights can hold programs."""
    for key in _NAMES_OF_MODELS:
        yield from _model_name(str(settings.value(key)), key)


def _model_name(text: str, key: str) -> Iterator[Finding]:
    if _CLIMBS.search(text) or _ABSOLUTE_NAME.search(text) or _CONTROL.search(text):
        yield Finding("error", "this is a path; allowed are the names of installed models.", key)


def _names(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    name = settings.run.batch_name
    if _CLIMBS.search(name) or _CONTROL.search(name) or name.startswith(("/", "\\", "~")):
        yield Finding("error", "this is a path; allowed is the name of a folder.", "batch_name")


def _resumed(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    wanted = settings.anim.resume_timestring.strip()
    if settings.anim.resume_from_timestring and not re.fullmatch(r"[0-9]{14}", wanted):
        yield Finding("error", "this is no timestring of 14 digits.", "resume_timestring")


def _sizes(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    width, height, frames = settings.run.W, settings.run.H, settings.anim.max_frames
    if width * height > access.most_pixels:
        yield Finding("error", f"{width}×{height} is too large; allowed are {access.most_pixels} pixels.", "W")
    if frames > access.most_frames:
        yield Finding("error", f"{frames} frames are too many; allowed are {access.most_frames}.", "max_frames")


def _objects(settings: Settings, folder: Path, access: Access) -> Iterator[Finding]:
    for key, setting in SETTINGS.items():
        value = settings.value(key)
        pasted = isinstance(value, str) and _PASTED.fullmatch(value.strip())
        if setting.kind == "object" and value not in (None, "", [], {}) and not pasted:
            yield Finding("error", "this cannot be sent; allowed is a picture as data:image/…;base64,….", key)


def refused_place(text: str, key: str, folder: Path, access: Access) -> Iterator[Finding]:
    """What is wrong with naming ``text``, a path or a link; ``folder`` is where relative paths are looked up first."""
    named = text.strip().strip("\"'").strip()
    if not named or _PASTED.fullmatch(named):
        return
    if is_url(named):
        if not access.allow_private and (reason := local_link(named)):
            yield Finding("error", f"this link {reason}; allowed are links to the public internet.", key)
    elif _CONTROL.search(named) or "\n" in named or "\r" in named:
        yield Finding("error", "this is no path: it holds control characters.", key)
    elif _SCHEME.match(named) and not _is_drive(named):
        yield Finding("error", "links of this kind are not followed; allowed are http, https and paths.", key)
    elif named.startswith(("~", "\\\\")) or not is_below(named, folder, access.roots):
        allowed = ", ".join(str(root) for root in access.roots) or "none"
        yield Finding("error", f"the file is outside the allowed folders ({allowed}).", key)


def _is_drive(named: str) -> bool:
    return re.match(r"[a-zA-Z]:[\\/]", named) is not None


def is_below(named: str, folder: Path, roots: tuple[Path, ...]) -> bool:
    """Whether the path that ``named`` means, links in it followed, lies in one of ``roots``."""
    try:
        path = resolve_path(named, (folder,)).resolve()
        return any(path.is_relative_to(root.resolve()) for root in roots)
    except (OSError, RuntimeError, ValueError):
        return False


def local_link(url: str) -> str:
    """Why an http(s) link is known, without asking anybody, to lead to a private place or nowhere; else empty."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        return f"is not valid ({error})"
    if not host or _CONTROL.search(url) or any(c.isspace() for c in url.strip()) or port == 0:
        return "is not valid"
    if parts.username is not None or parts.password is not None:
        return "holds a name or password"
    address = _address(host)
    if address is not None:
        mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
        is_public = address.is_global and not address.is_multicast and not address.is_reserved and mapped is None
        return "" if is_public else "leads to a private address"
    labels = host.rstrip(".").lower().split(".")
    return "leads to a private address" if len(labels) < 2 or labels[-1] in _LOCAL_NAMES else ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that ``host`` is, in any of the ways it can be written; None if it is a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # 127.1, 0x7f000001, 017700000001 and 2130706433 are all addresses to the system.
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None


def _model_settings() -> tuple[str, ...]:
    def is_name(setting: Setting) -> bool:
        return setting.key in {"checkpoint_schedule", "sd_vae", "depth_algorithm"} or (
            setting.key.startswith("cn_") and setting.key.endswith(("_model", "_module"))
        )

    return tuple(key for key, setting in SETTINGS.items() if is_name(setting))


_NAMES_OF_MODELS = _model_settings()

_CHECKS: tuple[Callable[[Settings, Path, Access], Iterator[Finding]], ...] = (
    _paths,
    _manifest,
    _guide_pictures,
    _mask_files,
    _model_names,
    _names,
    _resumed,
    _sizes,
    _objects,
)
