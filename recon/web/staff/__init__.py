"""What the staff see of the site as a whole."""
