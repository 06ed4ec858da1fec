"""Texts for people, and sizes and reasons as a person would say them."""
