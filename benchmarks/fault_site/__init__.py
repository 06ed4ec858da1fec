"""The site that `benchmarks/faults.py` breaks: its programs, what is done to them, who judges."""
