from __future__ import annotations

registered = {"tabs": [], "settings": [], "started": [], "unloaded": []}


def on_ui_tabs(callback):
    registered["tabs"].append(callback)


def on_ui_settings(callback):
    registered["settings"].append(callback)


def on_app_started(callback):
    registered["started"].append(callback)


def on_script_unloaded(callback):
    registered["unloaded"].append(callback)
