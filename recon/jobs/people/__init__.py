"""What people may store and start, what they are told, and which staff opened what."""
