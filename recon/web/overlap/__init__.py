"""How the photos of a job overlap, as a picture and as advice."""
