"""The explorer page's files: the built page, and what stands in for it."""

import asyncio
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from api import page


def test_a_page_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    (tmp_path / "no-page.html").write_text((page.WEB / "no-page.html").read_text())
    answer = page.page(tmp_path)
    assert answer.status_code == 503
    assert "make setup" in (page.WEB / "no-page.html").read_text()


def test_the_page_is_asked_for_each_time_and_its_hashed_assets_once(tmp_path: Path) -> None:
    (tmp_path / "page" / "assets").mkdir(parents=True)
    (tmp_path / "page" / "index.html").write_text("<!doctype html>")
    (tmp_path / "page" / "assets" / "index-abc.js").write_text("1")
    (tmp_path / "mark.svg").write_text("<svg/>")
    assert page.page(tmp_path).headers["cache-control"] == "no-cache"
    transport = httpx.ASGITransport(Starlette(routes=[Mount("/web", page.Files(directory=tmp_path))]))

    async def headers(path: str) -> httpx.Headers:
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return (await client.get(path)).raise_for_status().headers

    assert "immutable" in asyncio.run(headers("/web/page/assets/index-abc.js"))["cache-control"]
    assert "cache-control" not in asyncio.run(headers("/web/mark.svg"))
