"""GraphiQL at `/graphql` for a browser: its files are served from this machine, or it is said how to get them."""

from pathlib import Path

from starlette.responses import FileResponse, Response

from api.page import WEB

FILES = ("react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "graphiql.min.css")
"""What the folder of assets must hold."""

# GraphiQL's editor sets styles by itself and carries a font inside its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def complete(assets: Path | None) -> bool:
    """Whether the folder holds every file that GraphiQL needs."""
    return assets is not None and all((assets / name).is_file() for name in FILES)


def page(*, available: bool) -> Response:
    """Return the page; without its files a short one that says how to get them."""
    name = "graphiql.html" if available else "no-graphiql.html"
    return FileResponse(WEB / name, headers={"content-security-policy": POLICY})
