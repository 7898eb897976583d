"""Functions of every kind (plain, async, generators) with something that begins before and ends after them."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial, wraps
from typing import Any, Protocol, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class Watched(Protocol):
    """One call of a wrapped function."""

    def begin(self) -> None: ...

    def end(self, error: BaseException | None = None) -> None: ...

    def active(self) -> AbstractContextManager[None]:
        """It is the current one in here: around each step of the function, not while it waits for its consumer."""

    output: Any


Start = Callable[[Mapping[str, Any]], Watched]


def watch(function: F, start: Start) -> F:
    """The function, watched. `start` gets each call's arguments by name; the output is what is returned or yielded."""
    signature = inspect.signature(function)

    def begun(args: Any, kwargs: Any) -> Watched:
        watched = start(_by_name(signature, args, kwargs))
        watched.begin()
        return watched

    if inspect.isasyncgenfunction(function):
        wrapper: Any = _async_stream(function, begun)
    elif inspect.isgeneratorfunction(function):
        wrapper = _stream(function, begun)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function, begun)
    else:
        wrapper = _plain(function, begun)
    return cast(F, wraps(function)(wrapper))


def joined(parts: list[Any]) -> Any:
    """The pieces of a stream as one output: text when all are text."""
    return "".join(parts) if all(isinstance(part, str) for part in parts) else parts


def _by_name(signature: inspect.Signature, args: Any, kwargs: Any) -> dict[str, Any]:
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return {}  # the function itself says it better
    bound.apply_defaults()
    return {name: value for name, value in bound.arguments.items() if name not in ("self", "cls")}


@contextmanager
def _ended(watched: Watched) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        watched.end(error)
        raise
    watched.end()


def _plain(function: Callable[..., Any], begun: Callable[[Any, Any], Watched]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        watched = begun(args, kwargs)
        with _ended(watched), watched.active():
            result = function(*args, **kwargs)
            if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
                return result  # not run yet: its output is not known here
            if watched.output is None:
                watched.output = result
            return result

    return call


def _coroutine(function: Callable[..., Any], begun: Callable[[Any, Any], Watched]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        watched = begun(args, kwargs)
        with _ended(watched), watched.active():
            result = await function(*args, **kwargs)
            if watched.output is None:
                watched.output = result
            return result

    return call


def _stream(function: Callable[..., Any], begun: Callable[[Any, Any], Watched]) -> Callable[..., Any]:
    def stream(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        watched = begun(args, kwargs)
        parts: list[Any] = []
        inner = function(*args, **kwargs)
        step: Callable[[], Any] = partial(next, inner)
        with _ended(watched), _joining(watched, parts):
            while True:
                try:
                    with watched.active():
                        parts.append(step())
                except StopIteration as stop:
                    return stop.value
                try:
                    sent = yield parts[-1]
                except GeneratorExit:
                    inner.close()
                    raise
                except BaseException as error:  # the consumer throws something in: it is the function's
                    step = partial(inner.throw, error)
                else:
                    step = partial(inner.send, sent)

    return stream


def _async_stream(function: Callable[..., Any], begun: Callable[[Any, Any], Watched]) -> Callable[..., Any]:
    async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        watched = begun(args, kwargs)
        parts: list[Any] = []
        inner = function(*args, **kwargs)
        step: Callable[[], Awaitable[Any]] = inner.__anext__
        with _ended(watched), _joining(watched, parts):
            while True:
                try:
                    with watched.active():
                        parts.append(await step())
                except StopAsyncIteration:
                    return
                try:
                    sent = yield parts[-1]
                except GeneratorExit:
                    await inner.aclose()
                    raise
                except BaseException as error:  # the consumer throws something in: it is the function's
                    step = partial(inner.athrow, error)
                else:
                    step = partial(inner.asend, sent)

    return stream


@contextmanager
def _joining(watched: Watched, parts: list[Any]) -> Iterator[None]:
    """Whatever came until the end, however it ended."""
    try:
        yield
    finally:
        if watched.output is None:
            watched.output = joined(parts)
