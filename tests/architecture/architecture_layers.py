"""The layers of the package: the one table that says who may import whom, and the checks that read it."""

from __future__ import annotations

import graphlib

from architecture_source import Module, inner_imports, outer_imports

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("ports", "web"),
    ("imaging",),
    ("schedule",),
    ("parseq",),
    ("settings",),
    ("rendering.data",),
    ("rendering.util",),
    ("rendering.img_2_img_tubes",),
    ("rendering.key_renderer", "rendering.tween_renderer"),
    ("render",),
    ("media", "models"),
    ("tools",),
    ("inputs", "finish"),
    ("job", "side_files"),
    ("resume",),
    ("run_options",),
    ("destinations",),
    ("run_deforum",),
    ("jobs",),
    ("ui", "api"),
    ("hosts",),
    ("cli",),
    ("__main__",),
)
"""Low to high. A room is a module or a package with all that is in it; it imports only from itself and lower layers."""

CONTAINERS = ("", "rendering")
"""Packages that only hold rooms: their own ``__init__`` imports nothing, so everybody may import it."""

OWNERS: dict[str, tuple[str, ...]] = {
    "modules": ("hosts.webui",),
    "gradio": ("ui", "hosts"),
    "fastapi": ("api",),
    "pydantic": ("api",),
    "diffusers": ("hosts.diffusers",),
}
"""Foreign packages that only these parts may import, functions and type checking included."""

LAZY: dict[str, tuple[str, ...]] = {"torch": ("hosts.webui", "hosts.diffusers")}
"""Foreign packages that are imported inside functions only, except in these parts."""


def is_within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def room_of(name: str) -> tuple[int, str] | None:
    """Height and name of the room the module ``name`` is in; None if the table does not cover it."""
    if name in CONTAINERS:
        return -1, name
    for height, rooms in enumerate(LAYERS):
        for room in rooms:
            if is_within(name, room):
                return height, room
    return None


def uncovered(modules: dict[str, Module]) -> list[str]:
    return [f"{name}: in no room of the table" for name in modules if room_of(name) is None]


def upward_imports(modules: dict[str, Module], root: str) -> list[str]:
    found = []
    for module, target, statement in inner_imports(modules, root):
        here, there = room_of(module.name), room_of(target)
        if here is None or there is None or here == there or there[0] < here[0]:
            continue
        found.append(f"{module.at(statement.line)} imports {target}: {here[1] or root} is not above {there[1] or root}")
    return found


def missing_targets(modules: dict[str, Module], root: str) -> list[str]:
    return [
        f"{module.at(statement.line)} imports {target}, which is not there"
        for module, target, statement in inner_imports(modules, root)
        if target not in modules
    ]


def import_cycle(modules: dict[str, Module], root: str) -> list[str]:
    """A cycle of modules that import each other, whether at once or inside functions; empty if there is none."""
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for module, target, _ in inner_imports(modules, root):
        graph[module.name].add(target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def strangers(modules: dict[str, Module], root: str) -> list[str]:
    """Foreign packages imported where they do not belong, or too early."""
    found = []
    for module, package, statement in outer_imports(modules, root):
        owners = OWNERS.get(package)
        if owners is not None and not any(is_within(module.name, owner) for owner in owners):
            found.append(f"{module.at(statement.line)} imports {package}, which only {', '.join(owners)} may")
        eager = LAZY.get(package)
        if eager is not None and not statement.deferred and not any(is_within(module.name, part) for part in eager):
            found.append(
                f"{module.at(statement.line)} imports {package} at once: import it in the function that needs it"
            )
    return found
