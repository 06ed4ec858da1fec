"""Attacks on our own site, measured. docs/measurements/attacks.md says what they found."""
