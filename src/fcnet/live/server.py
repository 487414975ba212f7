"""The page over HTTP, for the one who started it: not for other users of the machine, nor for other pages.

A request must name this server as its host, so another site cannot point its own name here. A browser's
request must come from the page itself. All but the empty page needs the token, which stands behind the # of
the address, and so in no log and no referrer.
"""

import hmac
import ipaddress
import json
import os
import re
import secrets
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fcnet.errors import FcnetError
from fcnet.live.reading import Watched, as_text
from fcnet.runs.observed import Wish
from fcnet.web.bundle import page
from fcnet.wording import shown

PAGE = Path(__file__).parent / "page"
"""The front end."""

TOKEN = "FCNET_WATCH_TOKEN"
"""The environment variable with a token that outlives the server."""

SHORTEST = 16
"""Characters of a token."""

SECONDS = 20.0
"""How long a connection may be silent."""

CONTROL = re.compile(r"/run/([0-9a-f]{12})/(run|pause|stop)")
DETAILS = re.compile(r"/run/([0-9a-f]{12})")

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class PageServer(ThreadingHTTPServer):
    """Serves the page of some runs.

    Parameters
    ----------
    watched : the runs
    host, port : where; port 0 is a free one

    Raises
    ------
    FcnetError : the port is in use, the host is not one of this machine, or the environment's token is short
    """

    daemon_threads = True

    def __init__(self, watched: Watched, host: str = "127.0.0.1", port: int = 0) -> None:
        self.watched, self.host = watched, host
        self.token = os.environ.get(TOKEN) or secrets.token_urlsafe(24)
        if len(self.token) < SHORTEST:
            raise FcnetError(f"{TOKEN} has fewer than {SHORTEST} characters, give a longer one or none")
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.content = page(PAGE, {}).encode()
        try:
            super().__init__((host, port), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FcnetError(
                f"cannot listen on {host} port {port}: {str(reason).rstrip('.')}, choose another --port"
                f"{' or --host' if host not in ('127.0.0.1', '::1', 'localhost') else ''}"
            ) from error

    @property
    def address(self) -> str:
        """For the browser, token included."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_port}/#{self.token}"

    def is_own_name(self, host: str) -> bool:
        """Whether a request's Host is a name of this server.

        On other interfaces than loopback a name would need a list of those that are right; an address cannot
        be pointed elsewhere, and is.
        """
        name, _, port = host.rpartition(":")
        name = name.strip("[]")
        if port != str(self.server_port):
            return False
        if is_loopback(self.host):
            return is_loopback(name)
        return name == self.host or _is_address(name)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that leaves before it has its answer is not a defect."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # what it is given


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: PageServer
    server_version, sys_version = "fcnet", ""
    timeout = SECONDS

    def do_GET(self) -> None:
        """The page, the runs in short, or one of them."""
        if self.path == "/":  # which holds nothing; a link to it may stand anywhere
            if self._names_this_server():
                self._send(HTTPStatus.OK, self.server.content, "text/html; charset=utf-8")
            return
        if not self._allowed(needs_origin=False):
            return
        wanted = DETAILS.fullmatch(self.path)
        if self.path != "/runs" and wanted is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "there is nothing of that name")
        try:
            watched = self.server.watched
            body, tag = as_text(watched.runs() if wanted is None else watched.run(wanted[1]))
        except KeyError:
            return self._refuse(HTTPStatus.NOT_FOUND, "there is no such run")
        if self.headers.get("If-None-Match") == tag:
            return self._send(HTTPStatus.NOT_MODIFIED, b"", tag=tag)
        self._send(HTTPStatus.OK, body, "application/json", tag)

    def do_HEAD(self) -> None:
        """As GET, without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """Pause, resume or stop a training."""
        if not self._allowed(needs_origin=True):
            return
        wanted = CONTROL.fullmatch(self.path)
        if wanted is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "there is nothing of that name")
        wish: Wish = wanted[2]  # type: ignore[assignment]  # one of the words of the pattern
        try:
            self.server.watched.ask(wanted[1], wish)
        except KeyError:
            return self._refuse(HTTPStatus.NOT_FOUND, "there is no such run")
        except FcnetError as error:
            return self._refuse(HTTPStatus.CONFLICT, str(error))
        self._send(HTTPStatus.OK, b"{}", "application/json")

    def _allowed(self, needs_origin: bool) -> bool:
        """Whether the page itself asks, with the token; if not, the refusal is sent."""
        if not self._names_this_server() or not self._comes_from_the_page(needs_origin):
            return False
        given = self.headers.get("X-Fcnet-Token", "").encode(errors="replace")
        if not hmac.compare_digest(given, self.server.token.encode()):
            self._refuse(HTTPStatus.UNAUTHORIZED, "the token is missing or another")
            return False
        return True

    def _names_this_server(self) -> bool:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) == 1 and self.server.is_own_name(hosts[0]):
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "the host is another")
        return False

    def _comes_from_the_page(self, needs_origin: bool) -> bool:
        origins, site = self.headers.get_all("Origin") or [], self.headers.get("Sec-Fetch-Site", "none")
        own = origins == [f"http://{self.headers['Host']}"] or (not origins and not needs_origin)
        if own and site in ("same-origin", "none"):
            return True
        self._refuse(HTTPStatus.FORBIDDEN, "the origin is another")
        return False

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._send(status, json.dumps({"error": shown(reason)}).encode(), "application/json")

    def _send(self, status: HTTPStatus, body: bytes, kind: str = "", tag: str = "") -> None:
        self.send_response(status)
        for name, value in (HEADERS | {"Content-Type": kind, "ETag": tag}).items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal belongs to the training."""
