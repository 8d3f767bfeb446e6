"""Make the keys and passwords of an installation in containers, once: `keys.py FOLDER`.

The folder is a volume that only our containers see; its files are readable there because each image has its own user.
"""

import os
import secrets
import sys
from pathlib import Path


def main(folder: Path) -> None:
    for name in ("secret_key", "journal_key", "database_password"):
        write_once(folder / name, secrets.token_urlsafe(48))
    password = (folder / "database_password").read_text()
    write_once(folder / "database_url", f"postgresql://followup:{password}@postgres:5432/followup")


def write_once(file: Path, text: str) -> None:
    """All or nothing, and never over what is there: the journal's seals hang on its key."""
    if file.exists():
        return
    fresh = file.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.chmod(0o644)
    os.replace(fresh, file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
