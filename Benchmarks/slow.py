"""Callers that are slow on purpose: each answer as (sent, done, version), nanoseconds; version -1: none."""

import re
import socket
import time

MARK = re.compile(rb'"data":\[(\d+)')


def _connect(port):
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(30)
    line.connect(("127.0.0.1", port))
    return line


def _answer(buffer):
    """Splits the first whole answer from `buffer`: (answer, rest), or None."""
    head, found, rest = buffer.partition(b"\r\n\r\n")
    if not found:
        return None
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    size = int(length[1]) if length else 0
    return (head + found + rest[:size], rest[size:]) if len(rest) >= size else None


def _version(answer):
    mark = MARK.search(answer)
    return int(mark[1]) if answer.startswith(b"HTTP/1.1 200") and mark else -1


def drip_body(port, request, seconds):
    """Sends all but the head byte by byte over `seconds`; `sent` is when the last byte left."""
    head = request.index(b"\r\n\r\n") + 4
    with _connect(port) as line:
        line.sendall(request[:head])
        for place in range(head, len(request) - 1):
            line.sendall(request[place : place + 1])
            time.sleep(seconds / (len(request) - head))
        sent = time.monotonic_ns()
        line.sendall(request[-1:])
        buffer = b""
        while (parts := _answer(buffer)) is None:
            bytes_read = line.recv(4096)
            if not bytes_read:
                return sent, time.monotonic_ns(), -1
            buffer += bytes_read
        return sent, time.monotonic_ns(), _version(parts[0])


def read_slowly(port, request, count, seconds):
    """Sends `count` requests at once, reads their answers in small bites for `seconds`, then the rest."""
    with _connect(port) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        sent = time.monotonic_ns()
        line.sendall(request * count)
        deadline = time.monotonic() + seconds
        buffer, answers = b"", 0
        while answers < count:
            is_slow = time.monotonic() < deadline
            if is_slow:
                time.sleep(0.01)
            bytes_read = line.recv(64 if is_slow else 65536)
            if not bytes_read:
                break
            buffer += bytes_read
            while (parts := _answer(buffer)) is not None:
                answers += 1
                yield sent, time.monotonic_ns(), _version(parts[0])
                buffer = parts[1]
        if answers < count:
            yield sent, time.monotonic_ns(), -1
