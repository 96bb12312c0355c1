"""Rules for the whole package."""

import inspect
import re
import subprocess
import sys
from importlib import import_module

import pytest

import cellstate as cs

FACADE = ("datasets", "get", "io", "pl", "pp", "tl")
PUBLIC = (*FACADE, "systems", "testing")
HEAVY = ("torch", "ot", "matplotlib", "scanpy", "sklearn", "skimage", "anndata")


def public_functions(modules):
    for module in modules:
        owner = import_module(f"cellstate.{module}")
        for name in owner.__all__:
            value = getattr(owner, name)
            if callable(value):
                yield pytest.param(value, id=f"{module}.{name}")


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_importing_loads_nothing_heavy():
    code = f"import sys, cellstate\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    assert run(code) == "[]"


def test_the_calls_load_neither_torch_nor_figures():
    code = (
        "import sys, cellstate as cs\n"
        "cs.pp.normalize, cs.tl.committor, cs.get.rates, cs.validate, cs.Movie\n"
        "print([m for m in ('torch', 'ot', 'matplotlib.pyplot', 'scanpy') "
        "if m in sys.modules])"
    )
    assert run(code) == "[]"


@pytest.mark.parametrize("module", PUBLIC)
def test_what_is_public_is_listed(module):
    owner = import_module(f"cellstate.{module}")
    assert sorted(owner.__all__) == list(owner.__all__)
    own = {
        name
        for name, value in vars(owner).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    assert own <= set(owner.__all__)
    assert all(hasattr(owner, name) for name in owner.__all__)


@pytest.mark.parametrize("function", list(public_functions(PUBLIC)))
def test_every_public_function_is_documented(function):
    doc = inspect.getdoc(function)
    assert doc, f"{function.__name__} has no docstring"
    summary = doc.splitlines()[0]
    assert summary.endswith((".", "?")), summary
    parameters = list(inspect.signature(function).parameters)
    if inspect.isclass(function):  # a law inherits fields, told of where they begin
        doc = "\n".join(inspect.getdoc(c) or "" for c in function.__mro__[:-1])
    if len(parameters) > 2:
        # The fields of a dataclass are its parameters.
        section = re.split(r"(?:Parameters|Attributes)\n-", doc, maxsplit=1)
        assert len(section) == 2, f"{function.__name__} does not tell its parameters"
        lacking = [p for p in parameters if p not in section[1]]
        assert not lacking, f"{function.__name__} does not tell of {lacking}"


@pytest.mark.parametrize("function", list(public_functions(FACADE)))
def test_options_are_given_by_name(function):
    positional = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert len(positional) <= 3, positional


def test_the_top_level_names_are_there():
    for name in cs.__all__:
        assert getattr(cs, name) is not None
    assert set(cs.__all__) <= set(dir(cs))
    with pytest.raises(AttributeError, match="no attribute 'teleport'"):
        cs.teleport  # noqa: B018
