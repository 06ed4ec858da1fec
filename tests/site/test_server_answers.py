"""The web server: who reads slowly, and whose turn it is."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from instarecon_site.addresses import network_of
from instarecon_site.server.limits import MB
from tests.site.serving import echo, head, read_all, running

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
