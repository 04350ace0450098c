"""LogWriter: the calls of VisualDL 1.x and 2.x, side by side on one object."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from visualdl.writer import handles
from visualdl.writer.handles import HistogramHandle, IntegerHandle, ScalarHandle
from visualdl.writer.later import histogram_halves, image_halves
from visualdl.writer.moments import to_seconds, to_step
from visualdl.writer.names import (
    DEFAULT_MODE,
    check_logdir,
    check_mode,
    check_tag_1x,
    check_tag_2x,
    folder_name,
    fresh_logdir,
)
from visualdl.writer.runs import Run, Session
from visualdl.writer.sampling import ImageHandle, check_sampling

if TYPE_CHECKING:
    from typing import SupportsIndex

    from typing_extensions import Self

Writer = TypeVar("Writer", bound="LogWriter")

NOT_YET = frozenset(
    [
        "text",
        "audio",
        "embedding",
        "add_text",
        "add_audio",
        "add_embeddings",
        "add_image_matrix",
        "add_hparams",
        "add_pr_curve",
        "add_roc_curve",
        "add_graph",
    ]
)
"""Calls of 1.x and 2.x that have no kind here yet. Scripts that use them hear so, and not of a spelling mistake."""


class LogWriter:
    """Logs what happens in a training run. Thread safe; may be forked or pickled: the copy logs to the same folder.

    As in 1.x, with handles and modes; a mode is a run of its own in a folder of that name below the logdir::

        logger = LogWriter("logs", sync_cycle=100)
        with logger.mode("train"):
            loss = logger.scalar("loss")
        loss.add_record(step, value)

    As in 2.x, with one call a record::

        with LogWriter("logs/first") as writer:
            writer.add_scalar("loss", value, step)

    Both may be mixed. Nothing that goes wrong behind the scenes (a full disk, a folder that is gone) raises from a
    call: there is one warning, training goes on, and close() tells how much was lost. Misuse raises at the call.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str] | None = None,
        comment: str | int = "",
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
        write_to_disk: bool = True,
        display_name: str = "",
        file_name: str = "",
        *,
        dir: str | os.PathLike[str] | None = None,
        sync_cycle: int | None = None,
    ) -> None:
        """Open a logdir; its files are made at the first record. Existing logs in it are kept and continued.

        logdir: a folder (1.x calls it `dir`). None or "": `runs/<date>`, followed by `.comment` when one is given.
        comment: see logdir; an int here is 1.x's second argument, sync_cycle.
        sync_cycle: how often 1.x saved. Accepted, and not needed: a scalar is safe when its call returns.
        max_queue, flush_secs: how 2.x buffered. Accepted, and not needed either.
        filename_suffix, file_name: kept in the run's notes. Files are named by time, host and process; a resumed
            run (2.x: file_name of an old file) gets a new file beside the old ones, and the board shows one series.
        write_to_disk: False checks every call and writes nothing, for the ranks that should not log.
        display_name: what the board calls the run instead of its folder.

        Raises TypeError for arguments of the wrong type, ValueError for an address of another machine or a sync_cycle
        below 1, NotADirectoryError when the logdir is a file.
        """
        if dir is not None:
            if logdir:
                raise TypeError(f"wanted one logdir, got {logdir!r} and dir={dir!r}, which is 1.x's name for it")
            logdir = dir
        if isinstance(comment, int):
            if sync_cycle is not None:
                raise TypeError(f"wanted one sync_cycle, got {comment} and {sync_cycle}; give it once")
            sync_cycle, comment = comment, ""
        _check_arguments(sync_cycle, comment, filename_suffix, display_name, file_name)
        self.sync_cycle = sync_cycle
        folder = check_logdir(logdir) if logdir else fresh_logdir(comment, reserve=write_to_disk)
        notes = {"filename_suffix": filename_suffix, "file_name": os.path.basename(file_name)}
        dialect = "2.x" if sync_cycle is None else "1.x"
        notes = {name: text for name, text in notes.items() if text}
        session = Session(folder, bool(write_to_disk), dialect, display_name, notes)
        session.reserved = session.write and not logdir
        self._attach(session, DEFAULT_MODE, owner=True)

    def _attach(self, session: Session, mode: str, *, owner: bool) -> Self:
        self._session = session
        self._owner = owner  # a sibling made by as_mode() does not close what it shares
        self._mode_entered = False  # mode() was called and its `with` may follow
        self._exits: list[Callable[[], None]] = []
        self._enter_mode(mode)
        return self

    def _enter_mode(self, mode: str) -> None:
        self._run: Run = self._session.mode(mode)
        self._rows = self._run.rows
        self._mode = mode

    if not TYPE_CHECKING:  # a type checker should go on knowing what a writer has and what not

        def __getattr__(self, name: str) -> Any:
            if name in NOT_YET:
                raise AttributeError(
                    f"{name}() is not in this version of VisualDL yet, which logs scalars, images and histograms; "
                    "leave the call out, or draw it and use add_image() or add_figure()"
                )
            raise AttributeError(f"a {type(self).__name__} has no attribute {name!r}")

    def __reduce__(self) -> tuple[Callable[..., LogWriter], tuple[Any, ...]]:
        return _reopened, (type(self), self._session, self._mode, self.sync_cycle, self._owner)

    def __deepcopy__(self, memo: object) -> Self:
        return self  # a copied model that holds its writer goes on logging to the same place

    def __repr__(self) -> str:
        state = ", closed" if self._session.closed else ""
        return f"<{type(self).__name__} of {self.logdir!r}, mode {self._mode!r}{state}>"

    # -------------------------------------------------------------------------------------------------- both dialects

    @property
    def logdir(self) -> str:
        """The folder that this writer logs to, absolute."""
        return self._session.folder

    @property
    def dir(self) -> str:
        """1.x's name for logdir."""
        return self.logdir

    @property
    def file_name(self) -> str:
        """The path of the file that the current mode's records go to; "" with write_to_disk=False."""
        return self._run.path

    def flush(self) -> None:
        """Wait until every record whose call has returned is in the files, of all modes."""
        self._session.flush()

    def save(self) -> None:
        """1.x's name for flush()."""
        self._session.flush()

    def close(self) -> None:
        """Write everything and seal the files, of all modes. Again is harmless; a record after it raises LogClosed."""
        self._session.close()

    def __enter__(self) -> Self:
        mode_entered, self._mode_entered = self._mode_entered, False
        ends_mode = mode_entered or not self._owner or self._session.dialect == "1.x"
        self._exits.append(self._leave_mode if ends_mode else self.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._exits.pop()()

    def _leave_mode(self) -> None:
        if self._session.closed:
            return
        self._enter_mode(DEFAULT_MODE)  # as 1.x: not back to the mode before

    # ------------------------------------------------------------------------------------------------------------ 1.x

    def mode(self, mode: str) -> Self:
        """Switch this writer to a mode, and return it. After `with logger.mode("train"):` it is in mode `default`.

        A mode is a run in the folder of that name below the logdir; `default` is the logdir itself. Handles keep the
        mode in which they were made. Raises AssertionError (as 1.x) for a name that cannot be a folder's.
        """
        self._enter_mode(check_mode(mode))
        self._mode_entered = True
        return self

    def as_mode(self, mode: str) -> Self:
        """Another writer for the same logs, in this mode; this one stays in its own. Errors as mode()."""
        sibling = type(self).__new__(type(self))
        vars(sibling).update(vars(self))  # what a subclass keeps is kept
        return sibling._attach(self._session, check_mode(mode), owner=False)

    def scalar(self, tag: str, type: str = "float") -> ScalarHandle:
        """A handle for one number a step. type: "float", "double" or "int"; all are kept as float64.

        Raises KeyError for another type, AssertionError for `%` in the tag and for the tag "embedding", RuntimeError
        when the mode has a handle of that tag already.
        """
        handles.check_number_type(type)
        handle = IntegerHandle if type == "int" else ScalarHandle
        return handle(self._declared("scalar", tag), tag)

    def image(self, tag: str, num_samples: int, step_cycle: int = 1) -> ImageHandle:
        """A handle that keeps num_samples images of every step_cycle-th sampling phase.

        Raises RuntimeError unless both are at least 1, and as scalar() for the tag.
        """
        samples, cycle = check_sampling(num_samples, step_cycle)
        return ImageHandle(self._declared("image", tag), tag, samples, cycle)

    def histogram(self, tag: str, num_buckets: int, type: str = "float") -> HistogramHandle:
        """A handle for the distribution of many numbers a step, in num_buckets equal buckets.

        Raises RuntimeError unless num_buckets is at least 1, and as scalar() for the type and the tag.
        """
        handles.check_number_type(type)
        buckets = operator.index(num_buckets)
        if buckets < 1:
            raise RuntimeError(f"wanted num_buckets of at least 1, got {buckets}")
        return HistogramHandle(self._declared("histogram", tag), tag, buckets, type == "int")

    def _declared(self, kind: str, tag: str) -> Run:
        self._mode_entered = False
        self._run.declare(kind, check_tag_1x(tag))
        return self._run

    # ------------------------------------------------------------------------------------------------------------ 2.x

    def add_scalar(self, tag: str, value: Any, step: SupportsIndex, walltime: float | None = None) -> None:
        """Log one number: anything that ScalarHandle.add_record takes, and text of a number.

        step: an integer of 64 bits; None counts as 0, as in 2.x. walltime: milliseconds or seconds since 1970, now by
        default. Raises RuntimeError for `%` in the tag, TypeError for a float step and for what is no number.
        """
        append = self._rows.get(tag)
        if append is not None and isinstance(value, float) and walltime is None and step is not None:
            append(step, value)  # type: ignore[arg-type]  # packing takes whatever has __index__
        else:
            self._add_scalar(self._run, tag, value, step, walltime)

    def _add_scalar(self, run: Run, tag: str, value: Any, step: SupportsIndex | None, walltime: float | None) -> None:
        """The way of a scalar that is its tag's first, or not a plain float, or has a time of its own."""
        append = run.rows.get(tag) or run.row_appender(check_tag_2x(tag))
        number = float(value) if isinstance(value, (str, float)) else handles.to_number(value)
        append(_step(step), number, to_seconds(walltime))

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        step: SupportsIndex,
        walltime: float | None = None,
    ) -> None:
        """Log several numbers that belong in one chart: each name gets a run `<main_tag>_<name>` with the tag main_tag.

        The run is a folder below that of the current mode. Raises RuntimeError (as 2.x) for what is not a dict.
        """
        if not isinstance(tag_scalar_dict, Mapping):
            raise RuntimeError(f"wanted a dict of numbers for {main_tag!r}, got a {type(tag_scalar_dict).__name__}")
        curves = self._run.curves
        for name, value in tag_scalar_dict.items():
            run = curves.get((main_tag, name))
            if run is None:
                folder = folder_name(f"{check_tag_2x(main_tag)}_{name}")
                run = curves[main_tag, name] = self._session.run(*self._run.parts, folder)
            self._add_scalar(run, main_tag, value, step, walltime)

    def add_image(
        self,
        tag: str,
        img: Any,
        step: SupportsIndex,
        walltime: float | None = None,
        dataformats: str = "HWC",
    ) -> None:
        """Log one image, or a batch as one grid; the array is copied and never changed.

        img: numbers; floats within 0…1, or anything within 0…255. dataformats: a letter for each axis out of N, H, W,
        C, such as "HWC", "CHW", "HW", "NCHW". step, walltime, tag: as add_scalar(). Raises AssertionError (as 2.x) when
        the letters do not fit the number of axes, ValueError for what is no image, TypeError for what is not numbers.
        """
        to_array, accept, _, encode = image_halves()
        append = self._run.records.get(("image", tag))
        if append is None:
            tag = check_tag_2x(tag)
        number, seconds = _step(step), to_seconds(walltime)
        array, owned = to_array(img)
        accepted = accept(array, dataformats, owned=owned)
        if append is None:  # now, because a call that is refused leaves no tag behind
            append = self._run.record_appender("image", tag)
        append(number, seconds, encode, accepted, accepted.nbytes)

    def add_figure(self, tag: str, figure: Any, step: SupportsIndex, walltime: float | None = None) -> None:
        """Log a matplotlib figure as an image, as it looks now, and close it in pyplot (as 2.x).

        It is drawn on this thread, with matplotlib's own renderer whatever the figure's backend. step, walltime, tag:
        as add_scalar(). Raises TypeError for what is no figure.
        """
        from visualdl.writer.figures import close_figure, draw_figure

        check_tag_2x(tag)
        self.add_image(tag, draw_figure(figure), step, walltime, "HWC")
        close_figure(figure)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        step: SupportsIndex,
        walltime: float | None = None,
        buckets: int = 10,
    ) -> None:
        """Log the distribution of the numbers in `values`, of any shape, copied, in `buckets` equal buckets.

        NaN and ±inf are counted apart. step, walltime, tag: as add_scalar(). Raises TypeError for what is not numbers,
        ValueError for no numbers at all.
        """
        to_array, accept, encode = histogram_halves()
        append = self._run.records.get(("histogram", tag))
        if append is None:
            tag = check_tag_2x(tag)
        number, seconds = _step(step), to_seconds(walltime)
        array, owned = to_array(values)
        accepted = accept(array, buckets, owned=owned)
        if append is None:
            append = self._run.record_appender("histogram", tag)
        append(number, seconds, encode, accepted, accepted.nbytes)

    def add_meta(
        self,
        tag: str = "meta_data_tag",
        display_name: str = "",
        step: SupportsIndex = 0,
        walltime: float | None = None,
    ) -> None:
        """Say what the board calls the run of the current mode. tag, step and walltime are accepted and not needed."""
        if not isinstance(display_name, str):
            raise TypeError(f"wanted display_name as text, got {display_name!r} of type {type(display_name).__name__}")
        self._run.set_meta(display_name=display_name)


def _reopened(cls: type[Writer], session: Session, mode: str, sync_cycle: int | None, owner: bool) -> Writer:
    """What a pickled writer becomes: a writer of the same folder, with files of its own."""
    writer = cls.__new__(cls)
    writer.sync_cycle = sync_cycle
    return writer._attach(session, mode, owner=owner)


def _step(step: SupportsIndex | None) -> int:
    """The step as int; None is 0, as in 2.x."""
    return 0 if step is None else to_step(step)


def _check_arguments(sync_cycle: int | None, comment: str, *texts: str) -> None:
    if sync_cycle is not None and operator.index(sync_cycle) < 1:
        raise ValueError(f"wanted a sync_cycle of at least 1, got {sync_cycle}; any will do, scalars are safe at once")
    for text in (comment, *texts):
        if not isinstance(text, str):
            raise TypeError(
                f"wanted comment, filename_suffix, display_name and file_name as text, got {text!r} of type "
                f"{type(text).__name__}; give them by name: LogWriter(logdir, display_name=...)"
            )
