"""The read side's middle floor: all runs below some folders, asked one question a series."""
