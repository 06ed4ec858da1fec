"""The web server, with real sockets: slow clients, too many of them, too much of anything."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from waitress import wasyncore
from waitress.receiver import ChunkedReceiver

from instarecon_site.addresses import network_of
from instarecon_site.server import server, worker
from instarecon_site.server.body import (
    CHUNKS_AT_ONCE,
    DISK_FULL,
    MOST_AT_ONCE,
    TOO_LARGE,
    TOO_MANY,
)
from instarecon_site.server.limits import MB, Limits
from instarecon_site.server.pool import Pool
from instarecon_site.server.server import Server
from tests.waiting import wait_until

GENEROUS = Limits(connections_of_one=50, body_bytes=8 * MB, read_to_the_end=16 * MB)
HALF = b"GET /half HTTP/1.1\r\nHost: x\r\nX-More: "


class Running:
    """A server whose loop runs in a thread. What it is told to do happens between two turns."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = int(server.effective_port)
        self.over = False
        self._todo: list[Callable[[], None]] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.over:
            wasyncore.loop(timeout=0.05, use_poll=True, map=self.server._map, count=1)
            while self._todo:
                self._todo.pop(0)()

    def between_turns(self, do: Callable[[], None]) -> None:
        done = threading.Event()
        self._todo.append(lambda: (do(), done.set())[0])
        self.server.pull_trigger()
        assert done.wait(10)

    def later(self, seconds: float) -> None:
        """As if `seconds` had passed."""
        self.between_turns(lambda: self.server.maintenance(time.time() + seconds))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, path: str = "/", *lines: str, body: bytes = b"", method: str = "GET") -> bytes:
        with self.connect() as client:
            client.sendall(head(path, *lines, method=method))
            client.sendall(body)
            return read_all(client)

    def until(self, condition: Callable[[], bool]) -> None:
        wait_until(condition, "the server has come so far", longest_s=0.01)


def head(path: str, *lines: str, method: str = "GET") -> bytes:
    rest = ["Host: x", *lines, "Connection: close", "", ""]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *rest]).encode()


def read_all(client: socket.socket) -> bytes:
    """Reads until the other side ends it, in whatever way."""
    parts = []
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Says what was refused, how many bytes came, and what they were if there are few."""
    body = environ["wsgi.input"].read()
    said = f"{environ['recon.refused']}|{len(body)}|".encode() + body[:20]
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]


@contextmanager
def running(
    app: Any, spool: Path, *, threads: int = 2, trust_proxy: bool = False, **limits: Any
) -> Iterator[Running]:
    listener = socket.create_server(("127.0.0.1", 0))
    chosen = Limits(**{**vars(GENEROUS), **limits})
    pool = Pool(threads, stuck_s=chosen.stuck_s)
    server = Server(
        app,
        limits=chosen,
        spool=spool,
        trust_proxy=trust_proxy,
        map={},
        _sock=listener,
        bind_socket=False,
        sockinfo=(listener.family, listener.type, 0, listener.getsockname()),
        dispatcher=pool,
        adj=worker.adjustments(backlog=128, head_bytes=chosen.head_bytes),
    )
    site = Running(server)
    try:
        yield site
    finally:
        site.over = True
        site.thread.join()
        server.drain(lambda: None, 0)
        pool.shutdown(timeout=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Running]:
    with running(echo, tmp_path) as site:
        yield site


@pytest.mark.parametrize("length", [True, False])
def test_head_gets_the_head_of_an_answer_and_no_body(tmp_path: Path, length: bool) -> None:
    """A body would be the next answer to a client that goes on."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "8")] if length else [])
        return iter([b"some", b"body"])

    with running(app, tmp_path) as site:
        assert site.ask().endswith(b"body" if length else b"body\r\n0\r\n\r\n")
        top, body = site.ask(method="HEAD").split(b"\r\n\r\n", 1)
    assert top.startswith(b"HTTP/1.1 200 OK")
    assert (b"Content-Length: 8" in top) == length
    assert body == b""


