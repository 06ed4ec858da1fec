"""From matches to the best model there is: rungs, where matches come from, who judges."""
