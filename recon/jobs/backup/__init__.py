"""Copies of a whole site, rows and files, that any other empty site can be made from."""
