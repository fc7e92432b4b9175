import builtins
import math
import re
import time

import numexpr
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deforum_helpers.errors import ScheduleError
from deforum_helpers.schedule.expression import Expression, compile_expression
from deforum_helpers.schedule.kernels import FOLDS, FUNCTIONS

FRAMES = np.arange(30, dtype=np.int64)


def values(text, t=FRAMES, seed=7, max_frames=30):
    return compile_expression(text).evaluate(t, seed=seed, max_frames=max_frames)


def at(text, frame=0, seed=7, max_frames=30):
    return compile_expression(text).value_at(frame, seed=seed, max_frames=max_frames)


def refused(text, **place):
    with pytest.raises(ScheduleError) as caught:
        compile_expression(text, **place).evaluate(FRAMES, seed=7, max_frames=30)
    (finding,) = caught.value.findings
    return finding


@pytest.mark.parametrize(
    ("text", "frame", "expected"),
    [
        ("5", 0, 5),
        ("5.", 0, 5.0),
        (".5", 0, 0.5),
        ("1e2", 0, 100.0),
        ("1.5E-3", 0, 0.0015),
        ('"5"', 0, 5),
        ("'-2.5' + 1", 0, -1.5),
        ("007", 0, 7),
        (" t \n", 3, 3),
        ("s", 0, 7),
        ("max_f", 0, 29),
        ("True", 0, True),
        ("False", 0, False),
        ("7/2", 0, 3.5),
        ("4/2", 0, 2.0),
        ("7//2", 0, 3),
        ("-7//2", 0, -4),
        ("-7%3", 0, 2),
        ("-5.5%3", 0, 0.5),
        ("-2**2", 0, -4),
        ("2**3**2", 0, 512),
        ("2**-1", 0, 0.5),
        ("2**-t", 3, 0.125),
        ("2**0.5", 0, math.sqrt(2)),
        ("10-4-3", 0, 3),
        ("2+3*4", 0, 14),
        ("(2+3)*4", 0, 20),
        ("--t", 3, 3),
        ("+t", 3, 3),
        ("~t", 3, -4),
        ("~(t<5)", 3, False),
        ("1|2^3&6", 0, 1 | 2 ^ 3 & 6),
        ("1<<2+1", 0, 8),
        ("64>>t", 3, 8),
        ("t<5", 3, True),
        ("t+1>=4", 3, True),
        ("(t>1)&(t<5)", 3, True),
        ("(t<1)|(t==3)", 3, True),
        ("(t!=3)*5", 3, 0),
        ("-(t<5)", 3, -1),
        ("where(t<5, 1, 2)", 3, 1),
        ("where(t, 1, 2.5)", 0, 2.5),
        ("abs(t-5)", 3, 2),
        ("sign(t-5)", 3, -1),
        ("round(t)", 3, 3),
        ("round(2.5)", 0, 2.0),
        ("trunc(-2.7)", 0, -2.0),
        ("floor(t/2)", 3, 1.0),
        ("fmod(7, 4)", 0, 3.0),
        ("minimum(t, 2)", 3, 2.0),
        ("min(t)", 3, 3),
        ("min(t, 2, 9)", 3, 2),
        ("max(1, t, 2.5)", 3, 3.0),
        ("sum(t)", 3, 3),
        ("prod(t)", 3, 3),
        ("arctan2(0, -1)", 0, math.pi),
        ("sqrt(4)", 0, 2.0),
        ("isnan(0/0)", 0, True),
        ("isinf(1/0)", 0, True),
        ("isfinite(t)", 0, True),
        ("sin(t<5)", 0, math.sin(1)),
    ],
)
def test_value_and_type(text, frame, expected):
    value = at(text, frame)
    assert type(value) is type(expected)
    assert value == pytest.approx(expected, rel=1e-15)


