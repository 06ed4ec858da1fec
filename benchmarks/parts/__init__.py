"""What the programs beside this folder share: photo sets, scoring, tables, planted damage."""
