"""Pure functions: tables in, tables out. Nothing here knows about files, pages or people's access."""
