"""The saved queries of docs/queries, and the archive of them that Neo4j Browser imports: rebuilt by running this."""

import io
import zipfile
from pathlib import Path

QUERIES = Path(__file__).parents[1] / "docs" / "queries"
ARCHIVE = QUERIES / "attune-queries.zip"
# Browser makes a folder of favourites from it, and names each after the comment in its first line.
_FOLDER = "Attune"
_MADE = (2026, 1, 1, 0, 0, 0)


def archive() -> bytes:
    """Return the archive of all saved queries; the same bytes for the same queries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(QUERIES.glob("*.cypher")):
            file.writestr(zipfile.ZipInfo(f"{_FOLDER}/{path.name}", _MADE), path.read_bytes())
    return buffer.getvalue()


if __name__ == "__main__":
    ARCHIVE.write_bytes(archive())
