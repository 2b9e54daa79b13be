"""Ground floor: money, usage, instants, ids and the error tree; standard library only, all pure."""
