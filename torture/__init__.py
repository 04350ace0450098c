"""Tries to break the promises on purpose: `make torture`, `python -m torture`. Nothing here ships."""
