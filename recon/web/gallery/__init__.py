"""A person's scenes: found, sorted, and several of them handled at once."""
