"""Plugins for all tests. They can only be named here, in the outermost conftest."""

import os
import sys

# Tests start hundreds of Pythons. Where the shell forbids to keep compiled modules, each of them
# compiles torch, Django and ours anew, which takes longer than most of what they do.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

pytest_plugins = ("tests.no_skips", "tests.marking")
