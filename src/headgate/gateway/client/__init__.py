"""The client's side: connections, requests as they arrive, answers as bytes."""
