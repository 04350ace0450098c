"""All that a training script touches: LogWriter, and the handles that its 1.x calls return."""

from visualdl.writer.handles import HistogramHandle, ScalarHandle
from visualdl.writer.log_writer import LogWriter
from visualdl.writer.sampling import ImageHandle

__all__ = ["HistogramHandle", "ImageHandle", "LogWriter", "ScalarHandle"]
