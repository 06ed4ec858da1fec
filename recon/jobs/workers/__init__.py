"""The workers as the site knows them: which there are, and which of the waiting jobs each does."""
