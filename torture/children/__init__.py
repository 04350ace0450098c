"""The programs that scenes start, and what they share with them. Each is run as `python -m torture.children.NAME`."""
