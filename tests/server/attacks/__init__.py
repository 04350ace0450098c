"""Each class of hole that was found in other boards, and variants of it, tried on a real server."""
