"""What the programs beside this folder are made of: photo sets, scoring, tables, damage to plant."""
