from __future__ import annotations

import ast
import subprocess

import architecture_rules as rules
import pytest
from architecture_layers import is_within
from architecture_source import PACKAGE, REPOSITORY, read_package

BAD = [
    (rules.forbidden_names, "eval('1')"),
    (rules.forbidden_names, "import os\nos.system('ls')"),
    (rules.forbidden_names, "from os import system as run\nrun('ls')"),
    (rules.forbidden_names, "import os as o\ncall = o.popen"),
    (rules.forbidden_names, "import sys\nsys.path.insert(0, '.')"),
    (rules.forbidden_names, "from sys import path"),
    (rules.forbidden_names, "def f():\n    import pickle\n    pickle.load(1)"),
    (rules.global_random_state, "import numpy as np\nnp.random.seed(1)"),
    (rules.global_random_state, "from numpy import random\nrandom.normal()"),
    (rules.global_random_state, "import random\nrandom.randint(0, 1)"),
    (rules.global_random_state, "from random import shuffle"),
    (rules.forbidden_keywords, "import subprocess\nsubprocess.run('ls', shell=True)"),
    (rules.prints, "print('hello')"),
    (rules.prints, "say = print"),
    (rules.bare_excepts, "try:\n    pass\nexcept:\n    pass"),
    (rules.global_statements, "def f():\n    global a\n    a = 1"),
    (rules.absolute_self_imports, "from deforum_helpers.errors import InputError"),
    (rules.absolute_self_imports, "import deforum_helpers"),
    (rules.sleeping, "import time\ntime.sleep(1)"),
    (rules.sleeping, "from time import sleep"),
]

GOOD = """
import os, random, re, subprocess, sys, time
import numexpr, numpy as np
from .errors import InputError
rng, other = random.Random(1), np.random.default_rng(1)
pattern = re.compile("a")
value = numexpr.evaluate("1")
here = os.path.join("a", sys.prefix)
subprocess.run(["ls"], check=True, shell=False)
start = time.monotonic()
def f(model, writer):
    model.eval()
    writer.print("eval(")
    try:
        nonlocal_ = rng.random()
    except ValueError:
        pass
"""


@pytest.mark.parametrize(("rule", "source"), BAD)
def test_rule_sees_the_breach(rule, source):
    assert list(rule(ast.parse(source)))


@pytest.mark.parametrize("rule", sorted({*rules.PACKAGE_RULES, *rules.TEST_RULES}, key=lambda rule: rule.__name__))
def test_rule_lets_good_code_pass(rule):
    assert list(rule(ast.parse(GOOD))) == []


def test_every_rule_has_a_bad_example():
    assert {rule for rule, _ in BAD} == {*rules.PACKAGE_RULES, *rules.TEST_RULES}


@pytest.mark.parametrize("rule", rules.PACKAGE_RULES, ids=lambda rule: rule.__name__)
def test_package_keeps(rule):
    exempt = rules.EXEMPT.get(rule.__name__)
    modules = [m for name, m in read_package(PACKAGE).items() if exempt is None or not is_within(name, exempt)]
    assert [f"{module.at(line)}: {reason}" for module in modules for line, reason in rule(module.tree)] == []


@pytest.mark.parametrize("rule", rules.TEST_RULES, ids=lambda rule: rule.__name__)
def test_tests_keep(rule):
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted((REPOSITORY / "tests").rglob("*.py"))}
    assert [f"{path.name}:{line}: {reason}" for path, tree in trees.items() for line, reason in rule(tree)] == []


SLASH, BACKSLASH = "/", "\\"


@pytest.mark.parametrize(
    "path",
    [
        SLASH + "home/someone/x",
        SLASH + "work/x",
        SLASH + "root/x",
        SLASH + "Users/someone",
        f"C:{BACKSLASH}Users{BACKSLASH}someone",
        f"C:{BACKSLASH * 2}Users{BACKSLASH * 2}someone",
    ],
)
def test_machine_paths_are_seen(path):
    assert list(rules.machine_paths(f"first\nopen('{path}')")) == [(2, f"a path of one computer: {path}')")]


@pytest.mark.parametrize(
    "text", ["https://example.org/home/page", "docs/work/x", "C:/models/a.ckpt", "~/home/x", "/usr/bin"]
)
def test_other_paths_are_not(text):
    assert list(rules.machine_paths(text)) == []


def test_no_file_names_a_path_of_one_computer():
    if not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if name and not name.startswith("tests/goldens/")]  # users' own data
    assert "pyproject.toml" in names
    found = []
    for path in (REPOSITORY / name for name in names):
        content = path.read_bytes() if path.is_file() else b""
        text = "" if b"\0" in content else content.decode("utf-8", "replace")
        found += [f"{path.name}:{line}: {reason}" for line, reason in rules.machine_paths(text)]
    assert found == []
