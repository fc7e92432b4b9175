"""The only place that knows which gradio this is: 3.41 in AUTOMATIC1111, 4.40 in Forge, a current one on our page."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio.context import Context

VERSION = tuple(int(part) for part in gr.__version__.split(".")[:2])

Component = Any
"""A gradio component."""
Handler = Callable[..., Sequence[Any]]
"""What answers an event: the values of the inputs in, one value or update per output out."""

same = gr.update
"""``same()`` is the update that leaves an output as it is."""
update = gr.update


def display(shown: bool) -> Any:
    """What a component's ``visible`` is to be.

    gradio 6 takes what is not visible out of the page, and does not bring back what was hidden twice; what it calls
    hidden stays there without being seen, as in older ones.
    """
    return shown or ("hidden" if VERSION >= (6, 0) else False)


def listen(
    events: Any,
    handler: Handler,
    inputs: Sequence[Component],
    outputs: Sequence[Component],
    *,
    raw: bool = False,
    once: bool = False,
) -> None:
    """Answer an event, past the queue, for every answer is quick.

    Args:
        events: the listener of a component, such as ``button.click``, or those of several, all of one name.
        handler: returns one value or update per output.
        inputs: components whose values it gets.
        outputs: components that it changes.
        raw: whether the values come as the browser sends them, unchecked by gradio.
        once: whether an event is dropped while another is being answered; else the last of them is answered, too.
    """
    options: dict[str, Any] = {"queue": False, "show_progress": "hidden", "preprocess": not raw}
    options.update({"api_visibility": "private"} if VERSION >= (6, 0) else {"api_name": False})
    if VERSION >= (4, 0):
        options["trigger_mode"] = "once" if once else "always_last"
    answer: Callable[..., Any] = handler
    if len(outputs) == 1:

        def answer(*values: Any) -> Any:
            return handler(*values)[0]

    options |= {"fn": answer, "inputs": list(inputs), "outputs": list(outputs)}
    first, *others = events if isinstance(events, list) else [events]
    if others and VERSION >= (4, 0):
        gr.on([first, *others], **options)
        return
    first(**options)
    if others:
        # Old pages know listeners to several components, only their Python does not.
        Context.root_block.dependencies[-1]["targets"] += [event.trigger._id for event in others]


def html(value: str = "", **facts: Any) -> Component:
    """A piece of HTML."""
    return gr.HTML(value, **({"apply_default_css": False} if VERSION >= (6, 0) else {}), **facts)


def hidden_text(elem_id: str, value: str = "") -> Component:
    """A text that is in the page but not on display. Some gradios leave out what is not visible, so styles hide it."""
    facts: dict[str, Any] = {"elem_id": elem_id, "elem_classes": ["deforum-hidden"]}
    return gr.Textbox(value, lines=2, max_lines=2, show_label=False, container=False, **facts)


def hidden_button(elem_id: str) -> Component:
    """A button for the script to press."""
    return gr.Button("", elem_id=elem_id, elem_classes=["deforum-hidden"])


def accordion(label: str, *, is_open: bool, elem_id: str) -> Component:
    """A section that opens and closes."""
    return gr.Accordion(label, open=is_open, elem_id=elem_id)


def upload_button(label: str, *, types: Sequence[str], elem_id: str, is_hidden: bool = False) -> Component:
    """A button that takes one file; the event ``upload`` comes with what :func:`path_of` reads."""
    kind = "file" if VERSION < (4, 0) else "filepath"
    classes = ["deforum-hidden"] if is_hidden else []
    facts: dict[str, Any] = {"file_types": list(types), "type": kind, "elem_classes": classes, "size": "sm"}
    return _without_examples(gr.UploadButton(label, elem_id=elem_id, **facts))


def files(label: str, **facts: Any) -> Component:
    """A box for several files; the event ``change`` comes with what :func:`paths_of` reads."""
    kind = "file" if VERSION < (4, 0) else "filepath"
    return _without_examples(gr.File(label=label, file_count="multiple", type=kind, **facts))


def picture(label: str, **facts: Any) -> Component:
    """A box for a picture; the event ``upload`` comes with its path."""
    return gr.Image(label=label, type="filepath", height=180, **facts)


def _without_examples(component: Component) -> Component:
    """Old gradios send an example with each box for files, a whole document, which only their pages on the API show."""
    if VERSION < (4, 0):
        component.example_inputs = lambda: {"raw": None, "serialized": None}
    return component


def path_of(upload: Any) -> str:
    """The path of an uploaded file, whatever gradio calls it; empty without one."""
    return str(getattr(upload, "name", upload) or "")


def paths_of(uploads: Any) -> list[str]:
    """The paths of uploaded files."""
    listed = uploads if isinstance(uploads, list) else [uploads]
    return [path_of(upload) for upload in listed if upload]


def file_url(path: Path) -> str:
    """Where the page finds a file, relative to the page; gradio serves what lies in its allowed folders."""
    route = "gradio_api/file=" if VERSION >= (5, 0) else "file="
    return route + quote(str(path.absolute()).replace("\\", "/"), safe="/:")


def blocks(title: str, *, css: str = "", script: str = "") -> Component:
    """An empty page; styles and script of gradio 6 are handed to :func:`serve`."""
    if VERSION >= (6, 0):
        return gr.Blocks(title=title, analytics_enabled=False)
    facts: dict[str, Any] = {"css": css} if css else {}
    if script and VERSION >= (4, 0):
        facts["head"] = f"<script>{script}</script>"
    page = gr.Blocks(title=title, analytics_enabled=False, **facts)
    if script and VERSION < (4, 0):
        with page:
            page.load(None, None, None, _js=f"() => {{{script}}}")
    return page


def upload_folder() -> Path:
    """Where gradio keeps what is uploaded."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


@dataclass(frozen=True)
class Site:
    """How a page is served.

    Attributes:
        host: address to listen at.
        port: port; None takes a free one from 7860 on.
        folders: whose files the page may show.
        password: what everybody has to give, with the name "deforum"; empty for none.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    folders: tuple[Path, ...] = ()
    password: str = ""


def serve(page: Component, site: Site, *, css: str, script: str) -> str:
    """Serve a page in the background and return its address.

    Args:
        page: made by :func:`blocks`.
        site: where, and for whom.
        css: as for :func:`blocks`.
        script: as for :func:`blocks`.
    """
    facts: dict[str, Any] = {"show_api": False} if VERSION < (6, 0) else {"footer_links": []}
    if VERSION >= (6, 0):
        facts |= {"css": css, "head": f"<script>{script}</script>"}
    if VERSION >= (5, 0):
        facts["ssr_mode"] = False
    _, address, _ = page.launch(
        server_name=site.host,
        server_port=site.port,
        allowed_paths=[str(folder.absolute()) for folder in site.folders],
        auth=("deforum", site.password) if site.password else None,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        inbrowser=False,
        **facts,
    )
    return str(address)
