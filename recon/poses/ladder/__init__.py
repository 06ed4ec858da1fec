"""From matches to the best model there is: rungs, sources of matches, judging."""
