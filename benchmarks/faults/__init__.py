"""A real site that is broken: its programs, what is done to them, who judges."""
