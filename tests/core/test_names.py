"""Names and folders in which a stranger finds their way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.photos import PROJECT

#: Words whose meaning only their author could guess, once names all over the project.
OPAQUE = {
    "takes", "halves", "so_far", "soFar", "doing", "unfolding", "turning", "trained",
    "particulars", "kept",
}  # fmt: skip

OURS = (
    "accounts",
    "benchmarks",
    "instarecon_site",
    "recon",
    "scripts",
    "static",
    "templates",
    "tests",
)
MADE = {"__pycache__", "node_modules", "dist", "vendor"}
ROOMY = ("tests", "recon/splats")
MOST_MODULES = 20

_TEXTS_OF_SCRIPTS = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
_TEMPLATE_LITERAL = re.compile(r"`(?:\\.|[^`\\])*`", re.DOTALL)
_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_CLASS_OR_ID = re.compile(r"[.#]([a-zA-Z][\w-]*)")


def files(*suffixes: str) -> list[Path]:
    """Our files with these endings, as paths within the project."""
    found = [path for name in OURS for path in (PROJECT / name).rglob("*")]
    found = [path for path in found if path.suffix in suffixes and path.is_file()]
    return sorted(
        path.relative_to(PROJECT)
        for path in found
        if not MADE & set(path.relative_to(PROJECT).parts)
    )


def names_in_python(source: str) -> Iterator[str]:
    """Every name that the source makes or uses; of a module's name, each part."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.alias(name=name, asname=other):
                yield from name.split(".")
                yield other or ""
            case ast.ImportFrom(module=str(name)):
                yield from name.split(".")


def names_in_scripts(source: str) -> Iterator[str]:
    """Identifiers in JavaScript, properties and keys too, but not words in comments and texts."""

    def placeholders(literal: re.Match[str]) -> str:
        return " ".join(_PLACEHOLDER.findall(literal.group()))

    code = _TEMPLATE_LITERAL.sub(placeholders, _TEXTS_OF_SCRIPTS.sub(" ", source))
    yield from re.findall(r"[A-Za-z_$][\w$]*", code)


def names_in_templates(source: str) -> Iterator[str]:
    """Variables, tags and filters of Django's templates."""
    for tag in _TAG.findall(source):
        yield from re.findall(r"\w+", _QUOTED.sub(" ", tag))


def names_in_styles(source: str) -> Iterator[str]:
    yield from _CLASS_OR_ID.findall(_TEXTS_OF_SCRIPTS.sub(" ", source))


NAMES_IN = {
    ".py": names_in_python,
    ".js": names_in_scripts,
    ".mjs": names_in_scripts,
    ".html": names_in_templates,
    ".css": names_in_styles,
}


def opaque(names: Iterator[str]) -> set[str]:
    """Those of the names that are opaque, including private ones and constants."""
    words = {name: name.strip("_") for name in names}
    return {name for name, word in words.items() if {word, word.lower()} & OPAQUE}


@pytest.mark.parametrize(
    ("kind", "source", "found"),
    [
        (".py", "def f(so_far, *, _kept=1): return f'{Doing.trained}'", {
            "so_far", "_kept", "Doing", "trained"}),
        (".py", "import a.doing\nfrom b.unfolding import c as takes", {
            "doing", "unfolding", "takes"}),
        (".py", "x = 'kept'  # so_far\ntrained_height = kept_until(x)", set()),
        (".js", "const {kept} = it.doing; // takes\n`${turning} halves`", {
            "kept", "doing", "turning"}),
        (".js", 'say("it takes long"); keptChoice(/* kept */ soFar);', {"soFar"}),
        (".html", '{% if kept %}{% trans "it takes" %}{{ a.halves }} doing{% endif %}', {
            "kept", "halves"}),
        (".css", ".takes, #kept { color: red } /* .doing */", {"takes", "kept"}),
    ],
)  # fmt: skip
def test_an_opaque_name_is_seen(kind: str, source: str, found: set[str]) -> None:
    assert opaque(NAMES_IN[kind](source)) == found


def test_no_name_is_opaque() -> None:
    assert len(files(*NAMES_IN)) > 500, "our files are where this test looks"
    wrong = {}
    for path in files(*NAMES_IN):
        names = NAMES_IN[path.suffix]((PROJECT / path).read_text())
        stem = path.stem.strip("_").removeprefix("test_").replace("-", "_")
        if found := opaque(iter([*names, stem])):
            wrong[path.as_posix()] = found
    assert not wrong


def test_no_folder_has_more_python_modules_than_one_can_look_through() -> None:
    folders: dict[str, list[str]] = {}
    for path in files(".py"):
        if path.name != "__init__.py" and not path.as_posix().startswith(ROOMY):
            folders.setdefault(path.parent.as_posix(), []).append(path.stem)
    full = {name: len(modules) for name, modules in folders.items() if len(modules) > MOST_MODULES}
    assert folders
    assert not full
