"""The engine under everything that is kept: the SQLite store, its migrations, journal segments."""