def test_arrays_hold_what_single_frames_give():
    text = "where(t%3==0, t//2, sin(t/7)) + s*0.5 - max_f"
    one_by_one = [at(text, frame) for frame in range(30)]
    np.testing.assert_allclose(values(text), one_by_one, rtol=1e-14)


def test_result_is_a_fresh_float64_array_of_the_shape_of_t():
    for text in ("t", "5", "t<3"):
        result = values(text)
        assert result.dtype == np.float64
        assert result.shape == FRAMES.shape
        result[0] = 99.0
    assert FRAMES[0] == 0


def test_division_by_zero_is_silent():
    assert list(values("1/(t-2)", t=np.arange(4))) == [-0.5, -1.0, math.inf, 1.0]
    assert math.isnan(at("0/0"))
    assert at("5//0") == at("5%0") == 0
    assert at("log(0)") == -math.inf
    assert math.isnan(at("sqrt(-1)"))


def test_whole_numbers_that_outgrow_64_bits_become_floats():
    assert at("2**62") == 2**62
    assert at("2**64") == 2.0**64
    assert at("9223372036854775807*9") == pytest.approx(8.3e19, rel=0.01)
    assert at("9223372036854775807+1") == 2.0**63
    assert at("-9223372036854775807-9") == pytest.approx(-(2.0**63))
    assert at("123456789012345678901234567890") == pytest.approx(1.2345678901234568e29)
    assert at("s", seed=10**30) == pytest.approx(1e30)


# numexpr is the reference for everything both can compute.
_leaves = st.sampled_from(["t", "max_f", "s", "1", "2", "3", "5", "0", "0.5", "2.25", "0.1"])


def _compound(inner):
    infix = st.builds("({}{}{})".format, inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner)
    signed = st.builds("(-{})".format, inner)
    squared = st.builds("({})**2".format, inner)
    names = st.sampled_from(["sin", "cos", "arctan", "tanh", "sqrt", "floor", "ceil", "round", "abs", "log1p", "sign"])
    called = st.builds("{}({})".format, names, inner)
    pair = st.builds("{}({},{})".format, st.sampled_from(["arctan2", "fmod", "minimum", "maximum"]), inner, inner)
    chosen = st.builds(
        "where({}{}{},{},{})".format, inner, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), inner, inner, inner
    )
    return st.one_of(infix, signed, squared, called, pair, chosen)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.recursive(_leaves, _compound, max_leaves=6))
