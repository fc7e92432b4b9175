"""Does a web UI have the names that ``hosts/webui`` uses? Its source is read, never run.

    python tests/hosts/check_webui_names.py /path/to/stable-diffusion-webui

The stand-ins beside this file list the names: each of their modules, its public functions, classes and variables, what
the classes have, and the parameters of functions and the fields of dataclasses. Exits with 1 if the web UI lacks one.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

STANDINS = Path(__file__).parent / "webui_standin"
OF_THE_STANDIN = {"card", "calls", "loaded", "registered", "asked", "meanwhile", "templates", "DEFAULTS", "__all__"}
"""Names by which tests look at a stand-in."""
REFORGE = {"backend/memory_management.py": "ldm_patched/modules/model_management.py"}
"""Where reForge has what Forge has elsewhere; of Forge's other modules it has none."""
HANDED_ON = {"OptionInfo"}
"""What a web UI's module imports for others to take from there."""


@dataclass
class Names:
    """What a module, class or function has: each name with what is inside it; and those it has imported."""

    inside: dict[str, Names] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    imported: set[str] = field(default_factory=set)


class _Collector(ast.NodeVisitor):
    """Puts the names that a body defines into ``found``; functions in functions are nobody's business."""

    def __init__(self, found: Names) -> None:
        self.found = found

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        self.found.inside[node.name] = Names({a.arg: Names() for a in arguments if a.arg != "self"})
        for inner in ast.walk(node):
            # What a method keeps in self belongs to the class.
            if (
                isinstance(inner, ast.Attribute)
                and isinstance(inner.ctx, ast.Store)
                and ast.unparse(inner.value) == "self"
            ):
                self.found.inside.setdefault(inner.attr, Names())

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        inner = Names(bases=tuple(ast.unparse(base) for base in node.bases))
        _Collector(inner).generic_visit(node)
        self.found.inside[node.name] = inner

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            self.found.inside.setdefault(name, Names())
            self.found.imported.add(name)

    visit_ImportFrom = visit_Import  # noqa: N815 - ast's name

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """Its names are gone after it."""

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.found.inside.setdefault(node.id, Names())


def names_of(path: Path) -> Names:
    """The names of a module."""
    found = Names()
    _Collector(found).visit(ast.parse(path.read_text("utf-8")))
    return found


def missing(wanted: Names, there: Names, module: Names, at: str) -> Iterator[str]:
    """Names of ``wanted`` that are not in ``there``; bases are looked up in ``module``."""
    inherited = [module.inside[base] for base in there.bases if base in module.inside]
    for name, inner in wanted.inside.items():
        if name in OF_THE_STANDIN or name.startswith("_") or name in wanted.imported - HANDED_ON:
            continue
        found = next((names.inside[name] for names in _line(there, inherited, module) if name in names.inside), None)
        if found is None:
            yield f"{at}: {name}"
        elif found.inside:  # nothing is known of what was imported or assigned
            yield from missing(inner, found, module, f"{at}: {name}")


def _line(first: Names, inherited: list[Names], module: Names) -> Iterator[Names]:
    yield first
    for names in inherited:
        yield from _line(names, [module.inside[base] for base in names.bases if base in module.inside], module)


def check(root: Path) -> list[str]:
    """Everything of the stand-ins that the web UI in ``root`` lacks."""
    lacking = []
    forge = (root / "modules_forge").is_dir()
    reforge = forge and (root / "ldm_patched").is_dir() and not (root / "backend").is_dir()
    for standin in (STANDINS / "a1111", *([STANDINS / "forge"] if forge else [])):
        for path in sorted(standin.rglob("*.py")):
            place = path.relative_to(standin)
            if reforge and standin.name == "forge":
                if place.as_posix() not in REFORGE:
                    continue
                place = Path(REFORGE[place.as_posix()])
            if path.name == "__init__.py":
                continue
            if not (root / place).is_file():
                lacking.append(f"{place}: the whole module")
                continue
            wanted, there = names_of(path), names_of(root / place)
            if place.as_posix() != "modules/shared_options.py":
                lacking += missing(wanted, there, there, place.as_posix())
    return [*lacking, *_missing_options(root)]


def _missing_options(root: Path) -> list[str]:
    text = (root / "modules" / "shared_options.py").read_text("utf-8")
    source = ast.parse((STANDINS / "a1111" / "modules" / "shared_options.py").read_text("utf-8"))
    keys = [
        key.value
        for node in ast.walk(source)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    ]
    return [f"modules/shared_options.py: the option {key}" for key in keys if f'"{key}"' not in text]


def main(arguments: list[str]) -> int:
    """The command."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    lacking = check(Path(arguments[0]))
    print("\n".join(lacking) or "All names are there.")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
