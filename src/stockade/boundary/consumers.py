"""Messages of a queue: bytes become a model, or are refused, and the sinks know whose they are.

    @consumes(Order, source="orders")
    def ship(order: Order) -> None: ...

    def on_message(channel, method, properties, body):    # pika; any other client alike
        try:
            ship(body)
        except (Rejected, Blocked):                       # refused, and told: never to come again
            channel.basic_nack(method.delivery_tag, requeue=False)
        else:
            channel.basic_ack(method.delivery_tag)

A message is a request like any other: it has an id, its strings are inputs of the firewall, and a
refusal stands even where the handler swallows the error. Who may write to the queue is the broker's
business, and headers and routing keys are not inputs unless the handler checks them itself.
"""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from pydantic import BaseModel

from stockade.boundary.bodies.refusal import refuse, reported
from stockade.boundary.problems import validate_json
from stockade.core.context import RequestContext, running
from stockade.core.errors import Rejected, StockadeError
from stockade.core.inputs import InputLimits, Inputs, Source

__all__ = ["Delivery", "consumes", "upheld"]

M = TypeVar("M", bound=BaseModel)
P = ParamSpec("P")
R = TypeVar("R")


class Delivery(RequestContext):
    """The context of one message; its `resource` is where it came from."""

    __slots__ = ("_source", "content")

    def __init__(self, content: bytes, source: str = "") -> None:
        super().__init__(uuid.uuid4().hex)
        self.content = content
        self._source = source

    @property
    def resource(self) -> str:
        return self._source

    def read_inputs(self) -> Inputs:
        inputs = Inputs(InputLimits())
        text = self.content.decode("utf-8", "replace")
        if inputs.add_json_text(self.content):
            inputs.add_whole(Source.BODY, "", text)
        else:
            inputs.add(Source.BODY, "", text)
        return inputs


@contextmanager
def upheld(context: RequestContext) -> Iterator[None]:
    """Work for `context`; what was refused meanwhile is raised, whatever became of the error."""
    with running(context):
        try:
            yield
        except StockadeError:
            raise
        except Exception as error:
            if context.refusal is None:
                raise
            raise _refusal(context) from error
    if context.refusal is not None:
        raise _refusal(context)


def consumes(
    model: type[M], *, source: str = "", max_bytes: int = 1 << 20, max_depth: int = 64
) -> Callable[[Callable[Concatenate[M, P], R]], Callable[Concatenate[bytes | str, P], R]]:
    """Make a handler of `model` one of messages: JSON, as bytes or text, read strictly.

    `source` names the queue, in events and in the firewall's settings of routes; `max_bytes` bounds
    a message, `max_depth` its nesting. Further arguments pass as they are; a coroutine function
    stays one. The handler made raises Rejected for a message that does not match, and what the
    handler itself raises: Blocked, where the firewall stopped it.
    """

    def declare(
        handler: Callable[Concatenate[M, P], R],
    ) -> Callable[Concatenate[bytes | str, P], R]:
        if inspect.iscoroutinefunction(handler):

            @functools.wraps(handler)
            async def take_async(message: bytes | str, *args: P.args, **kwargs: P.kwargs) -> Any:
                content = _content(message)
                with upheld(Delivery(content, source)):
                    found = _read(model, content, max_bytes, max_depth)
                    return await handler(found, *args, **kwargs)

            return cast("Callable[Concatenate[bytes | str, P], R]", take_async)

        @functools.wraps(handler)
        def take(message: bytes | str, *args: P.args, **kwargs: P.kwargs) -> R:
            content = _content(message)
            with upheld(Delivery(content, source)):
                return handler(_read(model, content, max_bytes, max_depth), *args, **kwargs)

        return cast("Callable[Concatenate[bytes | str, P], R]", take)

    return declare


def _content(message: bytes | str) -> bytes:
    # A lone surrogate becomes bytes that are not UTF-8, which the strict pass refuses.
    return message.encode("utf-8", "surrogatepass") if isinstance(message, str) else bytes(message)


def _read(model: type[M], content: bytes, max_bytes: int, max_depth: int) -> M:
    with reported():
        if len(content) > max_bytes:
            refuse("size", "The message is too large.", 413)
        if not content:
            refuse("json", "The message is empty.")
    return validate_json(model, content, max_depth=max_depth)


def _refusal(context: RequestContext) -> Rejected:
    problem = context.refusal
    assert problem is not None  # noqa: S101  both callers have just seen it
    return Rejected(problem.detail, status=problem.status, kind=problem.kind, rule="refused")
