"""A visitor without a browser: Streamlit's protocol over a WebSocket, as much of it as sliders need.

Messages are the protocol buffers of the installed Streamlit. As a browser does, it keeps large messages and tells the
server which it has, sends the widgets it has changed with every request, and asks again where a page polls.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Answer", "Session"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


@dataclass(frozen=True)
class Answer:
    """One request of a visitor: what it was about, how long it took, what came, and what went wrong."""

    what: str
    seconds: float
    sent: int
    picture_bytes: int
    errors: tuple[str, ...]


@dataclass
class Session:
    """One visitor of a page, `query` being its address's settings."""

    address: str
    page: str
    query: dict[str, str] = field(default_factory=dict)
    #: Longest wait for an answer.
    patience: float = 60.0
    _socket: ClientConnection | None = None
    _elements: dict[tuple[int, ...], tuple[Any, str]] = field(default_factory=dict)
    _changed: dict[str, WidgetState] = field(default_factory=dict)
    _cached: dict[str, ForwardMsg] = field(default_factory=dict)
    _polling: dict[str, float] = field(default_factory=dict)
    _page_hash: str = ""
    #: What came since the last script began: elements, and fragments that poll.
    _came: set[Any] = field(default_factory=set)

    def __post_init__(self) -> None:
        host = urlsplit(self.address).hostname
        if host not in LOOPBACK:
            raise ValueError(f"address: got {host}, expected this machine, 127.0.0.1")

    async def open(self) -> Answer:
        """Begin the visit."""
        url = self.address.replace("http://", "ws://") + "/_stcore/stream"
        self._socket = await connect(url, subprotocols=["streamlit"], max_size=None)  # type: ignore[list-item]
        return await self._ask("open", "")

    async def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            await self._socket.close()

    def sliders(self) -> list[str]:
        """Settings of the sliders on the page that are part of its address, so that they are the same for everyone."""
        return sorted({item.query_param_key for item, _ in self._sliders() if item.query_param_key})

    async def move(self, key: str, rng: random.Random) -> Answer:
        """Move the slider of a setting to another value."""
        item, _ = self._slider(key)
        if len(item.options):
            return await self.set(key, rng.choice([option for option in item.options if option != self.query.get(key)]))
        steps = round((item.max - item.min) / item.step)
        value = round(item.min + item.step * rng.randint(0, steps), 9)
        return await self.set(key, int(value) if float(value).is_integer() else value)

    async def set(self, key: str, value: float | str) -> Answer:
        """Move the slider of a setting to `value`."""
        item, fragment = self._slider(key)
        state = WidgetState(id=item.id)
        if len(item.options):
            state.string_array_value.data.append(str(value))
        else:
            state.double_array_value.data.append(float(value))
        self.query[key] = str(value)
        self._changed[state.id] = state
        return await self._ask(f"{key}={value}", fragment)

    def _slider(self, key: str) -> tuple[Any, str]:
        return next((item, fragment) for item, fragment in self._sliders() if item.query_param_key == key)

    async def settle(self) -> None:
        """Poll as long as the page asks for it, as it does while something runs in the background."""
        end = time.monotonic() + self.patience
        while self._polling and time.monotonic() < end:
            fragment, interval = next(iter(self._polling.items()))
            await asyncio.sleep(interval)
            await self._ask("poll", fragment, polling=True)

    def _sliders(self) -> Iterator[tuple[Any, str]]:
        for element, fragment in self._elements.values():
            if element.WhichOneof("type") == "slider" and not element.slider.disabled:
                yield element.slider, fragment

    async def _ask(self, what: str, fragment: str, *, polling: bool = False) -> Answer:
        assert self._socket is not None
        message = BackMsg()
        client = message.rerun_script
        client.query_string = urlencode(self.query)
        if self._page_hash:
            client.page_script_hash = self._page_hash
        else:
            client.page_name = self.page
        client.fragment_id = fragment
        client.is_auto_rerun = polling
        client.widget_states.widgets.extend(self._changed.values())
        client.cached_message_hashes.extend(self._cached)
        began, sent, pictures, errors = time.monotonic(), 0, 0, []
        await self._socket.send(message.SerializeToString())
        try:
            async with asyncio.timeout(self.patience):
                while True:
                    data = await self._socket.recv()
                    assert isinstance(data, bytes)
                    sent += len(data)
                    told = ForwardMsg.FromString(data)
                    pictures += self._take(told, errors)
                    if told.WhichOneof("type") == "script_finished":
                        if told.script_finished in DONE:
                            break
                        if told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                            errors.append("the script did not compile")
                            break
        except TimeoutError:
            errors.append(f"no answer within {self.patience:g} s")
        except Exception as error:  # a connection that breaks is a finding, not the end of the measurement
            errors.append(f"{type(error).__name__}: {error}"[:200])
        return Answer(what, time.monotonic() - began, sent, pictures, tuple(errors))

    def _take(self, told: ForwardMsg, errors: list[str]) -> int:
        """Keep what a browser would; the bytes of a picture that came anew."""
        kind, size = told.WhichOneof("type"), told.ByteSize()
        if kind == "ref_hash":
            size = 0
            metadata, told = told.metadata, self._cached[told.ref_hash]
            kind = told.WhichOneof("type")
            path = tuple(metadata.delta_path)
        else:
            path = tuple(told.metadata.delta_path)
            if told.metadata.cacheable:
                self._cached[told.hash] = told
        if kind == "new_session":
            self._came.clear()
        elif kind == "script_finished" and told.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            # a whole page: what did not come again is gone
            self._elements = {place: kept for place, kept in self._elements.items() if place in self._came}
            self._polling = {name: each for name, each in self._polling.items() if name in self._came}
        elif kind == "navigation":
            self._page_hash = told.navigation.page_script_hash
        elif kind == "auto_rerun":
            self._polling[told.auto_rerun.fragment_id] = told.auto_rerun.interval
            self._came.add(told.auto_rerun.fragment_id)
        elif kind == "stop_auto_rerun":
            self._polling.clear()
        elif kind == "delta":
            for place in [place for place in self._elements if place[: len(path)] == path]:
                del self._elements[place]
            if told.delta.WhichOneof("type") == "new_element":
                element = told.delta.new_element
                if element.WhichOneof("type") == "exception":
                    errors.append(f"{element.exception.type}: {element.exception.message}"[:200])
                self._elements[path] = element, told.delta.fragment_id
                self._came.add(path)
                return size if element.WhichOneof("type") == "plotly_chart" else 0
        return 0