def test_agrees_with_numexpr(text):
    ours = values(text)
    variables = {"t": FRAMES, "s": np.int64(7), "max_f": np.int64(29)}

    def named(numeral):
        """Numbers are handed over as variables, because numexpr computes with constants in Python, with other types."""
        name = "n" + numeral[0].replace(".", "_")
        variables[name] = np.float64(numeral[0]) if "." in numeral[0] else np.int64(numeral[0])
        return name

    theirs = numexpr.evaluate(re.sub(r"(?<![a-z0-9_.])[0-9.]+", named, text), local_dict=variables, global_dict={})
    assume(np.all(np.abs(np.nan_to_num(ours)) < 2**53))
    theirs = np.broadcast_to(theirs, FRAMES.shape).astype(np.float64)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "column", "message", "hint"),
    [
        ("", 1, "empty", ""),
        ("   ", 1, "empty", ""),
        ("t*", 3, "too early", ""),
        ("(t*)", 4, "value is missing before )", ""),
        ("()", 2, "value is missing", ""),
        ("(t", 1, "never closed", ""),
        ("sin(t", 4, "never closed", ""),
        ("t)", 2, "closes nothing", ""),
        ("2t", 1, "2t is not a number", "2*t"),
        ("1.2.3", 1, "not a number", "one point"),
        ("0x10", 1, "not a number", "one point"),
        ("1_000", 1, "not a number", "one point"),
        ("1e", 1, "not a number", "1*e"),
        ("t t", 3, "operator is missing", "*"),
        ("2(t)", 2, "operator is missing", "*"),
        ("t(3)", 2, "operator is missing", "*"),
        ("(t)(3)", 4, "operator is missing", "*"),
        ("1,5", 2, "comma", "1.5"),
        ("(1,5)", 3, "comma", "1.5"),
        ("pi*t", 1, "unknown name pi", "3.14159265"),
        ("e", 1, "unknown name e", "2.71828183"),
        ("sine(t)", 1, "unknown name sine", "sin?"),
        ("cosin(t)", 1, "unknown name cosin", "Did you mean"),
        ("frame", 1, "unknown name frame", "t"),
        ("max_frames", 1, "unknown name max_frames", "max_f+1"),
        ("sin", 1, "sin", "sin(…)"),
        ("True(1)", 1, "True", "values"),
        ("t>1 and t<5", 5, "before and", "&"),
        ("t>1 or t<5", 5, "before or", "|"),
        ("not t", 1, "unknown name not", "~"),
        ("1 if t else 2", 3, "before if", "where"),
        ("t>1 && t<5", 6, "before &", "single &"),
        ("t=1", 2, "= is not allowed", "=="),
        ("!t", 1, "! is not allowed", "~"),
        ("t>5 ? 1 : 2", 5, "? is not allowed", "where"),
        ("0<t<5", 4, "cannot be chained", "(0<t)&(t<5)"),
        ("t<3 & t>1", 8, "cannot be chained", "(0<t)&(t<5)"),
        ("sin()", 1, "1 argument, 0", ""),
        ("sin(1,2)", 1, "1 argument, 2", ""),
        ("where(t,1)", 1, "3 arguments, 2", ""),
        ("min()", 1, "at least 1 argument", ""),
        ("t.real", 2, ". is not allowed", "0.5"),
        ("'abc'", 1, "' is not allowed", "remove"),
        ("t\x00", 2, "U+0000", ""),
        ("1e999", 1, "too large", ""),
        ("t & 2.5", 3, "whole numbers", "//"),
        ("~1.5", 1, "whole numbers", ""),
        ("1.5<<2", 4, "whole numbers", ""),
    ],
)
def test_refusal_points_at_the_trouble(text, column, message, hint):
    finding = refused(text, key="zoom", frame=12)
    assert message in finding.message
    assert hint in finding.hint
    assert (finding.key, finding.frame, finding.column, finding.text) == ("zoom", 12, column, text)


def test_column_counts_in_the_text_around():
    source = "0: (1), 10: (t*)"
    finding = refused("(t*)", source=source, offset=12)
    assert (finding.column, finding.text) == (16, source)
    assert str(finding).splitlines()[-1].index("^") == str(finding).splitlines()[-2].index("t*)") + 2


