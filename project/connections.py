"""The connections of this process to its callers, as the system knows them (Linux)."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

DESCRIPTORS = Path("/proc/self/fd")
# Places in the kernel's struct tcp_info, unsigned numbers of 32 bits but where it says otherwise.
LAST_DATA_SENT = 44  # milliseconds ago; before the first answer: since the connection was made
TAKEN = 120  # bytes that the caller has taken, a number of 64 bits
NOT_SENT = 144  # bytes that wait for the caller to take them
INFO_SIZE = 148


@dataclass
class Connection:
    """A socket of our own, a second handle of the one that the web server uses. Close it soon: both hold it open."""

    socket: socket.socket
    peer: str

    def unanswered_for(self) -> float:
        """Seconds since something was last sent to the caller; 0 while something waits to be sent."""
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_SIZE)
        if len(info) < INFO_SIZE or struct.unpack_from("I", info, NOT_SENT)[0]:
            return 0.0
        milliseconds: int = struct.unpack_from("I", info, LAST_DATA_SENT)[0]
        return milliseconds / 1000

    @property
    def caller(self) -> tuple[Any, ...]:
        """Address and port of the other end: no two connections have the same at a time."""
        name: tuple[Any, ...] = self.socket.getpeername()
        return name

    def on_its_way(self) -> int:
        """Bytes that the caller has not taken yet, of those that the system was given."""
        number: int = struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)))[0]
        return number

    def given(self) -> int:
        """Bytes that the system was given for the caller since the connection was made."""
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_SIZE)
        taken: int = struct.unpack_from("Q", info, TAKEN)[0] if len(info) >= INFO_SIZE else 0
        return taken + self.on_its_way()

    def end(self) -> None:
        """The server reads an end of what the caller sends, and closes the connection after what it still answers."""
        self.socket.shutdown(socket.SHUT_RD)

    def cut(self) -> None:
        """Nothing more goes out than what the system was given, and nothing comes in."""
        self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.socket.close()


def callers(port: int) -> Iterator[Connection]:
    """The connections that others have made to this port and this process has accepted."""
    for entry in list(DESCRIPTORS.iterdir()):
        try:
            if not str(entry.readlink()).startswith("socket:"):
                continue
            handle = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:  # it has been closed meanwhile
            continue
        peer = _peer(handle, port)
        if peer is None:
            handle.close()
        else:
            yield Connection(handle, peer)


def plain_address(address: str) -> str:
    """An IP address in one spelling, without a zone; other texts as they are."""
    try:
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return address


def _peer(handle: socket.socket, port: int) -> str | None:
    """Whose connection it is; None for what is none of a caller."""
    try:
        if handle.family not in (socket.AF_INET, socket.AF_INET6) or handle.getsockname()[1] != port:
            return None
        return plain_address(handle.getpeername()[0])
    except OSError:  # a socket that listens, or whose caller is gone
        return None
