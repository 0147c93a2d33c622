"""A load from this process on a server of this machine: prepared requests, in turn, over kept-alive connections."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Load:
    """What a server did under a load."""

    clients: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float


def drive(port: int, bodies: bytes | Sequence[bytes], *, clients: int, seconds: float = 5.0) -> Load:
    """Post to /graphql on 127.0.0.1 from `clients` connections for some seconds, one body after the other."""
    requests = [_request(body) for body in ([bodies] if isinstance(bodies, bytes) else bodies)]
    took = asyncio.run(_drive(port, itertools.cycle(requests), clients, seconds))
    milliseconds = np.array(took) * 1000
    return Load(
        clients=clients,
        requests_per_s=len(took) / seconds,
        p50_ms=float(np.percentile(milliseconds, 50)),
        p99_ms=float(np.percentile(milliseconds, 99)),
    )


def _request(body: bytes) -> bytes:
    return (
        b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Accept: application/json\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )


async def _drive(port: int, requests: Iterator[bytes], clients: int, seconds: float) -> list[float]:
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (begun := time.perf_counter()) < until:
            writer.write(next(requests))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            took.append(time.perf_counter() - begun)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client() for _ in range(clients)))
    return took
