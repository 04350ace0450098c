"""A model file -> nodes, edges, scopes: what the board's Graphs page shows. Nothing of the file is ever executed."""

from visualdl.graph.load import load
from visualdl.graph.model import Graph

__all__ = ["Graph", "load"]
