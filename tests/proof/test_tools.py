"""What `make tools` fetches is what was looked at, from wherever it comes."""

from __future__ import annotations

import json
import re

from tests.proof.conftest import TOOLS


def test_every_package_is_known_by_its_hash() -> None:
    """The lock has a hash for each package and no address; what is asked for is one version each, the one in the lock."""
    wanted = json.loads((TOOLS / "package.json").read_text("utf-8"))["devDependencies"]
    packages = json.loads((TOOLS / "package-lock.json").read_text("utf-8"))["packages"]
    fetched = {path.removeprefix("node_modules/"): package for path, package in packages.items() if path}
    assert [] == [name for name, package in fetched.items() if not package.get("integrity", "").startswith("sha512-")]
    assert [] == [name for name, package in fetched.items() if "resolved" in package]
    assert wanted == {name: fetched[name]["version"] for name in wanted}
    locked = (TOOLS / "requirements.lock").read_text("utf-8")
    assert len(re.findall(r"^[a-z-]+==\S+ \\$", locked, re.MULTILINE)) == 2
    assert "://" not in locked
