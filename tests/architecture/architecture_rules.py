"""What the source must not contain: each rule yields the line and the reason of every breach in a module."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterator

Breach = tuple[int, str]

FORBIDDEN_NAMES: dict[str, str] = {
    "builtins.eval": "text is parsed by schedule.expression, never run",
    "builtins.exec": "text is parsed by schedule.expression, never run",
    "builtins.compile": "text is parsed by schedule.expression, never run",
    "marshal.loads": "untrusted data can run code",
    "pickle.load": "untrusted data can run code",
    "pickle.loads": "untrusted data can run code",
    "os.system": "call subprocess with a list",
    "os.popen": "call subprocess with a list",
    "subprocess.getoutput": "call subprocess with a list",
    "subprocess.getstatusoutput": "call subprocess with a list",
    "os.chdir": "the working folder belongs to the host",
    "os._exit": "raise an error of errors.py",
    "tempfile.mktemp": "use mkstemp or TemporaryDirectory",
    "site.addsitedir": "relative imports need no path",
    "sys.path": "relative imports need no path",
}
"""Names that nothing in the package may refer to, and what to do instead."""

OWN_GENERATORS: dict[str, frozenset[str]] = {
    "random": frozenset({"Random", "SystemRandom"}),
    "numpy.random": frozenset(
        {
            *("Generator", "RandomState", "default_rng", "SeedSequence", "BitGenerator"),
            *("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"),
        }
    ),
}
"""What may be used of the modules that also hold a global random state: generators that are made and handed around."""

FORBIDDEN_KEYWORDS: dict[tuple[str, object], str] = {
    ("shell", True): "call subprocess with a list",
    ("verify", False): "certificates are checked",
}


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What the imported names of a module stand for: ``{"np": "numpy", "sleep": "time.sleep"}``."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:  # "import a.b" binds a, "import a.b as c" binds a.b
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return found


def _full_name(node: ast.AST, aliases: dict[str, str]) -> str:
    """The dotted name an expression refers to, by its origin; empty if it is no plain name."""
    if isinstance(node, ast.Attribute):
        base = _full_name(node.value, aliases)
        return f"{base}.{node.attr}" if base else ""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, f"builtins.{node.id}" if hasattr(builtins, node.id) else "")
    return ""


def references(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and full name of everything the module refers to, imported names included."""
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute | ast.Name):
            yield node.lineno, _full_name(node, aliases)


def forbidden_names(tree: ast.Module) -> Iterator[Breach]:
    for line, name in references(tree):
        if name in FORBIDDEN_NAMES:
            yield line, f"{name}: {FORBIDDEN_NAMES[name]}"


def global_random_state(tree: ast.Module) -> Iterator[Breach]:
    for line, name in references(tree):
        module, _, member = name.rpartition(".")
        if module in OWN_GENERATORS and member not in OWN_GENERATORS[module]:
            yield line, f"{name}: hand a generator around instead of using the global one"


def forbidden_keywords(tree: ast.Module) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg and isinstance(node.value, ast.Constant):
            reason = FORBIDDEN_KEYWORDS.get((node.arg, node.value.value))
            if reason is not None:
                yield node.value.lineno, f"{node.arg}={node.value.value}: {reason}"


def prints(tree: ast.Module) -> Iterator[Breach]:
    for line, name in references(tree):
        if name == "builtins.print":
            yield line, "print: return a Finding, or report through ports.Progress"


def bare_excepts(tree: ast.Module) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno, "bare except: name the errors"


def global_statements(tree: ast.Module) -> Iterator[Breach]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}: hand the state around as a value"


def absolute_self_imports(tree: ast.Module, root: str = "deforum_helpers") -> Iterator[Breach]:
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        if any(name.partition(".")[0] == root for name in names):
            yield node.lineno, "the package imports itself relatively: web UIs load it under another name"


def sleeping(tree: ast.Module) -> Iterator[Breach]:
    for line, name in references(tree):
        if name == "time.sleep":
            yield line, "time.sleep: wait for the event, with a timeout"


PACKAGE_RULES: tuple[Callable[[ast.Module], Iterator[Breach]], ...] = (
    forbidden_names,
    global_random_state,
    forbidden_keywords,
    prints,
    bare_excepts,
    global_statements,
    absolute_self_imports,
)
TEST_RULES: tuple[Callable[[ast.Module], Iterator[Breach]], ...] = (sleeping, bare_excepts)

EXEMPT: dict[str, str] = {"prints": "cli"}
"""Rules, by name, and the room they do not hold for."""

MACHINE_PATH = re.compile(r"(?<![\w.~-])(?:/(?:work|root)/|/(?:home|Users)/\w|[A-Za-z]:\\{1,2}Users\\)")
"""A path that exists on one computer only."""


def machine_paths(text: str) -> Iterator[Breach]:
    for number, line in enumerate(text.splitlines(), 1):
        match = MACHINE_PATH.search(line)
        if match:
            yield number, f"a path of one computer: {line[match.start() : match.start() + 40]}"
