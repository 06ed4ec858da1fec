"""The web server and bodies that are slow, too long, or too many at once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from waitress.receiver import ChunkedReceiver

from instarecon_site.server import server
from instarecon_site.server.body import (
    CHUNKS_AT_ONCE,
    DISK_FULL,
    TOO_LARGE,
    TOO_MANY,
)
from instarecon_site.server.limits import MB
from tests.site.serving import Running, echo, head, read_all, running, size_of_spool

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
