"""What the addresses below `api/` answer (docs/http_api.md). Reads run on the pool; nothing here changes anything."""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from visualdl.errors import BadRequest, UnknownSeries
from visualdl.kinds.all import KINDS
from visualdl.server import asked, csv
from visualdl.server.asked import MAX_POINTS, SeriesAsked
from visualdl.server.guard import is_address, refusal
from visualdl.server.model import ModelFile, Upload, read_graph
from visualdl.server.news import Moment, News, progress
from visualdl.server.pool import Job, Pool
from visualdl.server.turns import Held, Pieces, Turns
from visualdl.server.wire import SeriesColumns, narrow, narrow_steps, pack
from visualdl.store.store import Answer, Question, RunInfo, Store

MAX_MODEL_BYTES = 512 << 20
MAX_UPLOADS = 4
MAX_SIDE = 32_767  # what every browser draws, and what can be logged
MAX_PIXELS = 1 << 26
STALLED_SECONDS = 20
UPLOAD_SECONDS = 600
SMALL_POINTS = 20_000
LARGE_POINTS = 500_000
"""A question for at most SMALL_POINTS is answered at once; for more than LARGE_POINTS, in the slow lane of the pool."""
MAX_CSV = 4
COMPRESS_FROM = 1024
_REVALIDATED = {"cache-control": "private, no-cache", "vary": "accept-encoding"}

_PNG = b"\x89PNG\r\n\x1a\n"
# First bytes -> what a browser may show. SVG is not among them: it can carry scripts.
_PICTURES = (
    (re.compile(_PNG), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"BM"), "image/bmp"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)


@dataclass(frozen=True)
class About:
    """What the board says of itself. roots: the directories as they are shown."""

    version: str
    language: str | None
    roots: tuple[str, ...]