def size_of_spool(folder: Path) -> int:
    """Bytes in files of the folder that this process has open, nameless ones too."""
    total = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            if str(link.readlink()).startswith(str(folder)):
                total += link.stat().st_size
        except OSError:
            continue
    return total


# --- Heads ---


def test_a_request_is_answered(site: Running) -> None:
    assert site.ask().endswith(b"\r\n\r\n|0|")


def test_half_sent_heads_hold_no_thread(site: Running) -> None:
    slow = [site.connect() for _ in range(40)]  # the server has two threads
    for one in slow:
        one.sendall(HALF)
    assert site.ask().endswith(b"|0|")
    assert all(one.send(b"x") for one in slow)
    for one in slow:
        one.close()


def test_a_head_that_takes_too_long_is_cut_and_told_so(site: Running) -> None:
    with site.connect() as slow:
        slow.sendall(HALF)
        site.until(lambda: any(c.request for c in site.server.active_channels.values()))
        site.later(14)
        slow.sendall(b"still here")  # a byte now and then does not help
        site.later(16)
        assert read_all(slow).startswith(b"HTTP/1.1 408 ")


def test_a_connection_on_which_nothing_comes_is_closed(site: Running) -> None:
    with site.connect() as silent:
        site.until(lambda: bool(site.server.active_channels))
        site.later(16)
        assert read_all(silent) == b""


def test_a_connection_may_stay_open_between_requests_but_not_for_ever(site: Running) -> None:
    with site.connect() as client:
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b"|0|"):
                answer += client.recv(65536)
            site.until(lambda: all(not c.requests for c in site.server.active_channels.values()))
            site.later(50)
        site.later(61)
        assert read_all(client) == b""


@pytest.mark.parametrize("head", [b"what?\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"])
def test_what_is_no_http_is_told_so(site: Running, head: bytes) -> None:
    with site.connect() as client:
        client.sendall(head)
        assert read_all(client).split(b" ")[1] == b"400"
    assert site.ask().endswith(b"|0|")


@pytest.mark.parametrize("one", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\n"])
def test_a_great_many_requests_at_once_are_cut_off(site: Running, one: bytes) -> None:
    with site.connect() as client:
        client.sendall(one * 1000)
        answers = read_all(client)
    assert answers.count(b"HTTP/1.1 200") <= MOST_AT_ONCE
    assert answers.count(b" 400 Bad Request") == 1
    assert site.ask().startswith(b"HTTP/1.1 200")


def test_some_requests_may_come_at_once(site: Running) -> None:
    with site.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10 + head("/"))
        assert read_all(client).count(b"HTTP/1.1 200") == 11


def test_a_head_without_end_is_refused(site: Running) -> None:
    with site.connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 70_000)
        assert client.recv(100).startswith(b"HTTP/1.0 431 ")


# --- Connections ---


def test_an_address_with_too_many_connections_loses_its_oldest_unfinished(tmp_path: Path) -> None:
    """So that others at the sender's address still get in."""
    with running(echo, tmp_path, connections_of_one=10) as site:
        slow = [site.connect() for _ in range(30)]
        for one in slow:
            one.sendall(HALF)
        assert site.ask().endswith(b"|0|")
        site.until(lambda: len(site.server.active_channels) <= 10)
        assert read_all(slow[0]) == b""
        for one in slow:
            one.close()


def test_what_is_in_work_is_not_closed_for_a_newcomer(tmp_path: Path) -> None:
    with running(echo, tmp_path, connections_of_one=3) as site:
        uploads = [site.connect() for _ in range(3)]
        for one in uploads:
            one.sendall(head("/", "Content-Length: 5", method="POST"))
        site.until(lambda: sum(bool(c.body) for c in site.server.active_channels.values()) == 3)
        with site.connect() as newcomer:
            assert read_all(newcomer) == b""
        for one in uploads:
            one.sendall(b"hello")
            assert read_all(one).endswith(b"|5|hello")
            one.close()


