"""What every test may use; `house` itself is in tests/house.py."""

import pytest

# Asserts outside of test files say what they compared, too.
pytest.register_assert_rewrite("tests.faults.story", "tests.faults.blows")
