"""Reads a package's source and tells who imports whom; nothing of it is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "scripts" / "deforum_helpers"


@dataclass(frozen=True)
class Import:
    """One import statement, or ``import_module("...")`` call.

    ``target`` is the full dotted name of what is imported: a module of the package, if there is one of that name, else
    the module it is taken from. ``deferred``: inside a function or under ``if TYPE_CHECKING``, not run on import.
    """

    target: str
    line: int
    deferred: bool


@dataclass(frozen=True)
class Module:
    """A source file; ``name`` is dotted, relative to the package (``rendering.data.turbo``), and empty for its root."""

    name: str
    path: Path
    tree: ast.Module
    imports: tuple[Import, ...]

    def at(self, line: int) -> str:
        return f"{self.path.name if not self.name else self.name}:{line}"


class _ImportVisitor(ast.NodeVisitor):
    def __init__(self, own_package: str, known: frozenset[str]) -> None:
        self.own_package, self.known = own_package, known
        self.found: list[Import] = []
        self._deferred = 0

    def _add(self, target: str, line: int) -> None:
        self.found.append(Import(target, line, deferred=self._deferred > 0))

    def _absolute(self, name: str, level: int) -> str:
        if level == 0:
            return name
        parts = self.own_package.split(".")
        parents = parts[: len(parts) - level + 1]
        return ".".join([*parents, name] if name else parents)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = self._absolute(node.module or "", node.level)
        for alias in node.names:
            full = f"{base}.{alias.name}"
            self._add(full if full in self.known else base, node.lineno)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        text = getattr(node.args[0], "value", None) if node.args else None
        if called in {"import_module", "__import__"} and isinstance(text, str):
            name = text.lstrip(".")
            self._add(self._absolute(name, len(text) - len(name)), node.lineno)
        self.generic_visit(node)

    def _visit_deferred(self, node: ast.AST) -> None:
        self._deferred += 1
        self.generic_visit(node)
        self._deferred -= 1

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _visit_deferred  # noqa: N815

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in ast.unparse(node.test):
            self.generic_visit(node)
            return
        self._deferred += 1
        for child in node.body:
            self.visit(child)
        self._deferred -= 1
        for child in node.orelse:
            self.visit(child)


def _dotted(package: Path, path: Path) -> str:
    parts = path.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read_package(package: Path) -> dict[str, Module]:
    """All modules below the folder ``package``, by their name."""
    paths = {_dotted(package, path): path for path in sorted(package.rglob("*.py"))}
    known = frozenset(f"{package.name}.{name}".rstrip(".") for name in paths)
    return {name: _read(package.name, name, path, known) for name, path in paths.items()}


def _read(root: str, name: str, path: Path, known: frozenset[str]) -> Module:
    tree = ast.parse(path.read_text("utf-8"), str(path))
    full = f"{root}.{name}".rstrip(".")
    visitor = _ImportVisitor(full if path.name == "__init__.py" else full.rpartition(".")[0], known)
    visitor.visit(tree)
    return Module(name, path, tree, tuple(visitor.found))


def inner_imports(modules: dict[str, Module], root: str) -> Iterator[tuple[Module, str, Import]]:
    """All imports of the package's own modules: importer, name of the imported module, statement."""
    for module in modules.values():
        for statement in module.imports:
            head, _, name = statement.target.partition(".")
            if head == root:
                yield module, name, statement


def outer_imports(modules: dict[str, Module], root: str) -> Iterator[tuple[Module, str, Import]]:
    """All imports of other packages: importer, name of the top-level package, statement."""
    for module in modules.values():
        for statement in module.imports:
            head = statement.target.partition(".")[0]
            if head != root:
                yield module, head, statement