def test_all_addresses_together_have_a_limit(tmp_path: Path) -> None:
    with running(echo, tmp_path, connections=10) as site:
        slow = [site.connect() for _ in range(20)]
        assert site.ask().endswith(b"|0|")
        site.until(lambda: len(site.server.active_channels) <= 10)
        for one in slow:
            one.close()


def test_busy_connections_of_one_address_do_not_keep_out_another(tmp_path: Path) -> None:
    with running(echo, tmp_path, connections=5) as site:
        uploads = [
            socket.create_connection(("127.0.0.1", site.port), 20, ("127.0.0.2", 0))
            for _ in range(5)
        ]
        for one in uploads:  # none of them is idle
            one.sendall(head("/", "Content-Length: 5", method="POST"))
        site.until(lambda: sum(bool(c.body) for c in site.server.active_channels.values()) == 5)
        assert site.ask().endswith(b"|0|")
        for one in uploads[:4]:
            one.sendall(b"hello")
            assert read_all(one).endswith(b"|5|hello")
        assert read_all(uploads[4]) == b""
        for one in uploads:
            one.close()


def test_behind_a_proxy_the_connections_are_not_one_persons(tmp_path: Path) -> None:
    with running(echo, tmp_path, connections_of_one=3, trust_proxy=True) as site:
        slow = [site.connect() for _ in range(10)]
        for one in slow:
            one.sendall(HALF)
        site.until(lambda: len(site.server.active_channels) == 10)
        assert site.ask().endswith(b"|0|")
        for one in slow:
            one.close()


def test_connections_are_as_many_as_files_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = [(300, 1000)]
    monkeypatch.setattr(worker.resource, "getrlimit", lambda what: allowed[-1])
    monkeypatch.setattr(worker.resource, "setrlimit", lambda what, pair: allowed.append(pair))
    limits = worker.within_open_files(GENEROUS)
    assert allowed[-1] == (1000, 1000)
    assert limits.connections == 400


# --- Bodies ---


