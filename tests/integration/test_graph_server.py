"""The local Neo4j as a process: adopted, found, stopped, killed, hung; in homes of its own."""

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from graph import jars, local, process, schema, server, snapshot, write, write_events
from graph.client import AsyncClient, Client, Settings, settings
from graph.errors import AuthFailed, GraphError, OutOfMemory, ServerFailed, TimedOut, Unavailable
from tests.graphs import write_shop
from tests.shop import Row, Shop

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

START = """
import sys
from pathlib import Path
from graph import server
server.up(Path(sys.argv[1]), heap_mb=512, report=print)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of an odd name, whose server was started by a command that was killed while it waited."""
    home = tmp_path_factory.mktemp("own ñ中")
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("NEO4J_")}
    starter = subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE, text=True)
    try:
        assert starter.stdout is not None
        while "Starting" not in starter.stdout.readline():
            assert starter.poll() is None
        while local.running(home) is None:
            time.sleep(0.05)
        starter.kill()
        starter.communicate()
        yield home
    finally:
        server.down(home)
        os.environ.update(saved)


def pid(home: Path) -> int:
    running = local.running(home)
    assert running is not None
    return running.pid


def test_the_next_start_adopts_a_server_whose_starter_was_killed(own: Path) -> None:
    before = pid(own)
    said: list[str] = []
    found = server.up(own, heap_mb=512, report=said.append)
    assert pid(own) == before
    assert any("running" in line for line in said)
    assert settings(own) == found
    status = server.status(own)
    assert (status.running, status.pid, status.bolt) == (True, before, found.uri)
    assert status.password_file.stat().st_mode & 0o777 == 0o600
    assert status.log.is_file()
    assert found.password not in repr(found)


def test_the_store_and_the_logs_lie_in_the_home_whatever_its_name_is(own: Path) -> None:
    server.up(own, heap_mb=512, report=print)
    assert (local.folder(own) / "data" / "databases" / "neo4j").is_dir()
    assert local.log_file(own).is_file()


def test_a_server_without_a_record_is_found(own: Path) -> None:
    before = pid(own)
    local.forget(own)
    assert pid(own) == before
    assert (local.folder(own) / "server.json").is_file()


def test_the_browser_answers_and_every_door_is_local(own: Path) -> None:
    server.up(own, heap_mb=512, report=print)
    browser = server.status(own).browser
    assert browser is not None
    with urllib.request.urlopen(browser, timeout=10) as page:
        assert b"Neo4j Browser" in page.read()
    running = psutil.Process(pid(own))
    doors = {c.laddr.ip for c in running.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert doors <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}


def test_a_wrong_password_is_said_to_be_one(own: Path) -> None:
    good = server.up(own, heap_mb=512, report=print)
    with Client(replace(good, password="wrong")) as client, pytest.raises(AuthFailed, match="password"):
        client.read("RETURN 1 AS one")
    file = local.password_file(own)
    file.write_text("wrong", encoding="utf-8")
    with pytest.raises(AuthFailed, match=str(file)):
        server.up(own, heap_mb=512, report=print)
    file.write_text(good.password, encoding="utf-8")


def test_a_statement_that_needs_too_much_memory_or_time_is_ended(own: Path) -> None:
    with Client(server.up(own, heap_mb=512, report=print)) as client:
        with pytest.raises(OutOfMemory, match="memory"):
            client.read("UNWIND range(1, 100000000) AS n RETURN collect(toString(n) + 'x') AS all")
        with pytest.raises(TimedOut, match="1 s"):
            client.read("UNWIND range(1, 10000000000) AS n RETURN count(*) AS n", timeout_s=1.0)
        with pytest.raises(GraphError, match="Invalid input"):
            client.read("THIS IS NOT CYPHER")
        assert client.read("RETURN 1 AS one") == [{"one": 1}]


def test_a_server_that_hangs_holds_nobody_for_long(own: Path) -> None:
    found = server.up(own, heap_mb=512, report=print)
    hung = psutil.Process(pid(own))

    async def ask() -> float:
        async with AsyncClient(replace(found, timeout_s=1.0)) as client:
            await client.ping()
            hung.suspend()
            started = time.monotonic()
            with pytest.raises(TimedOut):
                await client.read("RETURN 1 AS one")
            took = time.monotonic() - started
            hung.resume()
            await client.ping(timeout_s=20.0)
            return took

    try:
        assert asyncio.run(ask()) < 5.0
        with Client(found) as client:
            client.read("RETURN 1 AS one")
            hung.suspend()
            started = time.monotonic()
            with pytest.raises(Unavailable):
                client.read("RETURN 1 AS one")
            assert time.monotonic() - started < 60.0
    finally:
        hung.resume()


