"""What is fast, and how fast, beside other tools: `make bench`."""
