"""The one MetaData that every room's `tables.py` declares its tables in."""

from sqlalchemy import MetaData

METADATA = MetaData()
