"""What every test may use; `house` itself is in tests/house.py."""
