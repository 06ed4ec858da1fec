"""The photo check on a folder, what it keeps, and what it says."""
