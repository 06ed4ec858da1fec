"""A quick look at photos while they arrive, and findings about them and the set."""
