"""Reading logs back in Python: LogReader, with the calls of VisualDL 1.x and 2.x."""

from visualdl.reader.log_reader import LogReader

__all__ = ["LogReader"]