def test_uploads_that_trickle_in_hold_no_thread(site: Running, tmp_path: Path) -> None:
    uploads = [site.connect() for _ in range(20)]  # the server has two threads
    for one in uploads:
        one.sendall(head("/", f"Content-Length: {MB}", method="POST") + b"x" * (MB // 2))
    site.until(lambda: size_of_spool(tmp_path) > 9 * MB)
    assert site.ask().endswith(b"|0|")
    for one in uploads:
        one.sendall(b"x" * (MB // 2))
    assert [read_all(one).split(b"|")[1] for one in uploads] == [str(MB).encode()] * 20
    for one in uploads:
        one.close()
    site.until(lambda: size_of_spool(tmp_path) == 0)


def test_a_body_on_its_way_in_has_no_name_that_could_stay_behind(
    site: Running, tmp_path: Path
) -> None:
    with site.connect() as client:
        client.sendall(head("/", f"Content-Length: {4 * MB}", method="POST") + b"x" * MB)
        site.until(lambda: size_of_spool(tmp_path) > MB // 2)
        assert list(tmp_path.iterdir()) == []
    site.until(lambda: size_of_spool(tmp_path) == 0)  # a client that disconnects leaves nothing


def test_a_body_that_stands_still_is_cut(site: Running) -> None:
    with site.connect() as client:
        client.sendall(head("/", "Content-Length: 1000000", method="POST") + b"x" * 300_000)
        site.until(lambda: any(c.body_came() for c in site.server.active_channels.values()))
        site.later(55)
        site.later(61)
        assert read_all(client).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_trickles_below_any_real_line_is_cut(site: Running) -> None:
    with site.connect() as client:
        client.sendall(head("/", "Content-Length: 1000000", method="POST") + b"x" * 100)
        channels = site.server.active_channels
        site.until(lambda: any(c.body_came() for c in channels.values()))

        def an_hour_later_with_a_byte_just_now() -> None:
            for channel in channels.values():
                channel.began -= 3600
            site.server.maintenance(time.time())

        site.between_turns(an_hour_later_with_a_byte_just_now)
        assert read_all(client).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("chunked", [False, True])
def test_too_long_a_body_is_read_to_its_end_but_not_kept(
    site: Running, tmp_path: Path, chunked: bool
) -> None:
    long = b"x" * (9 * MB)
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(long)}"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(long), long) if chunked else long
    sizes: list[int] = []
    with site.connect() as client:
        client.sendall(head("/", how, method="POST"))
        client.sendall(body[: len(body) - 7])
        sizes.append(size_of_spool(tmp_path))
        client.sendall(body[-7:])
        assert read_all(client).endswith(f"{TOO_LARGE}|0|".encode())
    if not chunked:  # announced beforehand: not a byte is stored
        assert sizes == [0]


def test_far_too_long_a_body_is_answered_at_once_and_what_follows_is_no_request(
    site: Running,
) -> None:
    with site.connect() as client:
        inside = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
        client.sendall(head("/", f"Content-Length: {99 * MB}", method="POST") + inside)
        answer = read_all(client)
    assert answer.endswith(f"{TOO_LARGE}|0|".encode())
    assert answer.count(b"HTTP/1.1 200") == 1


def test_who_waits_to_be_told_to_go_on_is_told_no_instead(site: Running) -> None:
    lines = (f"Content-Length: {9 * MB}", "Expect: 100-continue")
    answer = site.ask("/", *lines, method="POST")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(f"{TOO_LARGE}|0|".encode())


def test_who_may_go_on_is_told_so(site: Running) -> None:
    with site.connect() as client:
        client.sendall(head("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert read_all(client).endswith(b"|5|hello")


def test_an_address_has_only_so_many_uploads_at_a_time(tmp_path: Path) -> None:
    with running(echo, tmp_path, uploads_of_one=2) as site:
        uploads = [site.connect() for _ in range(2)]
        for one in uploads:
            one.sendall(head("/", f"Content-Length: {MB}", method="POST") + b"x" * 1000)
        site.until(lambda: sum(bool(c.body) for c in site.server.active_channels.values()) == 2)
        third = site.ask("/", f"Content-Length: {MB}", body=b"x" * MB, method="POST")
        assert third.endswith(f"{TOO_MANY}|0|".encode())
        small = site.ask("/", "Content-Length: 5", body=b"hello", method="POST")
        assert small.endswith(b"|5|hello")  # a form is not an upload
        for one in uploads:
            one.close()


def test_an_address_may_fill_only_so_much_of_the_disk(tmp_path: Path) -> None:
    with running(echo, tmp_path, body_bytes=MB, bodies_of_one=2) as site:
        uploads = [site.connect() for _ in range(2)]
        for one in uploads:  # announcing them is enough
            one.sendall(head("/", f"Content-Length: {MB}", method="POST"))
        site.until(lambda: sum(bool(c.body) for c in site.server.active_channels.values()) == 2)
        third = site.ask("/", f"Content-Length: {MB}", body=b"x" * MB, method="POST")
        assert third.endswith(f"{TOO_MANY}|0|".encode())
        for one in uploads:
            one.close()


def in_chunks(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def test_bodies_whose_length_nobody_said_fill_no_more_of_it(tmp_path: Path) -> None:
    with running(echo, tmp_path, body_bytes=2 * MB, bodies_of_one=1) as site:
        uploads = [site.connect() for _ in range(3)]
        for one in uploads:  # all of them are let in: nothing has come yet
            one.sendall(head("/", "Transfer-Encoding: chunked", method="POST"))
        site.until(lambda: sum(bool(c.body) for c in site.server.active_channels.values()) == 3)
        for one in uploads:
            one.sendall(in_chunks(b"x" * (3 * MB // 2)))
        site.until(
            lambda: sum(c.body.size for c in site.server.active_channels.values()) >= 9 * MB // 2
        )
        assert size_of_spool(tmp_path) <= 2 * MB
        for one in uploads:
            one.sendall(b"0\r\n\r\n")
        answers = [read_all(one) for one in uploads]
        assert sum(f"{TOO_MANY}|0|".encode() in one for one in answers) == 2
        for one in uploads:
            one.close()


def test_a_body_in_chunks_leaves_room_on_the_disk(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([True, True])  # at the head, and when the body is large
    monkeypatch.setattr(server, "has_room", lambda *_: next(free, False))
    body = in_chunks(b"x" * (3 * MB)) + b"0\r\n\r\n"
    answer = site.ask("/", "Transfer-Encoding: chunked", body=body, method="POST")
    assert answer.endswith(f"{DISK_FULL}|0|".encode())


def test_a_great_many_tiny_chunks_do_not_stop_the_loop(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each, everything after it is copied: with little traffic the loop did nothing else."""
    looked_at: list[int] = []
    receive = ChunkedReceiver.received

    def counted(self: ChunkedReceiver, data: bytes) -> Any:
        looked_at.append(0 if self.chunk_remainder else len(data))
        return receive(self, data)

    monkeypatch.setattr(ChunkedReceiver, "received", counted)
    body = b"1\r\nx\r\n" * 20_000 + in_chunks(b"x" * 200_000) + b"0\r\n\r\n"
    answer = site.ask("/", "Transfer-Encoding: chunked", body=body, method="POST")
    assert answer.endswith(b"|220000|" + b"x" * 20)
    assert max(looked_at) <= CHUNKS_AT_ONCE


def test_behind_a_proxy_uploads_count_for_whom_it_names(tmp_path: Path) -> None:
    size = f"Content-Length: {MB}"
    with (
        running(echo, tmp_path, uploads_of_one=1, trust_proxy=True) as site,
        site.connect() as first,
    ):
        first.sendall(head("/", size, "X-Forwarded-For: 9.9.9.9, 2001:db8::1", method="POST"))
        site.until(lambda: any(c.body for c in site.server.active_channels.values()))
        neighbour = "X-Forwarded-For: 2001:db8::ffff"  # in the same /64 network
        refused = site.ask("/", size, neighbour, body=b"x" * MB, method="POST")
        assert refused.endswith(f"{TOO_MANY}|0|".encode())
        other = "X-Forwarded-For: 2001:db8:0:1::1"
        taken = site.ask("/", size, other, body=b"x" * MB, method="POST")
        assert taken.endswith(f"|{MB}|".encode() + b"x" * 20)


def test_a_disk_without_room_is_said_before_a_byte_is_kept(
    tmp_path: Path,
) -> None:
    with running(echo, tmp_path, disk_reserve=10**18) as site:
        answer = site.ask("/", f"Content-Length: {MB}", body=b"x" * MB, method="POST")
        assert answer.endswith(f"{DISK_FULL}|0|".encode())


def test_a_disk_that_fills_up_meanwhile_is_said(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    def full(*arguments: Any, **options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)  # where memory is exchanged for a file
    answer = site.ask("/", f"Content-Length: {MB}", body=b"x" * MB, method="POST")
    assert answer.endswith(f"{DISK_FULL}|0|".encode())
    assert site.ask().endswith(b"|0|")


def test_lines_between_chunks_have_an_end(site: Running) -> None:
    with site.connect() as client:
        client.sendall(head("/", "Transfer-Encoding: chunked", method="POST"))
        client.sendall(b"5;" + b"x" * 40_000)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


# --- Answers ---


def test_slow_readers_hold_no_thread(tmp_path: Path) -> None:
    scene = tmp_path / "scene.ply"
    scene.write_bytes(b"x" * (20 * MB))

    def send(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/":
            return echo(environ, start_response)
        start_response("200 OK", [("Content-Length", str(20 * MB))])
        return environ["wsgi.file_wrapper"](scene.open("rb"))

    with running(send, tmp_path) as site:
        readers = [site.connect() for _ in range(20)]  # the server has two threads
        for one in readers:
            one.sendall(head("/scene.ply"))
            assert one.recv(10)
        assert site.ask().endswith(b"|0|")
        assert len(read_all(readers[0])) > 20 * MB  # whoever reads gets all of it
        site.later(1)  # noticed that it isn't moving
        site.later(62)
        while readers[1].recv(65536):
            pass  # what was already sent; then the connection ends
        for one in readers:
            one.close()


def test_who_reads_an_answer_drop_by_drop_is_cut_off(tmp_path: Path) -> None:
    def send(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(20 * MB))])
        return [b"x" * (20 * MB)]

    with running(send, tmp_path) as site, site.connect() as reader:
        reader.sendall(head("/"))
        assert reader.recv(10)
        site.later(1)
        (channel,) = site.server.active_channels.values()
        sent = channel.sent
        while channel.sent < sent + MB:  # so it has not stood still
            assert reader.recv(65536)
        site.later(100)
        assert not channel.will_close  # megabytes in a hundred seconds are enough
        site.later(100_000)
        for _ in range(100):  # a little in each of the server's turns: 6 of the 20 MB at most
            if not channel.connected:
                break
            reader.recv(65536)
            site.between_turns(lambda: None)
        assert not channel.connected


def test_a_long_answer_that_is_no_file_holds_no_thread_either(tmp_path: Path) -> None:
    served = threading.Semaphore(0)

    def send(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Length", str(20 * MB))])
        for _ in range(20):
            yield b"x" * MB
        served.release()

    with running(send, tmp_path, threads=1) as site:
        readers = [site.connect() for _ in range(3)]
        for one in readers:
            one.sendall(head("/"))
        for _ in readers:
            assert served.acquire(timeout=20)  # the thread was free before anybody read
        for one in readers:
            one.close()


# --- Threads ---


def test_health_is_answered_while_every_thread_works(tmp_path: Path) -> None:
    free, working = threading.Event(), threading.Semaphore(0)

    def check(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/check":
            working.release()
            free.wait(20)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"no" if environ["recon.is_stuck"] else b"ok"]

    with running(check, tmp_path) as site:
        checks = [site.connect() for _ in range(40)]
        for one in checks:
            one.sendall(head("/check"))
        for _ in range(2):
            assert working.acquire(timeout=20)
        pool = site.server.task_dispatcher
        site.until(lambda: len(pool.queue) == 38)
        assert site.ask("/healthz").endswith(b"ok")
        pool.queue.moved_at -= 61  # nobody has been served for a minute: it can't serve at all
        assert site.ask("/healthz").endswith(b"no")
        free.set()
        assert all(read_all(one).startswith(b"HTTP/1.1 200") for one in checks)
        assert site.ask("/healthz").endswith(b"ok")
        for one in checks:
            one.close()


def test_addresses_take_turns(tmp_path: Path) -> None:
    free, order = threading.Event(), []

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        free.wait(20)
        order.append(environ["HTTP_X_FORWARDED_FOR"])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with running(note, tmp_path, threads=1, trust_proxy=True) as site:
        pool = site.server.task_dispatcher
        asked = []
        for number, who in enumerate(["9.9.9.9"] * 5 + ["7.7.7.7"]):
            asked.append(site.connect())
            asked[-1].sendall(head("/", f"X-Forwarded-For: {who}"))
            site.until(lambda number=number: len(pool.queue) == number and not free.is_set())
        free.set()
        assert all(read_all(one) for one in asked)
        assert order.index("7.7.7.7") <= 2
        for one in asked:
            one.close()


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),  # some proxies add the port
        ("::ffff:192.0.2.7", "192.0.2.7"),  # over a socket for IPv4 and IPv6
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_whom_an_address_is_counted_as(address: str, counted_as: str) -> None:
    assert network_of(address) == counted_as
