"""Attacks on a site of our own, with figures. docs/measurements/attacks.md says what they found."""
