"""A process's part in serving: it publishes its counts, and listens where no other one does."""

from __future__ import annotations

from collections.abc import Mapping

from stockade.core.bus import say
from stockade.core.errors import ConfigError
from stockade.core.health import OK, State, Verdict
from stockade.core.network import is_loopback
from stockade.core.periodic import Periodic
from stockade.watch.metrics.counts import Counts
from stockade.watch.metrics.endpoint import Endpoint, Page, parse_address
from stockade.watch.metrics.held import Held

__all__ = ["PUBLISH_SECONDS", "Server"]

PUBLISH_SECONDS = 0.5
"""What is scraped is at most so old, and what a SIGKILL takes with it at most so much."""


class Server:
    """Begins to publish when it is made, and to listen, or to stand by; until `close`."""

    def __init__(
        self, counts: Counts, address: str, pages: Mapping[str, Page], *, setting: str
    ) -> None:
        """`setting` names the address to people.

        Raises ConfigError where it is malformed, unknown, or taken by anybody but another process
        of this service.
        """
        self._counts, self._pages = counts, pages
        self._host, self._port = parse_address(address, setting)
        self._trouble = ""
        self._place: Held | None = None
        self._endpoint: Endpoint | None = None
        try:
            self._endpoint = self._listen()
        except OSError as error:
            raise ConfigError(
                f"{setting} cannot listen on {address} ({error.strerror}); choose another "
                "port, or stop what listens there"
            ) from None
        if self._endpoint is not None and not is_loopback(self._host):
            say(
                f"{setting} tells every host that reaches {address} of routes, rules and defences "
                "that are down: keep it inside by a firewall"
            )
        self.publisher = Periodic(setting, self._turn, seconds=PUBLISH_SECONDS)
        self.publisher.start()

    @property
    def port(self) -> int:
        """The port that this process listens on; 0 where another one does."""
        return self._endpoint.port if self._endpoint is not None and self._endpoint.mine else 0

    def verdict(self) -> Verdict:
        """Whether the counts leave this process, for its health."""
        if self._trouble:
            return Verdict(State.FAILED, self._trouble)
        if not self.publisher.alive:
            return Verdict(State.FAILED, "Nobody publishes this process's counts.")
        return OK

    def close(self) -> None:
        """Publish once more and stop listening."""
        self.publisher.close()
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None
        self._stand_down()

    def _turn(self) -> None:
        try:
            self._counts.publish()
            if self.publisher.open and not self.port:
                self._endpoint = self._listen()
        except (OSError, TimeoutError) as error:
            self._trouble = (
                "The counts cannot be published, or the metrics not served "
                f"({type(error).__name__})."
            )
        else:
            self._trouble = ""

    def _listen(self) -> Endpoint | None:
        """Listen, where no other process of this service does. Raises OSError."""
        folder = self._counts.folder
        if folder is not None:
            self._place = Held.take(folder.path / "port")
            if self._place is None:
                return None
        try:
            return Endpoint(self._host, self._port, self._pages)
        except OSError:
            self._stand_down()
            raise

    def _stand_down(self) -> None:
        if self._place is not None and self._place.mine:
            self._place.release()
        self._place = None
