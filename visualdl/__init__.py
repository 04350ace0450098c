"""VisualDL: log what happens in a training run, and watch it live."""

__version__ = "4.0.0.dev0"
