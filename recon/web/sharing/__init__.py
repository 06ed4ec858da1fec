"""Behind a share link, and what other sites get to know of the scene."""
