"""The front door: the home page, the demo scene, the style guide."""
