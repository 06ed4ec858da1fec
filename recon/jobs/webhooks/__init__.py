"""Telling people's programs that a scene has ended."""