class Api:
    """The answers about one store and one model file."""

    def __init__(self, store: Store, model: ModelFile | None, news: News, about: About) -> None:
        self._store = store
        self._model = model
        self._news = news
        self._about = about
        self._pool = Pool()
        self._uploads = 0
        self._board_sent: tuple[str, bytes] = ("", b"")
        # Answers under way: what is large must not fill the memory, nor keep what is less so from its turn.
        self._medium = Turns(MAX_POINTS)
        self._large = Turns(MAX_POINTS)
        self._csv = Turns(MAX_CSV)

    async def board(self, request: Request) -> Response:
        """GET api/board"""
        moment, etag = self._news.moment, self._news.board_etag()
        if _knows(request, etag):
            return _unchanged(etag)

        def work(job: Job) -> Response:
            if self._board_sent[0] != etag:  # a hundred tabs ask at the same moment: they were all told of it
                self._board_sent = etag, orjson.dumps(self._board(moment))
            return _sent(request, self._board_sent[1], "application/json", etag)

        return await self._pool.run(work, request.receive)

    def _board(self, moment: Moment) -> dict[str, Any]:
        runs = self._store.runs()
        at = {run.id: index for index, run in enumerate(runs)}
        known = self._store.tags()
        return {
            "version": self._about.version,
            "language": self._about.language,
            "roots": self._about.roots,
            "structure": moment.structure,
            "revision": moment.revision,
            "loading": progress(moment.loading),
            "graph": self._model is not None and self._model.graph is not None,
            "kinds": [kind.name for kind in KINDS],
            "runs": [_run(run) for run in runs],
            "tags": {
                kind.name: [
                    # A run that was found between the two questions is told next time.
                    {"tag": tag, "runs": [at[run] for run in ids if run in at]}
                    for tag, ids in known.get(kind.name, {}).items()
                ]
                for kind in KINDS
            },
        }

    async def series(self, request: Request) -> Response:
        """GET api/series"""
        question = asked.series_asked(request.query_params)
        etag = self._news.series_etag((question.kind.name, question.tag, run) for run in question.runs)
        if _knows(request, etag):
            return _unchanged(etag)

        def work(job: Job) -> Response:
            found = list(self._answers(question, job))
            if not found:
                raise UnknownSeries(f"No such series: {question.kind.name} {question.tag!r} in the runs asked for")
            header = {"kind": question.kind.name, "tag": question.tag, "axis": question.axis}
            return _sent(request, pack(header, found), "application/octet-stream", etag)

        points = question.n * len(question.runs)
        large = points > LARGE_POINTS
        if points <= SMALL_POINTS:
            return await self._pool.run(work, request.receive)
        turns = self._large if large else self._medium
        return await _in_turn(turns, points, self._pool.run(work, request.receive, large=large))

    def _answers(self, question: SeriesAsked, job: Job) -> Iterator[SeriesColumns]:
        for run in question.runs:
            job.check()
            try:
                answer = self._store.read(question.of(run))
            except UnknownSeries:
                continue
            yield SeriesColumns(_about_series(run, answer), _columns(question, answer))

    async def csv(self, request: Request) -> Response:
        """GET api/csv"""
        query = request.query_params
        kind, tag, runs, axis = asked.kind(query), asked.tag(query), asked.run_ids(query), asked.axis(query)
        if not kind.rows:
            raise BadRequest(f"Only kinds of numbers have a CSV, and {kind.name} is not one")

        def parts() -> Iterator[str]:
            names = {run.id: run.name for run in self._store.runs()}
            having = set(self._store.tags().get(kind.name, {}).get(tag, ()))
            present = [run for run in runs if run in having]
            if not present:
                raise UnknownSeries(f"No such series: {kind.name} {tag!r} in the runs asked for")
            yield csv.heading(axis)
            for run in present:
                begun = False
                try:
                    first = 0.0 if axis != "relative" else self._origin(run, kind.name, tag)
                    for points in self._store.chunks(run, kind.name, tag):
                        for lines in csv.lines(names.get(run, run), points, first):
                            begun = True
                            yield lines
                except UnknownSeries:
                    if begun:  # the download fails: half a run must not look like all of it
                        raise
                    continue  # deleted while the runs before it were on their way

        text = parts()

        async def answer() -> Response:
            first = await self._pool.run(lambda job: next(text), request.receive, large=True)  # errors come before all

            async def body() -> AsyncIterator[str]:
                part: str | None = first
                while part is not None:
                    yield part
                    part = await self._pool.run(lambda job: next(text, None), large=True)

            headers = {"content-disposition": csv.disposition(tag), "cache-control": "private, no-store"}
            return StreamingResponse(body(), media_type="text/csv; charset=utf-8", headers=headers)

        return await _in_turn(self._csv, 1, answer())

    def _origin(self, run: str, kind: str, tag: str) -> float:
        """The time that is 0 on the relative axis of a series."""
        return self._store.read(Question(kind=kind, tag=tag, run=run, n=1)).origin

    async def blob(self, request: Request) -> Response:
        """GET api/blob/{run}/{address}"""
        run, address = request.path_params["run"], request.path_params["address"]
        if not asked.RUN_ID.match(run) or not asked.BLOB_ADDRESS.match(address):
            raise UnknownSeries("A blob is asked for by a run's id (12 hexadecimal digits) and its address (32)")
        etag = f'"{address}"'
        if _knows(request, etag):
            return _unchanged(etag)
        content = await self._pool.run(lambda job: self._store.blob(run, bytes.fromhex(address)), request.receive)
        if (problem := picture_problem(content)) is not None:
            return refusal(422, problem)
        headers = {
            "cache-control": "private, max-age=31536000, immutable",
            "etag": etag,
            "content-security-policy": "default-src 'none'; sandbox",
        }
        shown = picture_type(content)
        if shown is None:
            headers["content-disposition"] = f'attachment; filename="{address}.bin"'
        return Response(content, media_type=shown or "application/octet-stream", headers=headers)

    async def graph(self, request: Request) -> Response:
        """GET api/graph"""
        model = self._model
        if model is None:
            return refusal(404, "No model was given: start the board with --model FILE, or drop a file on the page")
        graph, generation = model.graph, model.generation
        if graph is None:
            return refusal(404, str(model.trouble or f"There is no model file {model.path.name!r} yet"))
        etag = f'W/"{generation}.{zlib.crc32(graph):08x}"'
        if _knows(request, etag):
            return _unchanged(etag)
        return await self._pool.run(lambda job: _sent(request, graph, "application/json", etag), request.receive)

    async def read_graph(self, request: Request) -> Response:
        """POST api/graph"""
        too_large = refusal(413, f"A model file of at most {MAX_MODEL_BYTES >> 20} MiB can be read this way")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 12 or int(length) > MAX_MODEL_BYTES:
            return too_large
        if self._uploads >= MAX_UPLOADS:
            return refusal(503, f"At most {MAX_UPLOADS} model files at once: try again in a moment")
        self._uploads += 1
        upload = Upload(MAX_MODEL_BYTES)
        try:
            async for chunk in _steadily(request.stream()):
                if not upload.write(chunk):
                    return too_large
            path, named = upload.sealed(), request.query_params.get("name", "")[:200] or "model"
            body = await self._pool.run(lambda job: read_graph(path, named), request.receive, large=True)
            return _sent(request, body, "application/json", None)
        except asyncio.TimeoutError:
            sentence = f"nothing for {STALLED_SECONDS} s, or not all of it within {UPLOAD_SECONDS // 60} minutes"
            return refusal(408, f"The model file did not come: {sentence}")
        finally:
            self._uploads -= 1
            await asyncio.shield(self._pool.run(lambda job: upload.close()))


