"""Plugins for all tests, which can only be named here, in the outermost conftest; and what makes
Python itself quicker for them."""

import gc
import os
import sys
from collections.abc import Generator
from importlib.util import find_spec

import pytest

# Tests start hundreds of Pythons. Where the shell forbids to keep compiled modules, each of them
# compiles torch, Django and ours anew, which takes longer than most of what they do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

#: The core is also tested where the site's packages are not, as on a GPU machine (CONTRIBUTING.md).
_SITE = ("tests.services",) if find_spec("django") else ()
pytest_plugins = ("tests.no_skips", "tests.marking", *_SITE)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded stays to the end: a million objects, and looking through them for garbage took
    a fifth of the collection's time and a tenth of what quick tests take."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
