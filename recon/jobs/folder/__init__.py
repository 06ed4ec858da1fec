"""A job's folder on the disk: its lock, what is written there, and what nobody answers for."""
