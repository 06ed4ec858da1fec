"""A site as `make run` starts it, with hundreds of pages open, and how quickly it answers."""
