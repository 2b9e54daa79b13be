"""The data plane: HTTP edge, the pipeline of nine steps, the upstream pool, the relay."""
