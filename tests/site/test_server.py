"""The web server: heads, and too many connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instarecon_site.server import worker
from instarecon_site.server.body import MOST_AT_ONCE
from tests.site.serving import GENEROUS, HALF, Running, echo, head, read_all, running


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
