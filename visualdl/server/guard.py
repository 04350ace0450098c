"""Who may ask: Host, Origin and token are checked before anything else sees a request, and every answer is fenced in.

The rules are those of docs/http_api.md, "Who may ask". The guard is a plain ASGI application around another, so that no
route can be added past it. Before it comes only what takes a proxy's prefix off the path.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_ADDRESS = 56 << 10  # 1,000 runs with a cursor each, and commas that a client escapes, are 48 KiB
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?\Z")

# No inline script or style, no eval, no other host. Pictures that the board draws itself are blobs of its own.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
FENCES = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Policy:
    """Who may ask this server.

    token: what strangers must show; None when only this machine can connect.
    names: host names, lower case, by which the board may be called beside `localhost` and IP addresses.
    origins: host names, lower case, whose pages are the board's own: those of a proxy that does not pass on its name.
    cookie: the cookie's name. Cookies are shared between the ports of a host, so it tells boards apart.
    """

    token: str | None = None
    names: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    cookie: str = "visualdl"


def new_token() -> str:
    """43 characters that nobody guesses."""
    return secrets.token_urlsafe(32)


def host_name(host: str) -> str | None:
    """The name in a `Host` header (lower case, without port and final dot); None when it is not one."""
    found = _HOST.match(host)
    if found is None:
        return None
    return (found["six"] or found["name"]).rstrip(".").lower() or None


def is_address(name: str) -> bool:
    """Whether a host name is an IP address. Browsers cannot be lured to one by the DNS, so it needs no list."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def may_be_called(host: str, policy: Policy) -> bool:
    """Whether the board answers to this `Host` header."""
    name = host_name(host)
    if name is None:
        return False
    return name == "localhost" or name.endswith(".localhost") or is_address(name) or name in policy.names


def is_own_origin(headers: Headers, policy: Policy) -> bool:
    """Whether a request that may do more than read comes from the board's own page, or from no page at all.

    A page cannot set `X-Forwarded-Host` on a request to a foreign host without asking first (and is refused then), so
    what a proxy says there may be believed.
    """
    if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return False
    origins = headers.getlist("origin")
    if not origins:
        return True
    if len(origins) > 1:
        return False
    try:
        origin = urlsplit(origins[0])
    except ValueError:
        return False
    if origin.scheme not in ("http", "https") or not origin.netloc:
        return False
    passed_on = headers.get("x-forwarded-host", "").partition(",")[0].strip()
    own = {headers.get("host", "").lower(), passed_on.lower()}
    # Not every name of the machine: on another port of it there may be anybody's page.
    return origin.netloc.lower() in own or host_name(origin.netloc) in policy.origins


def is_part_of_foreign_page(headers: Headers) -> bool:
    """Whether a request to read is made by another site's page, and is not a link there that somebody followed.

    Such a page could read no answer; but it could make the server work, and learn from how long that takes.
    """
    if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return False
    return headers.get("sec-fetch-mode") != "navigate" or headers.get("sec-fetch-dest") != "document"


def shows_token(headers: Headers, policy: Policy) -> bool:
    """Whether a request shows the token, as a cookie or as a bearer. Compared in constant time."""
    if policy.token is None:
        return True
    shown = []
    for header in headers.getlist("cookie"):
        pairs = (part.strip().partition("=") for part in header.split(";"))
        shown += [value for name, _, value in pairs if name == policy.cookie]
    for header in headers.getlist("authorization"):
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "bearer":
            shown.append(value.strip())
    return any([_same(given, policy.token) for given in shown])  # noqa: C419 - each is compared, whichever is right


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


