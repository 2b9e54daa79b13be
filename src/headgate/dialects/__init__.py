"""Wire formats that clients and providers speak: pure functions from bytes to records and back."""
