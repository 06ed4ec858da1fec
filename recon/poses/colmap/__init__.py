"""What calls pycolmap, and reads and writes its files: features, pairs, mappers, models."""
