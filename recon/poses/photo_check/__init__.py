"""A quick look at photos while they arrive, and what is said of them and of the set."""
