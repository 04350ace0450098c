"""What a forked child does from its first line to its end."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn


def live_and_exit(errors: Path, life: Callable[[], object]) -> NoReturn:
    """Ends this process when `life` returns, with status 0, or 70 for an exception; that is told in the file."""
    status = 70
    try:
        sys.stderr = errors.open("w", encoding="utf-8")
        life()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
