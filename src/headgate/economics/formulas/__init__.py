"""The desk's formulas, one module per question; exact, pure, and explained in docs/economics.md."""