class Guard:
    """An ASGI application that lets through to `app` what the policy allows, and answers the rest itself."""

    def __init__(self, app: ASGIApp, policy: Policy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = self._refusal(scope)
        await (answer or self._app)(scope, receive, _fenced(scope, receive, send))

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer that ends a request here, or None when it may go on."""
        headers = Headers(scope=scope)
        if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > MAX_ADDRESS:
            return address_too_long()
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not may_be_called(hosts[0], self._policy):
            name = (host_name(hosts[0]) if len(hosts) == 1 else None) or ""
            return refusal(421, f"This board does not answer to the host name {name!r}: allow it with --allow-host")
        acts = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if (acts and not is_own_origin(headers, self._policy)) or (not acts and is_part_of_foreign_page(headers)):
            return refusal(403, "Only the board's own page may ask this: the request comes from another origin")
        token = self._policy.token
        at_page = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"
        if token is not None and at_page:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
            if len(given) == 1 and _same(given[0], token):
                return self._welcome(headers, token)
        if shows_token(headers, self._policy):
            return None
        if at_page:
            return HTMLResponse(_PAGE.format(head="", text=_ASK), 401, _NEVER_KEPT)
        return refusal(401, "This board asks for its token: open the address that visualdl printed, or send a bearer")

    def _welcome(self, headers: Headers, token: str) -> Response:
        # A page that moves on, not a redirect: where the first click came from another site (a chat, a mail), browsers
        # keep a SameSite=Strict cookie back from the address they are redirected to, and show the door instead.
        moves_on = '<meta http-equiv="refresh" content="0; url=./">'
        page = HTMLResponse(_PAGE.format(head=moves_on, text=_OPEN), headers=_NEVER_KEPT)
        secure = "; Secure" if headers.get("x-forwarded-proto") == "https" else ""
        # No path: browsers take that of the board's page, as they see it in front of any proxy.
        page.headers.append("set-cookie", f"{self._policy.cookie}={token}; HttpOnly; SameSite=Strict{secure}")
        return page


_NEVER_KEPT = {"cache-control": "no-store"}
_ASK = (
    "This board asks for its token: open the address that visualdl printed.<br>"
    "此看板需要令牌：请打开 visualdl 打印的网址。"
)
_OPEN = '<a href="./">VisualDL</a>'
_PAGE = (  # its icon is empty, or the browser would ask the host for one, which is not ours to answer
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>VisualDL</title>'
    '<link rel="icon" href="data:,">{head}</head><body><p>{text}</p></body></html>'
)


def refusal(status: int, sentence: str) -> Response:
    """An error as every client gets it: an HTTP status with one sentence (for WebSockets: instead of the handshake)."""
    return JSONResponse({"error": sentence}, status, {"cache-control": "no-store"})


def address_too_long() -> Response:
    """The refusal of an address over MAX_ADDRESS."""
    return refusal(414, f"The address is too long: at most {MAX_ADDRESS} bytes")


def fence(headers: MutableHeaders) -> None:
    """Add the headers of FENCES, but for those that say something else already."""
    for name, value in FENCES.items():
        headers.setdefault(name, value)


def _is_trustworthy(headers: Headers) -> bool:
    """Whether browsers take the board for a secure place (of others they complain, in their console, about COOP)."""
    name = host_name(headers.get("host", "")) or ""
    local = (
        name == "localhost" or name.endswith(".localhost") or name == "::1" or (is_address(name) and name[:4] == "127.")
    )
    return local or headers.get("x-forwarded-proto") == "https"


def _fenced(scope: Scope, receive: Receive, send: Send) -> Send:
    """Like `send`, with every answer fenced in."""
    accepted = False
    alone = _is_trustworthy(Headers(scope=scope))

    async def fenced(message: Message) -> None:
        nonlocal accepted
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            fence(MutableHeaders(scope=message))
            if alone:  # a page that opened this one, or was opened by it, gets no hold of its window
                MutableHeaders(scope=message).setdefault("cross-origin-opener-policy", "same-origin")
        elif message["type"] == "websocket.close" and not accepted:  # the server would say this in words of its own
            await refusal(404, "There is nothing to listen to at this address")(scope, receive, fenced)
            return
        accepted = accepted or message["type"] == "websocket.accept"
        await send(message)

    return fenced
