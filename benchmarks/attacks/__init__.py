"""Attacks on a site of our own, with figures. docs/SECURITY_TESTS.md says what they found."""
