"""A vendor's futures by simulation: intervals of profit, runway and the price at no profit."""
