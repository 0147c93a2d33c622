"""The explorer page at `/`: what Vite built from `web/`, or a word on how to build it."""

import os
from pathlib import Path

from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB = Path(__file__).with_name("web")
"""Files as they are, and in `page/` what was built."""


class Files(StaticFiles):
    """Files for browsers; the built ones carry a hash of their content in their names."""

    def file_response(
        self, full_path: "str | os.PathLike[str]", stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file; a built one may be kept for a year without asking again."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        if Path(full_path).parent.name == "assets":
            answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        return answer


def page(web: Path = WEB) -> Response:
    """Return the page, which names its assets by their hash and so must be asked for each time."""
    built, headers = web / "page" / "index.html", {"cache-control": "no-cache"}
    if built.is_file():
        return FileResponse(built, headers=headers)
    return FileResponse(web / "no-page.html", 503, headers)
