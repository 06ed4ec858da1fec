"""What the programs next to this folder share: photo sets, scoring, tables, planted damage."""
