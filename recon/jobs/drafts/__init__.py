"""A draft's photos and videos, their order and their checks, until somebody starts it."""
