"""The command `instarecon`."""
