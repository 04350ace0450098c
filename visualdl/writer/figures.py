"""A matplotlib figure -> pixels. matplotlib is only touched when a figure is logged, so it is there already."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def draw_figure(figure: Any) -> npt.NDArray[np.uint8]:
    """The figure as it looks now: uint8 (height, width, 4), RGBA, at the figure's own dpi. Its canvas stays its own.

    Raises TypeError for what is no matplotlib figure.
    """
    import numpy as np

    if not hasattr(figure, "set_canvas"):
        hint = "; give its .figure" if hasattr(figure, "figure") else ""
        raise TypeError(f"wanted a matplotlib figure, got {type(figure).__name__}{hint}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = figure.canvas
    try:
        drawn: Any = FigureCanvasAgg(figure)  # takes the figure over, also from an interactive window
        drawn.draw()
        return np.array(drawn.buffer_rgba(), dtype=np.uint8)
    finally:
        figure.set_canvas(canvas)


def close_figure(figure: Any) -> None:
    """Let pyplot forget the figure, so that a long training does not collect them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
