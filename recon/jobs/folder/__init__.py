"""A job's folder on the disk: its lock, what is written there, and folders that belong to no
job."""
