"""One module per source: TABLE, read(path) and tidy(raw). `data.ingest` is the only caller."""
