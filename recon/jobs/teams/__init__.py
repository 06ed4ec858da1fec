"""Teams: made and deleted, who is in them, and which scenes are theirs."""
