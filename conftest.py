"""Plugins for all tests. They can only be named here, in the outermost conftest."""

pytest_plugins = ("tests.no_skips", "tests.marking")
