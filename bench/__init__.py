"""What the product exists for, measured beside the raw limit of the same database and a plain way of doing it, in one run."""
