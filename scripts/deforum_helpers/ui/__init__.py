"""The Deforum tab: built from the settings' own descriptions, the same in AUTOMATIC1111, Forge and on our own page.

Importing this package costs nothing; gradio is imported when a tab is built.

    tree → what stands where        visibility → what has an effect      values → page and settings
    schedule_view, plan_view, status_view, runs_view → values drawn as HTML, pure
    compat → which gradio this is   widgets, sections, run_panel, neo_core, runs → components and their handlers
    door → what the tab may ask for; queue_door answers with the job queue
    tab → all of it as gradio Blocks; page → our own page around it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .door import Door


def build_tab(door: Door) -> Any:
    """The tab as ``gradio.Blocks``; see :func:`.tab.build_tab`."""
    from .tab import build_tab as build

    return build(door)
