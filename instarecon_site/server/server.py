"""Who may connect, and for how long: the part of the web server that one I/O loop runs.

The loop never waits for anybody. It reads what has come, writes what can go, and once a second
looks for connections whose time is up.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from wsgiref.types import WSGIApplication

from waitress.server import TcpWSGIServer

from instarecon_site.server.body import DISK_FULL, TOO_MANY, Request, has_room
from instarecon_site.server.channel import Channel
from instarecon_site.server.limits import Limits

logger = logging.getLogger(__name__)

#: Connections taken in one turn of the loop, so that a flood of them delays nobody else's bytes.
ACCEPTED_AT_ONCE = 32


class Server(TcpWSGIServer):
    """Waitress's server with limits for each address.

    Where an address, or all together, have too many connections, one with nothing to lose is closed
    to make room: idle, or still without a whole head. So half-sent heads keep nobody out, not even
    the visitors who share their sender's address.
    """

    channel_class = Channel
    active_channels: dict[int, Channel]

    def __init__(
        self,
        application: WSGIApplication,
        *,
        limits: Limits,
        spool: Path,
        trust_proxy: bool,
        **waitress: object,
    ) -> None:
        self.limits, self.spool, self.trust_proxy = limits, spool, trust_proxy
        self.of_network: dict[str, set[Channel]] = defaultdict(set)
        super().__init__(application, **waitress)

    # --- Who may connect ---

    def handle_accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            before = len(self._map)
            super().handle_accept()
            if len(self._map) == before:
                return
            newest = next(reversed(self.active_channels.values()))
            self.of_network[newest.network].add(newest)
            self._make_room(newest)

    def _make_room(self, newest: Channel) -> None:
        beside = self.of_network[newest.network]
        if len(beside) > self.limits.connections_of_one and not self.trust_proxy:
            self._close_one(beside)
        elif len(self.active_channels) > self.limits.connections:
            largest = max(self.of_network.values(), key=len)
            self._close_one(self.active_channels.values() if self.trust_proxy else largest)

    def _close_one(self, among: Iterable[Channel]) -> None:
        """Closes the oldest one that nothing is lost with, or else the newest of them: so whoever
        has the most can't keep out others, whatever it keeps its connections busy with."""
        staying = [one for one in among if not one.will_close]
        if not staying:
            return
        newest = max(staying, key=lambda one: one.creation_time)
        dispensable = [one for one in staying if one is not newest and one.is_dispensable]
        # In the loop's next turn: in this one its number may already be a newcomer's, whom the
        # events of the old one would then be taken for.
        min(dispensable, key=lambda one: one.began, default=newest).will_close = True

    def forget(self, channel: Channel) -> None:
        beside = self.of_network.get(channel.network, set())
        beside.discard(channel)
        if not beside:
            self.of_network.pop(channel.network, None)

    # --- What may be sent ---

    def who_asks(self, channel: Channel, headers: dict[str, str]) -> str:
        """The client's address: behind a trusted proxy, the last one that it was told of."""
        forwarded = headers.get("X_FORWARDED_FOR", "") if self.trust_proxy else ""
        return forwarded.rpartition(",")[2].strip() or str(channel.addr[0])

    def why_not(self, channel: Channel, request: Request) -> str:
        """Why the body of this request can't be kept; empty where it can."""
        body = request.body
        if body is None or not (body.is_large or request.chunked):
            return ""
        others = [
            (one.client, other)
            for one in self.active_channels.values()
            if one is not channel and (other := one.body) and other.is_large
        ]
        same = [other for client, other in others if client == channel.client]
        in_all = sum(other.size + other.to_come for other in [*same, body] if not other.refused)
        most = self.limits.bodies_of_one * self.limits.body_bytes
        if len(same) >= self.limits.uploads_of_one or in_all > most:
            return TOO_MANY
        wanted = sum(other.to_come for _, other in others) + body.to_come
        return "" if has_room(self.spool, wanted, self.limits.disk_reserve) else DISK_FULL

    # --- For how long ---

    def maintenance(self, now: float) -> None:
        for channel in list(self.active_channels.values()):
            if why := channel.overdue(now):
                channel.give_up(why)

    def is_quiet(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return not any(one.is_working or one.total_outbufs_len for one in self._channels())

    def drain(self, turn: Callable[[], None], seconds: float) -> None:
        """Accepts nobody new, and gives the answers under way this long at most to go out."""
        self.accepting = False
        self.del_channel()
        self.socket.close()
        until = time.monotonic() + seconds
        while not self.is_quiet() and time.monotonic() < until:
            turn()
        for channel in self._channels():
            channel.handle_close()

    def _channels(self) -> list[Channel]:
        return list(self.active_channels.values())
