"""The tests of VisualDL: folders mirror the package."""