def test_signals_to_the_starter_do_not_reach_the_server(own: Path) -> None:
    server.up(own, heap_mb=512, report=print)
    assert os.getsid(pid(own)) != os.getsid(0)


def test_neo4j_killed_in_mid_write_and_the_write_run_again_gives_exact_counts(
    own: Path, neo4j: Settings, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = server.up(own, heap_mb=512, report=print)
    monkeypatch.setattr(write_events, "BATCH", 1_000)
    many = 20_000
    events: list[Row] = [
        {"event_id": f"e{n}", "user_id": f"u{n % 60}", "item_id": f"i{n % 48}", "type": "view", "at": n}
        for n in range(many)
    ]
    with Client(found, retry_s=1.0) as client:
        write.wipe(client)
        schema.migrate(client)
        write_shop(client, shop)
        victim = psutil.Process(pid(own))

        def kill() -> None:
            # In mid-write: some batches are committed, others are not.
            with Client(found) as witness:
                while witness.read("MATCH ()-[r:VIEWED]->() RETURN count(r) AS n")[0]["n"] < 3_000:
                    time.sleep(0.01)
            victim.kill()
            victim.wait(60)  # its connections end a little before it does

        killer = threading.Thread(target=kill)
        killer.start()
        started = time.monotonic()
        with pytest.raises(Unavailable):
            write.events(client, events)
        killer.join()
        assert time.monotonic() - started < 60
    with pytest.raises(Unavailable, match="attune up"):
        settings(own)
    (local.folder(own) / "conf" / "neo4j.conf").unlink()  # else the ports of before are taken again
    free = process._free_port
    # Free when it was chosen: another Neo4j, with another password, listens there when ours wants to.
    lost = [int(neo4j.uri.rsplit(":", 1)[1])]

    def chosen(wanted: int, report: process.Report) -> int:
        return lost.pop() if lost else free(wanted, report)

    monkeypatch.setattr(process, "_free_port", chosen)
    with taken_port() as bolt, taken_port() as http:
        monkeypatch.setattr(process, "BOLT_PORT", bolt)
        monkeypatch.setattr(process, "HTTP_PORT", http)
        said: list[str] = []
        found = server.up(own, heap_mb=512, report=said.append)
    assert found.uri not in (f"bolt://127.0.0.1:{bolt}", neo4j.uri)
    assert sum("is taken" in line for line in said) == 2  # the retry keeps the HTTP port of the first start
    assert sum("Starting" in line for line in said) == 2
    with Client(found) as client:
        counts = write.events(client, events)
        assert counts.created + counts.existing == many
        assert counts.existing >= 2_000
        views = sum(row["type"] == "view" for row in shop.events)
        assert client.read("MATCH ()-[r:VIEWED]->() RETURN count(r) AS n")[0]["n"] == many + views
        assert len(snapshot.read(client).events) == many + len(shop.events)


@contextmanager
def taken_port() -> Generator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def test_a_second_server_on_the_same_store_ends_and_says_why(own: Path, tmp_path: Path) -> None:
    server.up(own, heap_mb=512, report=print)
    folder = local.folder(tmp_path)
    folder.mkdir()
    (folder / "data").symlink_to(local.folder(own) / "data")
    record = process.start(tmp_path, 512, jars.ensure(jars.locked(jars.NEO4J), print), print)
    with pytest.raises(ServerFailed, match="Another Neo4j uses this store"):
        process.wait(tmp_path, record, "x")
    assert local.running(tmp_path) is None


def csv_files(folder: Path) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    folder.mkdir()
    users, items, bought = folder / "users.csv", folder / "items.csv.gz", folder / "bought.csv"
    users.write_text("id:ID(User){label:User},key:long,attr_city\nu0,0,Oslo\nu1,1,\n", encoding="utf-8")
    with gzip.open(items, "wt", encoding="utf-8") as out:
        out.write('id:ID(Item){label:Item},key:long,title,price:double\ni0,0,"Tea, ""green""\nleaves",2.5\ni1,1,Cup,\n')
    more = folder / "bought-2.csv"
    bought.write_text(
        ":START_ID(User),:END_ID(Item),event_id,at:long,amount:double\nu0,i0,e0,5,2.5\n", encoding="utf-8"
    )
    more.write_text("u1,i0,e1,6,\n", encoding="utf-8")
    return {"User": [users], "Item": [items]}, {"PURCHASED": [bought, more]}


def test_an_import_that_fails_leaves_the_graph_as_it_was(own: Path, tmp_path: Path) -> None:
    with Client(server.up(own, heap_mb=512, report=print)) as client:
        write.wipe(client)
        schema.migrate(client)
    nodes, relationships = csv_files(tmp_path / "csv")
    nodes["User"][0].write_text("id:ID(User),key:long\nu0,not a number\n", encoding="utf-8")
    with pytest.raises(ServerFailed, match="import"):
        server.import_csv(own, nodes, relationships, print, heap_mb=512)
    with Client(server.up(own, heap_mb=512, report=print)) as client:
        assert schema.version(client) == schema.VERSION


def test_an_offline_import_gives_the_graph_that_online_writing_gives(own: Path, tmp_path: Path) -> None:
    nodes, relationships = csv_files(tmp_path / "csv")
    said: list[str] = []
    with Client(server.import_csv(own, nodes, relationships, said.append, heap_mb=512)) as client:
        assert schema.version(client) == schema.VERSION
        imported = snapshot.read(client)
        again = write.events(
            client, [{"event_id": "e0", "user_id": "u0", "item_id": "i0", "type": "purchase", "at": 5, "amount": 2.5}]
        )
        assert again == write.EventCounts(created=0, existing=1, missing=0)
        write.wipe(client)
        schema.migrate(client)
        write.users(client, [{"id": "u0", "attr_city": "Oslo"}, {"id": "u1"}])
        write.items(client, [{"id": "i0", "title": 'Tea, "green"\nleaves', "price": 2.5}, {"id": "i1", "title": "Cup"}])
        write.events(
            client,
            [
                {"event_id": "e0", "user_id": "u0", "item_id": "i0", "type": "purchase", "at": 5, "amount": 2.5},
                {"event_id": "e1", "user_id": "u1", "item_id": "i0", "type": "purchase", "at": 6},
            ],
        )
        assert snapshot.read(client).id == imported.id
    with pytest.raises(GraphError, match="empty"):
        server.import_csv(own, nodes, relationships, print, heap_mb=512)


def test_stopping_is_clean_and_a_second_stop_finds_nothing(own: Path) -> None:
    server.up(own, heap_mb=512, report=print)
    stopped = psutil.Process(pid(own))
    assert server.down(own)
    assert not stopped.is_running()
    assert "Stopped." in local.log_file(own).read_text(encoding="utf-8")
    assert not server.down(own)
    assert not server.status(own).running


def test_no_server_at_all_is_unavailable_and_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_URI", raising=False)
    with pytest.raises(Unavailable, match="attune up"):
        settings(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = Settings(f"bolt://127.0.0.1:{probe.getsockname()[1]}", "neo4j", "x")

    async def ask() -> None:
        async with AsyncClient(nobody) as client:
            await client.ping()

    started = time.monotonic()
    with pytest.raises(Unavailable):
        asyncio.run(ask())
    assert time.monotonic() - started < 5.0
    started = time.monotonic()
    with Client(nobody, retry_s=1.0) as client, pytest.raises(Unavailable):
        client.read("RETURN 1 AS one")
    assert time.monotonic() - started < 20.0


def test_a_stale_record_is_cleaned(tmp_path: Path) -> None:
    folder = local.folder(tmp_path)
    folder.mkdir()
    record = {"pid": os.getpid(), "created": 1.0, "bolt_port": 7687, "http_port": 7474}
    (folder / "server.json").write_text(json.dumps(record), encoding="utf-8")
    assert local.running(tmp_path) is None
    assert not (folder / "server.json").exists()
    (folder / "server.json").write_text("{torn", encoding="utf-8")
    assert local.running(tmp_path) is None


def test_too_little_memory_and_a_newer_store_are_told_before_a_start(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="memory"):
        server.up(tmp_path, heap_mb=10_000_000, report=print)
    with pytest.raises(ServerFailed, match="heap of 1 MB"):
        server.up(tmp_path, heap_mb=1, report=print)
    folder = local.folder(tmp_path)
    (folder / "version").write_text("99.1.0", encoding="utf-8")
    with pytest.raises(ServerFailed, match=r"99\.1\.0"):
        server.up(tmp_path, heap_mb=512, report=print)


def test_a_store_that_cannot_be_opened_is_told(own: Path) -> None:
    server.down(own)
    store = local.folder(own) / "data" / "databases" / "neo4j" / "neostore"
    store.write_bytes(b"\xff" * store.stat().st_size)
    with pytest.raises(ServerFailed, match="could not open its store"):
        server.up(own, heap_mb=512, report=print)
    assert local.running(own) is None
