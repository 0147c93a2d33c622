"""News of users inside one process."""

import asyncio

from api.broadcast import Broadcast


def test_a_follower_hears_at_once_and_after_each_change_of_its_user_only() -> None:
    async def run() -> None:
        broadcast = Broadcast()
        heard = broadcast.follow("u1")
        await asyncio.wait_for(anext(heard), 1)
        broadcast.publish(["u2"])
        waiting = asyncio.ensure_future(anext(heard))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        broadcast.publish(["u1"])
        await asyncio.wait_for(waiting, 1)

    asyncio.run(run())


def test_changes_that_nobody_has_read_yet_wake_once() -> None:
    async def run() -> None:
        broadcast = Broadcast()
        heard = broadcast.follow("u1")
        await anext(heard)
        for _ in range(1_000):
            broadcast.publish(["u1"])
        await asyncio.wait_for(anext(heard), 1)
        waiting = asyncio.ensure_future(anext(heard))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        broadcast.close()
        assert [item async for item in _rest(waiting)] == []

    asyncio.run(run())


async def _rest(waiting: "asyncio.Future[None]"):
    try:
        yield await asyncio.wait_for(waiting, 1)
    except StopAsyncIteration:
        return


def test_close_ends_every_follower_and_none_is_left() -> None:
    async def run() -> None:
        broadcast = Broadcast()

        async def listen(user: str) -> int:
            return sum([1 async for _ in broadcast.follow(user)])

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(listen(f"u{n % 3}")) for n in range(9)]
            await asyncio.sleep(0.02)
            assert len(broadcast) == 9
            broadcast.close()
        assert [task.result() for task in tasks] == [1] * 9
        assert len(broadcast) == 0

    asyncio.run(run())