async def _in_turn(turns: Turns, weight: int, answer: Coroutine[Any, Any, Response]) -> Response:
    """The answer, when its turn has come; the turn ends when it was sent."""
    try:
        turn = await turns.take(weight)
    except BaseException as trouble:
        answer.close()
        if isinstance(trouble, asyncio.TimeoutError):
            return refusal(503, "Too many large answers are under way: ask again in a moment")
        raise
    try:
        return Held(await answer, turn)
    except BaseException:
        turn.end()
        raise


async def _steadily(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks; asyncio.TimeoutError when they do not come in time, so that such a client frees its place."""
    ends_at = time.monotonic() + UPLOAD_SECONDS
    while True:
        try:
            yield await asyncio.wait_for(chunks.__anext__(), min(STALLED_SECONDS, ends_at - time.monotonic()))
        except StopAsyncIteration:
            return


def picture_problem(content: bytes) -> str | None:
    """Why no browser should be made to decode these bytes: a PNG of more pixels than can be logged; None if it may."""
    if not content.startswith(_PNG):
        return None
    if len(content) < 24 or content[12:16] != b"IHDR":
        return "These bytes begin as a PNG does, and are none"
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        return f"A picture of {width} × {height} pixels: at most {MAX_SIDE} on a side and {MAX_PIXELS} in all are shown"
    return None


def picture_type(content: bytes) -> str | None:
    """The media type of a picture that a browser may show, told by its first bytes; None for anything else."""
    return next((name for first, name in _PICTURES if first.match(content)), None)


def _run(run: RunInfo) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "display_name": run.display_name,
        "started": run.started,
        "updated": run.updated,
        "live": run.live,
        "dropped": run.dropped,
        "gaps": run.gaps,
        "skipped": dict(run.skipped),
        "captions": dict(run.captions),
    }


def _about_series(run: str, answer: Answer) -> dict[str, Any]:
    about = {
        "run": run,
        "total": answer.total,
        "exact": answer.exact,
        "cursor": answer.cursor,
        "since": answer.since,
        "origin": answer.origin,
        "segments": [
            {"start": part.start, "stop": part.stop, "ghost_from": part.ghost_from} for part in answer.segments
        ],
    }
    if any(answer.nonfinite):
        about["nonfinite"] = answer.nonfinite._asdict()
    return about


def _columns(question: SeriesAsked, answer: Answer) -> Mapping[str, np.ndarray[Any, Any]]:
    points = answer.points
    columns = {"step": narrow_steps(points.step), "time": points.time}
    columns |= {name: narrow(column) for name, column in question.kind.columns(points).items()}
    # Whoever has every raw point smooths them himself; a part needs the history before it.
    whole = answer.exact and answer.since == 0 and question.start is None and question.stop is None
    if answer.smooth is not None and not whole:
        columns["smooth"] = narrow(answer.smooth, exactly=False)
    return columns


def _knows(request: Request, etag: str) -> bool:
    """Whether the client has this version already (RFC 9110, weak comparison)."""
    given = request.headers.get("if-none-match", "")
    return any(part.strip().removeprefix("W/") == etag.removeprefix("W/") for part in given.split(","))


def _unchanged(etag: str) -> Response:
    return Response(status_code=304, headers={**_REVALIDATED, "etag": etag})


def _sent(request: Request, body: bytes, media_type: str, etag: str | None) -> Response:
    """An answer, compressed when it has to travel. On this machine compressing costs more than sending."""
    headers = dict(_REVALIDATED)
    if etag is not None:
        headers["etag"] = etag
    if len(body) >= COMPRESS_FROM and travels(request) and _takes_gzip(request):
        squeeze = zlib.compressobj(level=1, wbits=31)
        body = squeeze.compress(body) + squeeze.flush()
        headers["content-encoding"] = "gzip"
    return Pieces(body, media_type=media_type, headers=headers)


def travels(request: Request) -> bool:
    """Whether the answer leaves this machine: its reader is elsewhere, or behind a proxy."""
    if any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via")):
        return True
    host = request.client.host if request.client else ""
    return not (host == "::1" or (is_address(host) and host.removeprefix("::ffff:").startswith("127.")))


def _takes_gzip(request: Request) -> bool:
    offered = (part.replace(" ", "").partition(";") for part in request.headers.get("accept-encoding", "").split(","))
    return any(name == "gzip" and quality not in ("q=0", "q=0.0") for name, _, quality in offered)
