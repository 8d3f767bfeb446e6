from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import house as houses


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[houses.House]:
    """A supervisor of its own with the two servers only."""
    yield from a_house(tmp_path / "data", ["postgres", "redis"])


@pytest.fixture(scope="module")
def product(tmp_path_factory) -> Iterator[houses.House]:
    """A whole product of its own, which the tests of one module share."""
    yield from a_house(tmp_path_factory.mktemp("product") / "data", None)


def a_house(data: Path, parts: list[str] | None) -> Iterator[houses.House]:
    process = houses.build(data, parts)
    house = houses.House(data)
    house.process = process
    yield house
    houses.leave(house.process, data)
