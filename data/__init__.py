"""Everything from a raw file up to and including the store that pages ask."""