HOSTILE = [
    "__import__('os').system('true')",
    "__import__(os)",
    "().__class__",
    "(1).__class__.__bases__[0].__subclasses__()",
    "t.__class__",
    "t.real",
    "t.__array_interface__",
    "[x for x in (1,2)]",
    "[1]",
    "{1:2}",
    "{t}",
    "lambda: 1",
    "lambda x: x",
    "(lambda: 1)()",
    "eval(t)",
    "eval('1')",
    "exec('import os')",
    "open('/etc/passwd')",
    "open(0)",
    "compile(t)",
    "getattr(t, 'real')",
    "globals()",
    "locals()",
    "vars()",
    "breakpoint()",
    "input()",
    "print(t)",
    "exit()",
    "__builtins__",
    "__name__",
    "self",
    "os",
    "np.load('x')",
    "f'{t}'",
    "'a'*9999999",
    '"t"',
    "b'1'",
    "`t`",
    "t; import os",
    "import os",
    "t := 1",
    "(t := 5)",
    "1 if t else 2",
    "t and t",
    "not t",
    "*t",
    "sin(*t)",
    "sin(x=t)",
    "sin(**t)",
    "yield t",
    "await t",
    "t is t",
    "t in t",
    "1j",
    "complex(1,2)",
    "contains(t, t)",
    "ones_like(t)",
    "copy(t)",
    "real(t)",
    "where.__globals__",
    "sin.__self__",
    "None",
    "Ellipsis",
    "...",
    "t\\\n+1",
    "t # comment",
    "t @ t",
    "ｅval(t)",
    "ｔ",
    "٣",
    "1\u2028+1;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_before_anything_is_evaluated(text, monkeypatch):
    def reached(*_args, **_kwargs):
        raise AssertionError("user text was evaluated")

    monkeypatch.setattr(numexpr, "evaluate", reached)
    monkeypatch.setattr(builtins, "eval", reached)
    monkeypatch.setattr(builtins, "exec", reached)
    monkeypatch.setattr(Expression, "evaluate", reached)
    monkeypatch.setattr(Expression, "value_at", reached)
    with pytest.raises(ScheduleError):
        compile_expression(text)


def test_valid_text_never_reaches_python_evaluation(monkeypatch):
    def reached(*_args, **_kwargs):
        raise AssertionError("handed on as text")

    monkeypatch.setattr(numexpr, "evaluate", reached)
    monkeypatch.setattr(builtins, "eval", reached)
    assert at("sin(0)+t", 3) == 3.0


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000 + "t" + ")" * 1000,
        "(" * 2000 + "t" + ")" * 2000,
        "-" * 4000 + "t",
        "~" * 4000 + "t",
        "t**" * 1000 + "t",
        "sin(" * 500 + "t" + ")" * 500,
        "1|1^1&1<<1+1*(" * 100 + "t" + ")" * 100,
        "t+" * 3000 + "t",
        "9" * 5000,
        "9" * 4000,
        "x" * 4000,
    ],
)
def test_excess_is_refused_quickly(text):
    before = time.perf_counter()
    assert len(str(refused(text))) < 500
    assert time.perf_counter() - before < 5.0


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "t**t**t**t",
        "9**9**9",
        "1e308*1e308",
        "-9**999",
        "1<<99999",
        "t<<-1",
        "exp(exp(exp(t)))",
        "9" * 300,
    ],
)
def test_bombs_give_a_value_quickly(text):
    before = time.perf_counter()
    assert values(text).shape == FRAMES.shape
    assert time.perf_counter() - before < 5.0


def test_reasonable_nesting_and_length_pass():
    assert at("(" * 100 + "t" + ")" * 100, 3) == 3
    assert at("+".join(["t"] * 2000), 3) == 6000
    assert at("max(" + ",".join(["t"] * 2000) + ")", 3) == 3


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("5", 5.0),
        ("(5)", 5.0),
        ("( 5 )", 5.0),
        ('("5")', 5.0),
        ("1e2", 100.0),
        ("-.5", -0.5),
        ("((+2))", 2.0),
        ("-(5)", -5.0),
        ("t", None),
        ("s", None),
        ("2+3", None),
        ("~5", None),
        ("True", None),
        ("-t", None),
        ("sum(5)", None),
    ],
)
def test_literal(text, literal):
    assert compile_expression(text).literal == literal


def test_names_can_be_restricted():
    with pytest.raises(ScheduleError, match="unknown name t"):
        compile_expression("t", variables=("max_f",))


def test_every_function_is_callable():
    for name, (arity, _) in FUNCTIONS.items():
        assert values(f"{name}({','.join(['t'] * arity)})").shape == FRAMES.shape
    for name in FOLDS:
        assert list(values(f"{name}(t)")) == list(FRAMES)


@settings(deadline=None)
@given(st.text(alphabet="tsmax_f0159.eE+-*/%&|^~<>=!(),'\" \nwhersin", max_size=60) | st.text(max_size=40))
def test_any_text_gives_a_value_or_a_schedule_error(text):
    try:
        result = values(text)
    except ScheduleError as error:
        (finding,) = error.findings
        assert 1 <= finding.column <= len(text) + 1
    else:
        assert result.shape == FRAMES.shape
