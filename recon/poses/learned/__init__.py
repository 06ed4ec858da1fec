"""ALIKED and LightGlue: matches for photos that SIFT can’t join."""
